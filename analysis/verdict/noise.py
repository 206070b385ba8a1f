"""What a run's replicates show of the noise, kept for the plans of later studies (see tagsearch.study.noise).

Per endpoint: the SD between seeds of one run, pooled over the arms, and the variance by test artists of a difference to
the baseline, the mean over the arms. Endpoints are both ranking metrics on every group of tags, and what the study's
hypotheses claim, at the final checkpoint. One that lacks replicates of the baseline and of another arm is left out.
"""

import numpy as np

from analysis.rundata import RunData
from analysis.verdict.evidence import Evidence
from tagsearch.records import FINAL
from tagsearch.study.contrasts import versus
from tagsearch.study.endpoints import Endpoint, endpoint
from tagsearch.study.noise import baseline_of
from tagsearch.study.schema import METRICS, TAG_GROUPS


def noise_record(run: RunData, evidence: Evidence) -> dict[str, object]:
    """JSON-ready."""
    rows = [_row(run, evidence, one) for one in _endpoints(run)]
    return {
        "study": run.study.name,
        "data": dict(run.study.data),
        "fingerprint": run.corpus.fingerprint,
        "n_artists": evidence.split.n_artists,
        "baseline": baseline_of(run.study),
        "models": {name: arm.config.get("model") for name, arm in evidence.arms.items()},
        "endpoints": [row for row in rows if row is not None],
    }


def _endpoints(run: RunData) -> list[Endpoint]:
    standard = [Endpoint(metric=metric, tags=group) for metric in METRICS for group in TAG_GROUPS]
    claimed = [
        endpoint(part, metric)
        for hypothesis in run.study.hypotheses
        for part in hypothesis.parts
        for metric in part.metrics
    ]
    return list(dict.fromkeys([*standard, *(one for one in claimed if one.checkpoint == FINAL)]))


def _row(run: RunData, evidence: Evidence, one: Endpoint) -> dict[str, object] | None:
    arms = [arm for arm in evidence.arms.values() if len(arm.seeds) > 1]
    samples = {arm.name: evidence.sample(arm, one) for arm in arms}
    sds = {name: float(sample.values.std(ddof=1)) for name, sample in samples.items() if sample is not None}
    baseline = run.study.baseline.name
    estimates = [evidence.estimate(versus(name, baseline), one) for name in sds if baseline in sds and name != baseline]
    variances = [estimate.clip_variance for estimate in estimates if estimate is not None]
    if not variances or not np.isfinite([*variances, *sds.values()]).all():
        return None
    df = {name: len(evidence.arms[name].seeds) - 1 for name in sds}
    return {
        "endpoint": one.name,
        "seed_sd": float(np.sqrt(sum(df[name] * sds[name] ** 2 for name in sds) / sum(df.values()))),
        "df": sum(df.values()),
        "clip_variance": float(np.mean(variances)),
        "arms": {name: {"n_seeds": df[name] + 1, "seed_sd": sds[name]} for name in sds},
    }

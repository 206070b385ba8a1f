"""An arm against the baseline tag by tag, and over groups of tags: differences with intervals over seeds and artists.

A single tag, the mean of a group, one group beyond another and the slope over the number of training clips are all sums
of weight x tag: one engine (see `intervals`) tells them all. Only tags that the test split defines. Columns:

    arm, than, metric             the difference is arm - than
    tag, group                    the group by training clips, see tagsearch.study.tag_groups
    n_train, n_test, n_artists    clips that have the tag, and artists of such test clips: few of them, a rough interval
    value, than_value             means over the seeds
    delta, lower, upper           the difference and its interval at ALPHA, for this one tag
    normalised                    the difference as a share of what lies between chance and perfect: delta over
                                  1 - chance, 0.5 for ROC AUC, the share of test clips that have the tag for PR AUC
    p, q, is_marked               two-sided p (see `p_values`), adjusted for the false discovery rate (Benjamini and
                                  Hochberg) over the tags of this arm and metric, and whether q < MARKED. Exploratory

Of groups: arm, than, metric, contrast, n_tags, delta, lower, upper, p; normalised with its own lower and upper. The
contrasts are head, mid, tail, "tail - head" and "slope", the gain per tenfold training clips by least squares over the
tags that have any.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.rundata import RunData
from analysis.verdict.evidence import ArmEvidence, Evidence
from analysis.verdict.intervals import Estimate, Floats
from analysis.verdict.p_values import false_discovery, p_values
from tagsearch.records import FINAL
from tagsearch.study.schema import METRICS, Metric, TagGroup
from tagsearch.study.tag_groups import tag_groups

ALPHA = 0.05
MARKED = 0.1  # the false discovery rate that marks allow
GROUPS: tuple[TagGroup, ...] = ("head", "mid", "tail")
BEYOND, SLOPE = "tail - head", "slope"

_HEAD = ["arm", "than", "metric"]
TAG_COLUMNS = [*_HEAD, "tag", "group", "n_train", "n_test", "n_artists", "value", "than_value"]
TAG_COLUMNS += ["delta", "lower", "upper", "normalised", "p", "q", "is_marked"]
GROUP_COLUMNS = [*_HEAD, "contrast", "n_tags", "delta", "lower", "upper", "p"]
GROUP_COLUMNS += ["normalised", "normalised_lower", "normalised_upper"]


def per_tag(run: RunData, evidence: Evidence, arm: str, than: str | None = None) -> pd.DataFrame:
    """One row a metric and tag. `than`: the baseline if not given. Empty where too few trials have completed."""
    rival, facts = than or run.study.baseline.name, tag_facts(run, evidence)
    found = [difference_of_tags(evidence, arm, rival, weights) for weights in np.eye(len(facts))]
    frames = []
    for m, metric in enumerate(METRICS):
        estimates = [both[metric] for both in found if both]
        if not estimates:
            continue
        means = (evidence.arms[name].values[..., m].mean(axis=0) for name in (arm, rival))
        frame = facts.assign(
            arm=arm, than=rival, metric=metric, **dict(zip(("value", "than_value"), means, strict=True))
        )
        frame = frame.assign(**_told(estimates), p=p_values(estimates))
        q = false_discovery(frame["p"].to_numpy())
        scaled = frame["delta"] / (1 - _chance(facts, metric))
        frames.append(frame.assign(normalised=scaled, q=q, is_marked=q < MARKED))
    return _joined(frames, TAG_COLUMNS)


def by_group(run: RunData, evidence: Evidence, arm: str, than: str | None = None) -> pd.DataFrame:
    """One row a metric and contrast of tags. `than`: the baseline if not given. Empty where too few have completed."""
    rival, facts = than or run.study.baseline.name, tag_facts(run, evidence)
    frames = []
    for metric in METRICS:
        scale = 1 / (1 - _chance(facts, metric))
        contrasts = tag_contrasts(facts)
        raw = [difference_of_tags(evidence, arm, rival, weights) for weights in contrasts.values()]
        scaled = [difference_of_tags(evidence, arm, rival, weights * scale) for weights in contrasts.values()]
        estimates, normal = ([both[metric] for both in found if both] for found in (raw, scaled))
        if estimates:
            trained = int((facts["n_train"] > 0).sum())
            n_tags = [trained if name == SLOPE else np.count_nonzero(w) for name, w in contrasts.items()]
            frame = pd.DataFrame({"contrast": list(contrasts), "n_tags": n_tags, **_told(estimates)})
            renamed = dict(
                zip(("normalised", "normalised_lower", "normalised_upper"), _told(normal).values(), strict=True)
            )
            frames.append(frame.assign(arm=arm, than=rival, metric=metric, p=p_values(estimates), **renamed))
    return _joined(frames, GROUP_COLUMNS)


def tag_facts(run: RunData, evidence: Evidence) -> pd.DataFrame:
    """tag, group, n_train, n_test, n_artists, prevalence in the test split; the scored tags in the corpus's order."""
    split, counts = evidence.split, run.corpus.train_counts
    defined, members = np.flatnonzero(split.defined), tag_groups(counts)
    group_of = {int(t): group for group in GROUPS for t in members[group]}
    return pd.DataFrame(
        {
            "tag": np.array(run.corpus.tags)[defined],
            "group": [group_of[int(t)] for t in defined],
            "n_train": counts[defined],
            "n_test": split.labels.sum(axis=0, dtype=np.int64),
            "n_artists": [len(np.unique(split.artists[has])) for has in split.labels.T == 1],
            "prevalence": split.labels.mean(axis=0),
        }
    )


def tag_contrasts(facts: pd.DataFrame) -> dict[str, Floats]:
    """Weights of the scored tags, (n_defined,), by contrast; those that no tag is left for are left out."""
    is_member = {str(group): (facts["group"] == group).to_numpy(dtype=np.float64) for group in GROUPS}
    weights = {group: member / member.sum() for group, member in is_member.items() if member.any()}
    if "tail" in weights and "head" in weights:
        weights[BEYOND] = weights["tail"] - weights["head"]
    counts = facts["n_train"].to_numpy(dtype=np.float64)
    if len(np.unique(counts[counts > 0])) > 1:
        weights[SLOPE] = _slope(counts)
    return weights


def _slope(counts: Floats) -> Floats:
    some = counts > 0
    tens = np.log10(counts, where=some, out=np.zeros(len(counts)))
    apart = np.where(some, tens - tens[some].mean(), 0.0)
    return np.asarray(apart / (apart**2).sum())


def difference_of_tags(evidence: Evidence, arm: str, than: str, weights: Floats) -> Mapping[Metric, Estimate]:
    """arm - than on the sum of weight x score of the tags, `weights`: (n_defined,). Empty where too few trials
    completed."""
    scale = (len(weights) * weights)[:, None]  # the mean over tags of what is scaled by this is the sum
    arms = {name: _scaled(evidence.arms[name], scale) for name in (arm, than)}
    told = replace(evidence, arms=arms)
    found = {metric: told.difference(arm, than, metric) for metric in METRICS}
    return {metric: estimate for metric, estimate in found.items() if estimate is not None}


def _scaled(arm: ArmEvidence, scale: Floats) -> ArmEvidence:
    """`scale`: (n_defined, 1)."""
    if not arm.seeds:
        return arm
    final = arm.scored[FINAL]
    return replace(arm, scored={FINAL: replace(final, values=final.values * scale, influence=final.influence * scale)})


def _told(estimates: list[Estimate]) -> dict[str, Floats]:
    limits = np.array([one.interval(ALPHA) for one in estimates])
    return {"delta": np.array([one.value for one in estimates]), "lower": limits[:, 0], "upper": limits[:, 1]}


def _chance(facts: pd.DataFrame, metric: Metric) -> Floats:
    return facts["prevalence"].to_numpy() if metric == "pr_auc" else np.full(len(facts), 0.5)


def _joined(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)

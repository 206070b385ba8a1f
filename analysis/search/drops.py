"""What the chosen configurations lose from validation to test, and since they were chosen.

A configuration, and under "best" its epoch too, was chosen for its score on the validation clips; some of that is luck
with these clips. All arms share the difference between the two splits; an arm that loses more than the others owed more
of its choice to luck. Scores are macro means over the tags that both splits define.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.arms import tables
from analysis.report.grids import Grid
from analysis.rundata import RunData
from analysis.search.tuning import chosen, reached
from analysis.verdict import ranks
from analysis.verdict.evidence import ArmEvidence, Evidence
from analysis.verdict.intervals import Floats, Sample, contrast
from analysis.verdict.words import decimals, mean_sd, signed
from tagsearch.errors import RecordError
from tagsearch.records import Trial
from tagsearch.study.endpoints import METRIC_NAMES
from tagsearch.study.schema import METRICS, Metric

ALPHA = 0.05  # of an arm's drop beyond the baseline's, over all rivals and metrics together

NOTE = (
    "Confirm trials at their final checkpoint, mean ± SD over seeds, tags that both splits define. When chosen: the "
    "tune trial's objective, the best of many and so optimistic; the same configuration then ran with fresh seeds. A "
    "drop that all arms share lies in the splits; a larger one in one arm means that its configuration and checkpoint "
    "fit the clips that chose them better than new ones, or that its score has more to lose."
)


def drops(run: RunData, evidence: Evidence, notes: list[str]) -> pd.DataFrame:
    """One row an arm and metric; arms without a completed trial are left out, unreadable trials noted. Columns:

    arm, metric, n_seeds, n_tags; chosen: the objective of the tune trial that was chosen, NaN for another metric;
    valid, test and drop (valid - test) with their SD over seeds as <column>_sd; beyond: the drop beyond the baseline's,
    with half, of its Welch interval over seeds at ALPHA shared by all rivals and metrics (infinite with one seed)."""
    metrics = [metric for metric in METRICS if run.study.objective == f"valid/{metric}"] or list(METRICS)
    in_valid = ranks.defined_tags(run.corpus.labels[run.corpus.rows("valid")])
    common = in_valid & evidence.split.defined
    rows: list[dict[str, object]] = []
    if not common.any():
        notes.append("No tag has both a positive and a negative clip in validation and test: no drop can be told.")
        return pd.DataFrame(rows)
    picked = chosen(run)
    n_claims = max(1, (len(evidence.arms) - 1) * len(metrics))
    for metric in metrics:
        pairs = {name: _pairs(run, evidence, arm, metric, common, notes) for name, arm in evidence.arms.items()}
        base = pairs[run.study.baseline.name]
        for name, pair in pairs.items():
            if len(pair):
                row = {"arm": name, "metric": metric, "n_seeds": len(pair), "n_tags": int(common.sum())}
                rows.append(
                    row | _told(run, picked.get(name, []), metric, pair) | _beyond(pair, base, ALPHA / n_claims)
                )
    return pd.DataFrame(rows)


def _pairs(
    run: RunData, evidence: Evidence, arm: ArmEvidence, metric: Metric, common: npt.NDArray[np.bool_], notes: list[str]
) -> Floats:
    """(K, 2): each completed trial on validation and on test."""
    in_test = common[evidence.split.defined]
    trials = {trial.spec.seed: trial for trial in run.confirm if trial.spec.arm == arm.name}
    found = []
    for k, seed in enumerate(arm.seeds):
        trial = trials[seed]
        if trial.result is None or trial.result.best_epoch is None:
            continue
        try:
            valid = trial.per_tag(metric)
        except RecordError as error:
            notes.append(f"{trial.spec.name} is left out of the drops: {error}")
            continue
        found.append((valid[common].mean(), arm.values[k, in_test, METRICS.index(metric)].mean()))
    return np.array(found, dtype=np.float64).reshape(-1, 2)


def _told(run: RunData, picked: Sequence[Trial], metric: Metric, pair: Floats) -> dict[str, float]:
    is_objective = run.study.objective == f"valid/{metric}"
    known = [reached(run.study, trial) for trial in picked]
    row = {"chosen": float(np.mean(known)) if known and is_objective else math.nan}
    for column, values in (("valid", pair[:, 0]), ("test", pair[:, 1]), ("drop", pair[:, 0] - pair[:, 1])):
        row |= {column: float(values.mean()), f"{column}_sd": _sd(values)}
    return row


def _sd(values: Floats) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan


def _beyond(pair: Floats, base: Floats, alpha: float) -> dict[str, float]:
    """NaN for the baseline itself, and without one."""
    if pair is base or not len(base):
        return {"beyond": math.nan, "half": math.nan}
    estimate = contrast([_as_sample(pair), _as_sample(base)], [1.0, -1.0], paired=False)
    return {"beyond": estimate.value, "half": estimate.half_width(alpha, "benchmark")}


def _as_sample(pair: Floats) -> Sample:
    """Drops of these seeds on these very clips."""
    n = len(pair)
    return Sample(seeds=tuple(range(n)), values=pair[:, 0] - pair[:, 1], influence=np.zeros((n, 0)))


# --- as text ---------------------------------------------------------------------------------------------------------


def drop_grid(run: RunData, frame: pd.DataFrame) -> Grid:
    lines = []
    for row in tables.rows(frame):
        cells = [mean_sd(row[name], row[f"{name}_sd"], row["n_seeds"]) for name in ("valid", "test", "drop")]
        digits = decimals(row["half"])
        beyond = "" if np.isnan(row["beyond"]) else signed(row["beyond"], digits)
        half = f" ± {row['half']:.{digits}f}" if np.isfinite(row["half"]) else ""
        when = "" if np.isnan(row["chosen"]) else f"{row['chosen']:.3f}"
        lines.append((row["arm"], METRIC_NAMES[row["metric"]], str(row["n_seeds"]), when, *cells, beyond + half))
    head = ("arm", "metric", "seeds", "when chosen", "validation", "test", "drop", "beyond the baseline's")
    return Grid(
        title="From validation to test",
        head=head,
        rows=tuple(lines),
        right=(False, False, *(True for _ in range(6))),
        notes=(reading(run, frame), NOTE),
    )


def reading(run: RunData, frame: pd.DataFrame) -> str:
    """The table in one sentence."""
    baseline, known = run.study.baseline.name, frame.dropna(subset=["beyond"])
    if known.empty:
        return "There is nothing to compare a drop with yet."
    if np.isinf(known["half"]).all():
        return "One seed an arm: no drop can be told from the spread between seeds."
    lucky = known[known["beyond"] > known["half"]]
    if lucky.empty:
        return f"No arm loses more from validation to test than {baseline}, beyond what seeds vary by."
    told = [f"{row['arm']} {row['beyond']:.3f} ({METRIC_NAMES[row['metric']]})" for row in tables.rows(lucky)]
    return (
        f"More than {baseline} is lost from validation to test, beyond what seeds vary by: {', '.join(told)}. Judge "
        "these arms by the test split."
    )

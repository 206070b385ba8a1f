"""Every arm in full: the comparison, and beside it what the arm cost and what it did to rare and frequent tags.

The columns of `tables.comparison` come first, so that what a narrow screen shows of the table is that comparison.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.arms import tables
from analysis.arms.arm_models import ArmModels
from analysis.arms.tables import ALPHA, SHORT, Row
from analysis.report.grids import Grid
from analysis.rundata import RunData
from analysis.verdict import gates, words
from analysis.verdict.evidence import ArmEvidence, Evidence
from analysis.verdict.judgement import HypothesisVerdict
from tagsearch.study.contrasts import versus
from tagsearch.study.cost import forward_mega_macs
from tagsearch.study.endpoints import Endpoint
from tagsearch.study.schema import METRICS, Contrast, Hypothesis, Metric, TagGroup

GROUPS: tuple[TagGroup, ...] = ("tail", "mid", "head")
NOTES = (
    "These clips: the same difference with its interval over seeds alone, for this very test set. Better: seeds above "
    "the baseline's seed, or above its mean where seeds are not paired, on ROC and PR AUC.",
    "Tail, mid, head: difference in PR AUC over the rarest 40 %, the next 40 % and the most frequent 20 % of the tags, "
    "by training clips, with its interval over seeds and artists: a description, no verdict.",
    "JSD: bits between the shares of annotated and predicted tags, 0 the same shares; never: annotated tags that are "
    "never predicted.",
    "MMACs: multiply-accumulates of one chunk in millions, by the registry. Tuned: "
    "tune trials and the epochs they took. Hours: of all the arm's trials, added up.",
)


def arms_table(
    run: RunData,
    evidence: Evidence,
    comparison: pd.DataFrame,
    verdicts: Sequence[HypothesisVerdict],
    known: ArmModels,
) -> pd.DataFrame:
    """`comparison` with further columns:

    roc_ and pr_: bench_lower, bench_upper (benchmark scope, at ALPHA) and better (seeds); tail_, mid_ and head_: delta,
    lower, upper of the PR AUC; jsd, jsd_sd, n_never, n_never_sd; gates_failed, by id; epochs and clips_drawn, means of
    the completed confirm trials; mega_macs; n_configs and tune_epochs of the tune phase; hours of all trials."""
    baseline = run.study.baseline.name
    further = []
    for arm in evidence.arms.values():
        compared = None if arm.name == baseline else versus(arm.name, baseline)
        row: Row = {}
        for metric in METRICS:
            row |= _benchmark(evidence, compared, metric)
        for group in GROUPS:
            row |= _group(evidence, compared, group)
        row["gates_failed"] = ", ".join(dict.fromkeys(_failed(run, evidence, verdicts, compared)))
        further.append(row | _balance(known, arm.name) | _cost(run, arm))
    return pd.concat([comparison, pd.DataFrame(further, index=comparison.index)], axis=1)


def _benchmark(evidence: Evidence, compared: Contrast | None, metric: Metric) -> Row:
    short = SHORT[metric]
    estimate = evidence.estimate(compared, Endpoint(metric=metric)) if compared else None
    if estimate is None:
        return {f"{short}_bench_lower": np.nan, f"{short}_bench_upper": np.nan, f"{short}_better": np.nan}
    lower, upper = estimate.interval(ALPHA, "benchmark")
    better = sum(one > 0 for one in estimate.per_seed)
    return {f"{short}_bench_lower": lower, f"{short}_bench_upper": upper, f"{short}_better": better}


def _group(evidence: Evidence, compared: Contrast | None, group: TagGroup) -> Row:
    estimate = evidence.estimate(compared, Endpoint(metric="pr_auc", tags=group)) if compared else None
    if estimate is None:
        return {f"{group}_{name}": np.nan for name in ("delta", "lower", "upper")}
    lower, upper = estimate.interval(ALPHA)
    return {f"{group}_delta": estimate.value, f"{group}_lower": lower, f"{group}_upper": upper}


def _failed(
    run: RunData, evidence: Evidence, verdicts: Sequence[HypothesisVerdict], compared: Contrast | None
) -> Iterator[str]:
    """Ids of the gates that failed: those of the hypotheses that compare the arm with the baseline, else those that
    every comparison has."""
    if compared is None:
        return
    members = [m for one in verdicts for part in one.parts for m in part.members]
    judged = [member.gates for member in members if member.contrast.weights == compared.weights]
    nobody = Hypothesis(id="exploratory", text="", alpha=ALPHA, parts=())
    for found in judged or [gates.check(run, evidence, nobody, compared)]:
        yield from (gate.id for gate in found if not gate.passed)


def _balance(known: ArmModels, name: str) -> Row:
    model = known.arms.get(name)
    if model is None:
        return dict.fromkeys(("jsd", "jsd_sd", "n_never", "n_never_sd"), np.nan)
    mean, sd = model.totals, model.spread
    return {"jsd": mean.jsd, "jsd_sd": sd.jsd, "n_never": mean.n_never, "n_never_sd": sd.n_never}


def _cost(run: RunData, arm: ArmEvidence) -> Row:
    confirm = [trial for trial in run.confirm if trial.spec.arm == arm.name]
    tune = [trial for trial in run.tune if trial.spec.arm == arm.name]
    epochs = [trial.result.epochs for trial in confirm if trial.result and trial.spec.seed in arm.seeds]
    seconds = [trial.result.seconds for trial in (*tune, *confirm) if trial.result]
    return {
        "epochs": float(np.mean(epochs)) if epochs else np.nan,
        "clips_drawn": arm.clips_drawn or np.nan,
        "mega_macs": forward_mega_macs(arm.config) or np.nan,
        "n_configs": len(tune),
        "tune_epochs": sum(len(trial.history) for trial in tune),
        "hours": sum(seconds) / 3600,
    }


# --- as text ---------------------------------------------------------------------------------------------------------

_HEAD = (
    *("Δ ROC, these clips", "Δ PR, these clips", "better", *(f"Δ AP {group}" for group in GROUPS)),
    *("JSD", "never", "gates failed", "epochs", "clips drawn", "MMACs", "tuned", "hours"),
)
_RIGHT = (True, True, False, *(True for _ in GROUPS), True, True, False, True, True, True, True, True)


def arms_grid(run: RunData, evidence: Evidence, frame: pd.DataFrame) -> Grid:
    """Of `arms_table`."""
    narrow = tables.comparison_grid(run, evidence, frame)
    told = tables.rows(frame)
    rows = tuple((*first, *_further(row)) for first, row in zip(narrow.rows, told, strict=True))
    n = len(narrow.head)
    return Grid(
        title=narrow.title,
        head=(*narrow.head, *_HEAD),
        rows=rows,
        right=(*narrow.right, *_RIGHT),
        notes=(*narrow.notes, *NOTES),
        small=(n, n + 1),
    )


def paper_grids(grid: Grid) -> tuple[Grid, ...]:
    """`arms_grid` in pieces that a page holds: what is compared, what became of the tags, what it cost."""
    n, last = len(grid.head) - len(_HEAD), len(grid.head)
    n_tagwise = _HEAD.index("gates failed")
    return (
        replace(grid.taken(range(n)), notes=grid.notes[: -len(NOTES)]),
        replace(grid.taken([0, *range(n, n + n_tagwise)]), title="This test set, and groups of tags", notes=NOTES[:3]),
        replace(grid.taken([0, *range(n + n_tagwise, last)]), title="What the arms cost", notes=NOTES[3:]),
    )


def _further(row: Row) -> tuple[str, ...]:
    return (
        *(_interval(row[f"{s}_delta"], row[f"{s}_bench_lower"], row[f"{s}_bench_upper"]) for s in SHORT.values()),
        _better(row),
        *(_interval(*(row[f"{group}_{name}"] for name in ("delta", "lower", "upper"))) for group in GROUPS),
        words.mean_sd(row["jsd"], row["jsd_sd"], row["seeds_done"]),
        words.mean_sd(row["n_never"], row["n_never_sd"], row["seeds_done"], least=0),
        row["gates_failed"] or ("none" if row["judged_by"] != "baseline" else ""),
        _counted(row["epochs"], "{:.3g}"),
        _counted(row["clips_drawn"], "{:,.0f}"),
        _counted(row["mega_macs"], "{:,.3g}"),
        f"{row['n_configs']} in {row['tune_epochs']} epochs" if row["n_configs"] else "no",
        f"{row['hours']:.2g}",
    )


def _interval(value: float, lower: float, upper: float) -> str:
    if np.isnan(value):
        return ""
    return words.signed(value, 3) if np.isinf(lower) else words.with_interval(value, lower, upper)


def _better(row: Row) -> str:
    counts = [row[f"{short}_better"] for short in SHORT.values()]
    return "" if np.isnan(counts[0]) else ", ".join(f"{n:.0f}/{row['seeds_done']}" for n in counts)


def _counted(value: float, form: str) -> str:
    return "-" if np.isnan(value) else form.format(value)

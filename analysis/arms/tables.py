"""The comparison table: arms on the test split. The frame first, text from it.

Rows keep the declared order and no maximum is marked: where the intervals overlap, the largest number is not the best
arm. The tune phase's table is apart (see `tuning`), as its numbers are maxima over trials on the data that chose them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.report.grids import Grid
from analysis.rundata import RunData
from analysis.verdict import words
from analysis.verdict.evidence import ArmEvidence, Evidence
from analysis.verdict.judgement import HypothesisVerdict
from analysis.verdict.outcomes import Outcome
from analysis.verdict.sources import RunSource
from analysis.verdict.verdicts import exploratory
from tagsearch.study.contrasts import versus
from tagsearch.study.endpoints import Endpoint
from tagsearch.study.hypotheses import DEFAULT_MARGINS
from tagsearch.study.schema import METRICS, ClaimMetric, Metric, Part, Study

Row = dict[str, Any]  # one row of a frame, by column

ALPHA = 0.05  # of the intervals shown in the comparison table
_SHOWN = tuple(Endpoint(metric=metric).name for metric in METRICS)  # what the comparison table compares
SHORT: Mapping[Metric, str] = {"roc_auc": "roc", "pr_auc": "pr"}


def comparison(run: RunData, evidence: Evidence, verdicts: Sequence[HypothesisVerdict]) -> pd.DataFrame:
    """One row an arm, in the declared order. Columns:

    arm; seeds_done, seeds_planned, n_diverged, n_failed; for ROC (roc_) and PR AUC (pr_): mean, sd (over seeds),
    half (of the mean's own interval), delta to the baseline with lower and upper at ALPHA;
    outcome against the baseline; judged_by (hypothesis, or "exploratory")."""
    baseline = run.study.baseline.name
    rows = []
    for name, arm in evidence.arms.items():
        row = _counts(arm)
        for metric in METRICS:
            row |= _levels_of(arm, metric) | _difference(evidence, name, baseline, metric)
        outcome, judged_by = ("", "baseline") if name == baseline else _outcome(run, evidence, verdicts, name)
        rows.append(row | {"outcome": outcome, "judged_by": judged_by})
    return pd.DataFrame(rows)


def _counts(arm: ArmEvidence) -> dict[str, object]:
    return {
        "arm": arm.name,
        "seeds_done": len(arm.seeds),
        "seeds_planned": len(arm.planned),
        "n_diverged": len(arm.diverged),
        "n_failed": len(arm.failed),
    }


def _levels_of(arm: ArmEvidence, metric: Metric) -> dict[str, object]:
    short = SHORT[metric]
    if not arm.seeds:
        return {f"{short}_{column}": np.nan for column in ("mean", "sd", "half")}
    values = arm.sample(metric).values
    sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    return {
        f"{short}_mean": float(values.mean()),
        f"{short}_sd": sd,
        f"{short}_half": arm.mean(metric).half_width(ALPHA),
    }


def _difference(evidence: Evidence, name: str, baseline: str, metric: Metric) -> dict[str, object]:
    short = SHORT[metric]
    estimate = None if name == baseline else evidence.difference(name, baseline, metric)
    if estimate is None:
        return {f"{short}_delta": np.nan, f"{short}_lower": np.nan, f"{short}_upper": np.nan}
    lower, upper = estimate.interval(ALPHA)
    return {f"{short}_delta": estimate.value, f"{short}_lower": lower, f"{short}_upper": upper}


def _outcome(run: RunData, evidence: Evidence, verdicts: Sequence[HypothesisVerdict], name: str) -> tuple[str, str]:
    """By the hypotheses that compare the arm with the baseline; else by the study's margins, as exploratory."""
    weights = versus(name, run.study.baseline.name).weights
    judged = [
        (member, verdict.id if len(verdict.parts) == 1 else f"{verdict.id}/{part.id}")
        for verdict in verdicts
        for part in verdict.parts
        for member in part.members
        if member.contrast.weights == weights and all(claim.endpoint.name in _SHOWN for claim in member.claims)
    ]
    if judged:
        return _join([str(member.outcome) for member, _ in judged]), _join([where for _, where in judged])
    return str(_explore(run, evidence, name)), "exploratory"


def _join(texts: Sequence[str]) -> str:
    return " ".join(texts if len(set(texts)) > 1 else texts[:1])


def _explore(run: RunData, evidence: Evidence, name: str) -> Outcome:
    """Against the baseline on both metrics, by the same rule and gates, but declared by nobody."""
    part = Part(
        id="exploratory",
        kind="versus",
        contrasts=(versus(name, run.study.baseline.name),),
        at_least=1,
        metrics=METRICS,
        margins=shown_margins(run),
        written={},
    )
    return exploratory(RunSource(run=run, evidence=evidence), part, alpha=ALPHA)


def shown_margins(run: RunData) -> Mapping[ClaimMetric, float]:
    """Of the study; of several runs combined, those of the first that declares a hypothesis."""
    studies = [one.study for one in run.pooled.runs.values()] if run.pooled else []
    return study_margins(next((study for study in studies if study.hypotheses), run.study))


def study_margins(study: Study) -> Mapping[ClaimMetric, float]:
    """The first margin that a hypothesis declares for each metric, else the default."""
    declared = [part.margins for hypothesis in study.hypotheses for part in hypothesis.parts]
    return {metric: next((m[metric] for m in declared if metric in m), DEFAULT_MARGINS[metric]) for metric in METRICS}


# --- as text ---------------------------------------------------------------------------------------------------------


def comparison_grid(run: RunData, evidence: Evidence, frame: pd.DataFrame) -> Grid:
    head = ("arm", "seeds", "ROC AUC", "Δ ROC [95 %]", "PR AUC", "Δ PR [95 %]", "outcome", "by")
    return Grid(
        title="Comparison on the test split",
        head=head,
        rows=tuple(_comparison_row(row) for row in rows(frame)),
        right=(False, False, True, True, True, True, False, False),
        notes=tuple(comparison_notes(run, evidence)),
    )


def _comparison_row(row: Row) -> tuple[str, ...]:
    lost = ", ".join(f"{row[f'n_{word}']} {word}" for word in ("diverged", "failed") if row[f"n_{word}"])
    seeds = f"{row['seeds_done']}/{row['seeds_planned']}" + (f" ({lost})" if lost else "")
    scores = [cell for short in SHORT.values() for cell in (_mean_sd(row, short), told_delta(row, short))]
    return (str(row["arm"]), seeds, *scores, str(row["outcome"]), str(row["judged_by"]))


def _mean_sd(row: Row, short: str) -> str:
    mean, sd = row[f"{short}_mean"], row[f"{short}_sd"]
    if np.isnan(mean):
        return "-"
    digits = words.decimals(row[f"{short}_half"])
    return f"{mean:.{digits}f}" if np.isnan(sd) else f"{mean:.{digits}f} ± {sd:.{digits}f}"


def told_delta(row: Row, short: str) -> str:
    value, lower, upper = (row[f"{short}_{column}"] for column in ("delta", "lower", "upper"))
    if np.isnan(value):
        return ""
    return words.signed(value, 3) if np.isinf(lower) else words.with_interval(value, lower, upper)


def comparison_notes(run: RunData, evidence: Evidence) -> list[str]:
    n_defined, n_tags = int(evidence.split.defined.sum()), len(evidence.split.defined)
    notes = [
        f"Mean ± SD over seeds; Δ to {run.study.baseline.name} with its interval over seeds and artists. "
        f"Macro scores cover {n_defined} of {n_tags} tags.",
        "Outcome, at the levels of the hypothesis that judges it: + gain, 0 no gain worth having, - harm, ? open.",
    ]
    if luck := luck_of_tuning(run.study):
        notes.append(luck)
    if run.study.design == "search":
        notes.append("ASHA across different configurations selects, it does not prove; untuned rivals stay untuned.")
    pending = [f"{arm.name} {len(arm.unfinished)}" for arm in evidence.arms.values() if arm.unfinished]
    if pending:
        notes.append(f"The run is unfinished; seeds still to come: {', '.join(pending)}.")
    return [*notes, *evidence.notes, *run.corpus.notes]


def luck_of_tuning(study: Study) -> str:
    """Whether the spread between seeds holds it; empty for a study whose arms are not tuned."""
    n, seeds = study.confirm.configs, study.confirm.seeds
    if study.tune is None or study.design == "search":
        return ""
    if n == 1:
        return (
            "All seeds of an arm have its one chosen configuration: the luck of having found it is not in the "
            "intervals (confirm.configs)."
        )
    if n < seeds:
        return (
            f"The seeds of an arm take its {n} best configurations in turn: some of the luck of tuning is in the "
            "intervals, not all of it."
        )
    return "Each seed of an arm has another of its best configurations: the luck of tuning is in the intervals."


def rows(frame: pd.DataFrame) -> list[Row]:
    """The rows of a frame, for tables of text."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict(orient="records")]

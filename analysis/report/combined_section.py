"""What a page of several runs says of them: which they are, what each chose, what each says of its hypotheses."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from analysis.arms.tables import SHORT, rows, told_delta
from analysis.report.grids import Grid
from analysis.report.sections import Part, Section, Text
from analysis.rundata import Pooled, RunData
from analysis.search.tuning import chosen, told
from tagsearch.records import State, Trial

TITLE = "The runs"
SEARCHES = "How each search went is told by the report of its run: it tuned for itself, and chose from its own trials."


@dataclass(frozen=True, kw_only=True)
class OwnResult:
    """What one of the runs says by itself. `verdicts`: hypothesis -> verdict; `comparison`: see `tables`."""

    verdicts: Mapping[str, str]
    comparison: pd.DataFrame


def combined_section(pooled: Pooled, own: Mapping[str, OwnResult]) -> Section:
    """Anchor "runs". `own`: by run."""
    parts: list[Part] = [*combined_grids(pooled, own), Text(lines=(SEARCHES,), soft=True)]
    return Section(anchor="runs", title=TITLE, parts=parts)


def combined_line(pooled: Pooled) -> str:
    """Which runs, and what their combination is, for the head of a page."""
    return f"Runs {', '.join(pooled.runs)}: {pooled.notes[0]}"


def combined_grids(pooled: Pooled, own: Mapping[str, OwnResult]) -> tuple[Grid, ...]:
    """The runs, what each chose, the differences that each found where they are replicates, and the verdicts of each;
    only those that have a row."""
    choices = [(arm, name, values) for name, run in pooled.runs.items() for arm, values in _choices(run).items()]
    arms = list(dict.fromkeys(arm for arm, _, _ in choices))
    verdicts = [(name, *item) for name, one in own.items() for item in one.verdicts.items()]
    found = [row for name, one in own.items() for row in _differences(name, one.comparison)]
    found = sorted(found, key=lambda row: row[0]) if pooled.is_one_study else []
    grids = [
        Grid(
            title="Runs combined",
            head=("run", "study", "seeds", "trials confirmed", "registered"),
            rows=tuple(_run_row(name, run) for name, run in pooled.runs.items()),
            right=(False, False, False, True, False),
            notes=pooled.notes,
        ),
        Grid(
            title="What each run chose: selection, not evidence",
            head=("arm", "run", "chosen"),
            rows=tuple(sorted(choices, key=lambda row: arms.index(row[0]))),
            right=(False, False, False),
        ),
        Grid(
            title="Differences to the baseline, run by run",
            head=("arm", "run", "Δ ROC [95 %]", "Δ PR [95 %]"),
            rows=tuple(found),
            right=(False, False, True, True),
            notes=("Where runs differ by more than their intervals, tuning chose well in one and badly in another.",),
        ),
        Grid(
            title="Verdicts of each run by itself",
            head=("run", "hypothesis", "verdict"),
            rows=tuple(verdicts),
            right=(False, False, False),
        ),
    ]
    return tuple(grid for grid in grids if grid.rows)


def _run_row(name: str, run: RunData) -> tuple[str, ...]:
    seeds, n_planned = run.confirm_seeds, len(run.study.confirm_arms) * len(run.confirm_seeds)
    n_done = sum(trial.state is State.COMPLETED for trial in run.confirm)
    span = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])
    return (name, run.study.name, span, f"{n_done}/{n_planned}", run.lock["sha256"][:12] if run.lock else "no")


def _differences(name: str, comparison: pd.DataFrame) -> list[tuple[str, ...]]:
    known = comparison.dropna(subset=[f"{short}_delta" for short in SHORT.values()])
    return [(str(row["arm"]), name, *(told_delta(row, short) for short in SHORT.values())) for row in rows(known)]


def _choices(run: RunData) -> dict[str, str]:
    """Each arm's values; several configurations (confirm.configs) one after the other."""
    return {arm: "; ".join(map(_values, trials)) for arm, trials in chosen(run).items()}


def _values(trial: Trial) -> str:
    return ", ".join(f"{name}={told(value)}" for name, value in trial.spec.proposal.items())

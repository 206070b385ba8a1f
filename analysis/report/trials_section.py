"""Section "Every trial": one row each, folded away."""

import math
from collections.abc import Mapping

import pandas as pd

from analysis.arms.tables import rows
from analysis.report.grids import Grid
from analysis.report.sections import Folded, Part, Section, Text
from analysis.rundata import RunData
from tagsearch.records import State

_COLUMNS = (
    *("phase", "arm", "trial", "seed", "state", "stop_reason", "epochs", "seconds"),
    *("best_epoch", "best", "last", "n_retries"),
)
_HEAD: Mapping[str, str] = {
    "stop_reason": "ended by",
    "best_epoch": "best epoch",
    "n_retries": "retries",
    "taken_from": "taken from",
}
_TEXT = ("phase", "arm", "trial", "state", "stop_reason", "taken_from")
_FORMS: Mapping[str, str] = {"seconds": "{:,.0f}", "best": "{:.4f}", "last": "{:.4f}"}


def trials_section(run: RunData) -> Section:
    """Anchor "trials"; its table is trials.csv, see `rundata`."""
    frame = run.trials
    if frame.empty:
        return Section(anchor="trials", title="Every trial", parts=[Text(lines=("No trial has started yet.",))])
    parts: list[Part] = [states_grid(frame), Folded(grid=trials_grid(run, frame), file="trials.csv")]
    return Section(anchor="trials", title="Every trial", parts=parts, tables={"trials": frame})


def states_grid(frame: pd.DataFrame) -> Grid:
    """How many trials of each phase and arm ended how."""
    states = [str(state) for state in State if (frame["state"] == str(state)).any()]
    counted = frame.groupby(["phase", "arm"], sort=False)
    cells = [
        (str(arm), str(phase), *(str(int((of["state"] == state).sum())) for state in states))
        for (phase, arm), of in counted
    ]
    right = (False, False, *(True for _ in states))
    return Grid(
        title="States of the trials",
        head=("arm", "phase", *states),
        rows=tuple(cells),
        right=right,
        notes=_taken_over(frame.loc[frame["taken_from"] != "", "taken_from"]),
    )


def trials_grid(run: RunData, frame: pd.DataFrame) -> Grid:
    note = f"Best and last: {run.study.objective}. A trial that diverged or failed has no score."
    was_taken = bool((frame["taken_from"] != "").any())
    columns = [name for name in (*_COLUMNS, *["taken_from"] * was_taken) if name != "trial"]
    return Grid(
        title=f"All {len(frame):,} trials",
        head=("trial", *(_HEAD.get(name, name) for name in columns)),
        rows=tuple((str(row["trial"]), *(_told(name, row[name]) for name in columns)) for row in rows(frame)),
        right=(False, *(name not in _TEXT for name in columns)),
        notes=(note,),
    )


def _taken_over(taken: "pd.Series[str]") -> tuple[str, ...]:
    """How many trials come from which run."""
    counts = ", ".join(f"{n:,} from {run}" for run, n in taken.value_counts(sort=False).items())
    return (f"Taken over from an earlier run: {counts}.",) if counts else ()


def _told(name: str, value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return _FORMS.get(name, "{:.0f}").format(value)
    return str(value)

"""Section "Every trial": one row each, folded away."""

import math
from collections.abc import Mapping

import pandas as pd

from analysis.arms.tables import Row, rows
from analysis.report.grids import Grid
from analysis.report.sections import Folded, Part, Section, Text
from analysis.rundata import RunData
from tagsearch.records import State

_COLUMNS = (
    *("phase", "arm", "trial", "seed", "state", "stop_reason", "epochs", "seconds"),
    *("best_epoch", "best", "last", "n_retries"),
)
_HEAD: Mapping[str, str] = {"stop_reason": "ended by", "best_epoch": "best epoch", "n_retries": "retries"}
_TEXT = ("phase", "arm", "trial", "state", "stop_reason")
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
    return Grid(title="States of the trials", head=("arm", "phase", *states), rows=tuple(cells), right=right)


def trials_grid(run: RunData, frame: pd.DataFrame) -> Grid:
    note = f"Best and last: {run.study.objective}. A trial that diverged or failed has no score."
    return Grid(
        title=f"All {len(frame):,} trials",
        head=("trial", *(_HEAD.get(name, name) for name in _COLUMNS if name != "trial")),
        rows=tuple(_cells(row) for row in rows(frame)),
        right=(False, *(name not in _TEXT for name in _COLUMNS if name != "trial")),
        notes=(note,),
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (str(row["trial"]), *(_told(name, row[name]) for name in _COLUMNS if name != "trial"))


def _told(name: str, value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return _FORMS.get(name, "{:.0f}").format(value)
    return str(value)

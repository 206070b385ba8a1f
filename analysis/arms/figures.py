"""Learning curves of both phases: what the seeds of every arm reached, and how the search cut its trials.

Thin lines are trials, thick ones medians; colours and marks are those of the arms everywhere. A cross: diverged; a bar:
ended before its budget by the study's own stop rule; a hollow dot: stopped by ASHA.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.report.canvas import LIGHT, Theme, canvas, legend, plain
from analysis.rundata import RunData
from analysis.search.tuning import chosen, tune_arms
from analysis.verdict import words
from tagsearch.records import State, Trial

MOST_COLUMNS = 3  # panels side by side
N_MARKS = 6  # along a median


def learning_curves(run: RunData, theme: Theme = LIGHT) -> Figure | None:
    """The objective on validation over the epochs of the confirm phase: thin lines are seeds, thick lines their median
    over the epochs that all of them reached. None without any epoch."""
    frame = run.epochs[run.epochs["phase"] == "confirm"]
    if frame.empty or run.study.objective not in frame:
        return None
    figure, (axes,) = canvas(theme, width=8, height=4.5)
    for place, arm in enumerate(run.study.confirm_arms):
        table = frame[frame["arm"] == arm].pivot_table(index="epoch", columns="seed", values=run.study.objective)
        if table.empty:
            continue
        axes.plot(table.index, table.to_numpy(), lw=0.8, alpha=0.45, **theme.line(place))
        middle = table.dropna().median(axis=1)
        step = math.ceil(len(middle) / N_MARKS)
        marks: dict[str, Any] = {"marker": theme.mark(place), "ms": 6, "markevery": (place % step, step)}
        axes.plot(middle.index, middle, lw=2.4, label=plain(arm), **marks, **theme.line(place))
    _mark_ends(axes, run, theme)
    axes.set(xlabel="epoch", ylabel=words.objective(run.study))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure, axes, theme)
    return figure


def _mark_ends(axes: Axes, run: RunData, theme: Theme) -> None:
    """The budget that all arms reach, and where trials diverged or ended before theirs."""
    budget = min((trial.spec.epochs for trial in run.confirm), default=0)
    axes.axvline(budget, color=theme.ink, lw=1, ls=(0, (2, 3)))
    longest = max((trial.spec.epochs for trial in run.confirm), default=0)
    is_early = budget < longest / 4  # budgets as arms: the curves fill what lies left of the line
    rises = run.study.direction == "max"  # the curves leave the other corner free
    axes.annotate(
        "common budget" if budget == longest else "shortest budget",
        (budget, 0.03 if rises else 0.97),
        xycoords=("data", "axes fraction"),
        xytext=(4 if is_early else -4, 0),
        textcoords="offset points",
        va="bottom" if rises else "top",
        ha="left" if is_early else "right",
        rotation=90,
        fontsize=8,
        color=theme.ink,
    )
    with_history = [trial for trial in run.confirm if trial.history]
    diverged = [trial for trial in with_history if trial.state is State.DIVERGED]
    early = [t for t in with_history if t.state is State.COMPLETED and len(t.history) < t.spec.epochs]
    for mark, trials, label in (("x", diverged, "diverged"), ("|", early, "ended by the stop rule")):
        if trials:
            ends = np.array([_end(run, trial) for trial in trials])
            axes.plot(*ends.T, mark, color=theme.ink, ms=9, mew=1.6, label=label)


def _end(run: RunData, trial: Trial) -> tuple[float, float]:
    last = trial.history[-1]
    return last["epoch"], last.get(run.study.objective, np.nan)


# --- the tune phase --------------------------------------------------------------------------------------------------


def tune_curves(run: RunData, theme: Theme = LIGHT) -> Figure | None:
    """A panel an arm, a line a trial, the chosen one thick; dotted: the epochs at which ASHA may stop a trial. None
    without any epoch."""
    known = [trial for trial in run.tune if any(run.study.objective in row for row in trial.history)]
    arms = [arm for arm in tune_arms(run) if any(trial.spec.arm == arm for trial in known)]
    if not arms:
        return None
    columns = min(len(arms), MOST_COLUMNS)
    n_rows = math.ceil(len(arms) / columns)
    figure, panels = canvas(
        theme, width=0.6 + max(2.9 * columns, 4.4), height=0.6 + 2.5 * n_rows, n_panels=len(arms), n_columns=columns
    )
    picked = {trial.spec.name for trials in chosen(run).values() for trial in trials}
    values = [row[run.study.objective] for trial in known for row in trial.history if run.study.objective in row]
    pad = 0.05 * (np.nanmax(values) - np.nanmin(values)) or 0.05
    for k, (axes, arm) in enumerate(zip(panels, arms, strict=True)):
        own = [trial for trial in known if trial.spec.arm == arm]
        _trial_lines(axes, run, own, picked, _arm_line(run, arm, theme), theme)
        axes.set_ylim(np.nanmin(values) - pad, np.nanmax(values) + pad)
        axes.set_title(plain(arm), fontsize=10, color=theme.ink)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.tick_params(labelleft=k % columns == 0)
    figure.supxlabel("epoch", color=theme.ink, fontsize=10)
    figure.supylabel(words.objective(run.study), color=theme.ink, fontsize=10)
    return figure


def _arm_line(run: RunData, arm: str, theme: Theme) -> dict[str, Any]:
    """As in the confirm phase; a pure search's only arm comes after its winners."""
    arms = run.study.confirm_arms
    return theme.line(arms.index(arm) if arm in arms else len(arms))


def _trial_lines(
    axes: Axes, run: RunData, trials: Sequence[Trial], picked: set[str], style: dict[str, Any], theme: Theme
) -> None:
    ends: dict[State, tuple[str, dict[str, Any]]] = {
        State.STOPPED: ("o", {"ms": 5, "mfc": theme.paper, "mew": 1.2}),
        State.DIVERGED: ("x", {"ms": 7, "mew": 1.6}),
        State.COMPLETED: ("o", {"ms": 5}),
    }
    for trial in trials:
        epochs = [row["epoch"] for row in trial.history]
        reached = [row.get(run.study.objective, np.nan) for row in trial.history]
        is_chosen = trial.spec.name in picked
        axes.plot(epochs, reached, lw=2.6 if is_chosen else 1, alpha=1 if is_chosen else 0.6, **style)
        if trial.state in ends:
            mark, shape = ends[trial.state]
            axes.plot(*_end(run, trial), mark, color=style["color"], **shape)
    asha = run.study.tune.asha if run.study.tune else None
    for rung in asha.rungs(max(trial.spec.epochs for trial in trials)) if asha else ():
        axes.axvline(rung, color=theme.ink, lw=0.7, ls=(0, (1, 3)), zorder=0)

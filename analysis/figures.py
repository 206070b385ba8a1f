"""Pictures of a whole study: learning curves, forest plot. Those of tags are in `tag_figures`."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis import tables
from analysis.canvas import LIGHT, Theme, canvas, legend
from analysis.endpoints import METRIC_NAMES
from analysis.evidence import Evidence
from analysis.rundata import RunData
from tagsearch.records import State
from tagsearch.study.schema import METRICS, Metric


def learning_curves(run: RunData, theme: Theme = LIGHT) -> Figure | None:
    """The objective on validation over the epochs of the confirm phase: thin lines are seeds, thick lines their median
    over the epochs that all of them reached; x: diverged. None without any epoch."""
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
        axes.plot(middle.index, middle, lw=2.4, label=arm, **theme.line(place))
    _mark_ends(axes, run, theme)
    axes.set(xlabel="epoch", ylabel=run.study.objective, title="Learning curves, confirm phase")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure, axes, theme)
    return figure


def _mark_ends(axes: Axes, run: RunData, theme: Theme) -> None:
    """The budget that all arms have, and where trials diverged."""
    budget = min((trial.spec.epochs for trial in run.confirm), default=0)
    axes.axvline(budget, color=theme.ink, lw=1, ls=(0, (2, 3)))
    longest = max((trial.spec.epochs for trial in run.confirm), default=0)
    is_early = budget < longest / 4  # budgets as arms: the curves fill what lies left of the line
    rises = run.study.direction == "max"  # the curves leave the other corner free
    axes.annotate(
        "common budget",
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
    for trial in run.confirm:
        if trial.state is State.DIVERGED and trial.history:
            last = trial.history[-1]
            axes.plot(last["epoch"], last.get(run.study.objective, np.nan), "x", color=theme.ink, ms=8)


def forest(run: RunData, evidence: Evidence, theme: Theme = LIGHT) -> Figure | None:
    """Difference of every arm to the baseline: its interval over seeds and artists, one dot a seed, and the band of
    differences below the margin. None where nothing can be compared."""
    baseline, *rivals = evidence.arms
    rows = [arm for arm in rivals if evidence.difference(arm, baseline, METRICS[0]) is not None]
    if not rows:
        return None
    figure, panels = canvas(theme, width=9, height=1.6 + 0.55 * len(rows), n_panels=len(METRICS))
    margins = tables.shown_margins(run)
    for axes, metric in zip(panels, METRICS, strict=True):
        _forest_panel(axes, evidence, rows, metric, theme)
        axes.axvspan(-margins[metric], margins[metric], color=theme.faint, zorder=0, label="below the margin")
        axes.axvline(0, color=theme.ink, lw=0.8)
        axes.set_xlabel(f"Δ {METRIC_NAMES[metric]} to {baseline}")
        axes.set_yticks(range(len(rows)), rows)
        axes.set_ylim(len(rows) - 0.5, -0.5)
    panels[1].tick_params(labelleft=False)
    figure.suptitle("Differences with 95 % intervals (line), seeds (dots), margin (band)", color=theme.ink, fontsize=11)
    return figure


def _forest_panel(axes: Axes, evidence: Evidence, rows: list[str], metric: Metric, theme: Theme) -> None:
    baseline = next(iter(evidence.arms))
    places = {arm: place for place, arm in enumerate(evidence.arms)}
    for y, arm in enumerate(rows):
        estimate = evidence.difference(arm, baseline, metric)
        assert estimate is not None
        colour = theme.line(places[arm])["color"]
        dots = np.array(estimate.per_seed)
        axes.plot(dots, y + 0.22 + np.zeros(len(dots)), "o", ms=3.5, color=colour, alpha=0.75, mew=0)
        half = estimate.half_width(tables.ALPHA)
        if np.isfinite(half):
            axes.plot([estimate.value - half, estimate.value + half], [y, y], color=colour, lw=2.4)
        axes.plot(estimate.value, y, "D", ms=6, color=colour, mec=theme.paper)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="x", color=theme.faint, lw=0.6)

"""Pictures of an arm against the baseline tag by tag, by number of training clips: see `per_tag` for the frames.

A full dot is marked: its false discovery rate is below per_tag.MARKED. Lines are intervals of single tags; the step
line and its band are the mean of a group of tags and its interval.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from analysis.arms.tables import Row, rows
from analysis.report.canvas import LIGHT, Theme, canvas, head, legend, name_tags, plain, short, tag_panels
from analysis.tags.per_tag import GROUPS, MARKED
from analysis.verdict.intervals import Floats
from tagsearch.study.endpoints import METRIC_NAMES
from tagsearch.study.schema import METRICS, Metric

MOST_ROWS = 80  # more tags are drawn over the number of their training clips, and only the marked ones named
PANELS: tuple[Metric, ...] = ("pr_auc", "roc_auc")
MARK_NAME = f"FDR < {MARKED:.0%}"
assert set(PANELS) == set(METRICS)


def tag_differences(tags: pd.DataFrame, groups: pd.DataFrame, theme: Theme = LIGHT, *, place: int = 1) -> Figure | None:
    """One arm's frames of `per_tag` and `by_group`: a row a tag, the most frequent on top; of more than MOST_ROWS tags
    a dot a tag. `place`: of the arm in the declared order. None if the frames are empty."""
    if tags.empty:
        return None
    few = tags["tag"].nunique() <= MOST_ROWS
    return _by_rows(tags, groups, theme, place) if few else _by_counts(tags, groups, theme, place)


def _of(frame: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """Of one metric, the most frequent tag first."""
    chosen = frame[frame["metric"] == metric]
    return chosen.sort_values("n_train", ascending=False, kind="stable") if "n_train" in frame else chosen


def _column(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(dtype=np.float64)


def _title(frame: pd.DataFrame, metric: Metric) -> str:
    return f"Δ {METRIC_NAMES[metric]}, {frame['arm'].iloc[0]} - {frame['than'].iloc[0]}"


# --- a row a tag -----------------------------------------------------------------------------------------------------


def _by_rows(tags: pd.DataFrame, groups: pd.DataFrame, theme: Theme, place: int) -> Figure:
    first = _of(tags, PANELS[0])
    names = [f"{short(tag)} ({n:,})" for tag, n in zip(first["tag"], first["n_train"], strict=True)]
    figure, panels = tag_panels(theme, names, n_panels=len(PANELS), panel_width=2.25)
    for axes, metric in zip(panels, PANELS, strict=True):
        frame, places = _of(tags, metric), np.arange(len(names), dtype=np.float64)
        for row in rows(_of(groups, metric)):
            inside = np.flatnonzero((frame["group"] == row["contrast"]).to_numpy())
            if len(inside):
                ends = np.array([inside[0] - 0.45, inside[-1] + 0.45])
                _group(axes, row, ends, theme, upright=True)
        _dots(axes, frame, places, theme, place, upright=True)
        axes.axvline(0, color=theme.ink, lw=0.8, zorder=0.8)  # above the grid, which has a line at 0, too
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.grid(axis="x", color=theme.faint, lw=0.6)
        axes.set_axisbelow(True)
        head(axes, _title(frame, metric), theme)
    name_tags(panels, names)
    legend(figure, panels[0], theme)
    return figure


def _group(axes: Axes, row: Row, ends: Floats, theme: Theme, *, upright: bool) -> None:
    """The mean of a group as a line along its tags, from `ends[0]` to `ends[1]`, and its interval as a band."""
    label = "group mean" if row["contrast"] == GROUPS[0] else None
    middle = [row["delta"], row["delta"]]
    if upright:
        axes.fill_betweenx(ends, row["lower"], row["upper"], color=theme.faint, lw=0, zorder=0)
        axes.plot(middle, ends, color=theme.ink, lw=1.8, ls="--", label=label, zorder=1)
        told, where, anchor = (1.0, ends[0] + 0.1), axes.get_yaxis_transform(), "right"
    else:
        axes.fill_between(ends, row["lower"], row["upper"], color=theme.faint, lw=0, zorder=0)
        axes.plot(ends, middle, color=theme.ink, lw=1.8, ls="--", label=label, zorder=1)
        told, where, anchor = (ends[0], 0.995), axes.get_xaxis_transform(), "left"
    style: dict[str, Any] = {"va": "top", "fontsize": 8, "style": "italic", "color": theme.ink, "zorder": 4}
    axes.text(*told, row["contrast"], transform=where, ha=anchor, **style)


def _dots(axes: Axes, frame: pd.DataFrame, places: Floats, theme: Theme, place: int, *, upright: bool) -> None:
    colour, middle = theme.line(place)["color"], _column(frame, "delta")
    lower, upper = _column(frame, "lower"), _column(frame, "upper")
    known, is_marked = np.isfinite(lower), frame["is_marked"].to_numpy(dtype=bool)
    lines = axes.hlines if upright else axes.vlines
    lines(places[known], lower[known], upper[known], color=colour, lw=1, alpha=0.6, label="one tag, 95 %")
    for chosen, fill, label in ((~is_marked, theme.paper, "not marked"), (is_marked, colour, MARK_NAME)):
        x, y = (middle[chosen], places[chosen]) if upright else (places[chosen], middle[chosen])
        axes.plot(x, y, "o", ms=5, mfc=fill, mec=colour, mew=1.2, label=label)


# --- a dot a tag -----------------------------------------------------------------------------------------------------


def _by_counts(tags: pd.DataFrame, groups: pd.DataFrame, theme: Theme, place: int) -> Figure:
    figure, panels = canvas(theme, width=7.5, height=7.6, n_panels=len(PANELS), n_columns=1)
    for axes, metric in zip(panels, PANELS, strict=True):
        frame = _of(tags, metric)
        counts = np.maximum(_column(frame, "n_train"), 1.0)
        for row in rows(_of(groups, metric)):
            inside = counts[(frame["group"] == row["contrast"]).to_numpy()]
            if len(inside):
                _group(axes, row, np.array([inside.min(), inside.max()]), theme, upright=False)
        _dots(axes, frame, counts, theme, place, upright=False)
        for row in rows(frame[frame["is_marked"]]):
            where = (max(row["n_train"], 1), row["delta"])
            aside: dict[str, Any] = {"xytext": (5, -3), "textcoords": "offset points", "fontsize": 7}
            axes.annotate(plain(short(row["tag"])), where, color=theme.ink, zorder=4, **aside)
        axes.axhline(0, color=theme.ink, lw=0.8, zorder=0.8)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_ylabel(f"Δ {METRIC_NAMES[metric]}")
        head(axes, _title(frame, metric), theme)
    panels[-1].set_xlabel("training clips")
    legend(figure, panels[0], theme)
    return figure

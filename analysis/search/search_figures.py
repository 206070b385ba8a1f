"""Pictures of the tune phase: expected best of n trials, the objective against each tunable, whole configurations.

Colours are those of the arms everywhere. A full dot is a finished trial, a hollow one was stopped, a cross at the
bottom diverged; a ring marks a chosen trial.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.report.canvas import LIGHT, Theme, canvas, legend, legend_below, legend_columns, plain, short
from analysis.rundata import RunData
from analysis.search.best_of_n import best_of_n
from analysis.search.tuning import LOG_KINDS, position, told, tunables, tune_arms, tune_trials
from analysis.verdict import words
from analysis.verdict.intervals import Floats
from tagsearch.records import State
from tagsearch.study.schema import Tunable

MOST_COLUMNS = 4  # panels side by side
MOST_BANDS = 4  # arms whose bands are drawn over each other
MOST_MARKS = 40  # trials of a curve whose points are marked
MOST_ROWS = 4  # arms below each other in the parallel coordinates
LEGEND_COLUMNS = 5
SPREAD = 0.5  # of the arms around a choice, of the way to the next one
ABSENT = -0.14  # height at which a trial passes a tunable that it does not have


def _place(run: RunData, arm: str) -> int:
    """Of the arm's colour: as in the confirm phase; a pure search's only arm comes after its winners."""
    known = run.study.confirm_arms
    return known.index(arm) if arm in known else len(known)


def best_of_n_curves(run: RunData, theme: Theme = LIGHT) -> Figure | None:
    """Bands: the middle half of what luck gives (see `best_of_n.luck`), for MOST_BANDS arms or fewer. None without a
    scored tune trial."""
    frame = best_of_n(run)
    if frame.empty:
        return None
    figure, (axes,) = canvas(theme, width=8, height=4)
    for arm, curve in frame.groupby("arm", sort=False):
        line = _line(run, arm, theme)
        if has_bands(frame):
            axes.fill_between(curve["n"], curve["low"], curve["high"], color=line["color"], alpha=0.13, lw=0)
        mark = theme.mark(_place(run, str(arm)))
        size = 5 if len(curve) <= MOST_MARKS else 0
        axes.plot(curve["n"], curve["expected"], lw=2, marker=mark, ms=size, label=plain(str(arm)), **line)
    axes.set(xlabel="trials", ylabel=f"expected best {words.objective(run.study)}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=theme.faint, lw=0.6)
    legend(figure, axes, theme)
    return figure


def has_bands(frame: pd.DataFrame) -> bool:
    """Whether the bands of the curves in a frame of `best_of_n` are drawn: of many they would hide each other."""
    return frame["arm"].nunique() <= MOST_BANDS


def _line(run: RunData, arm: object, theme: Theme) -> dict[str, Any]:
    return theme.line(_place(run, str(arm)))


# --- the objective against each tunable ------------------------------------------------------------------------------


def slices(run: RunData, theme: Theme = LIGHT) -> Figure | None:
    """One panel a tunable, one dot a trial that has it, all arms. None without such a trial, scored or diverged."""
    frame = tune_trials(run)
    shown = [one for one in tunables(run.study) if not frame.empty and frame[one.name].notna().any()]
    if not shown:
        return None
    ended = frame[_is_scored(frame) | (frame["state"] == str(State.DIVERGED))]
    if ended.empty:
        return None
    columns = min(len(shown), MOST_COLUMNS)
    n_rows = math.ceil(len(shown) / columns)
    arms, width = tune_arms(run), 0.75 + max(2.2 * columns, 4.5)
    labels = [*arms, "finished", "stopped", "diverged", "chosen"]
    legend_rows = math.ceil(len(labels) / legend_columns(labels, width, most=LEGEND_COLUMNS))
    height = 0.35 + 2.3 * n_rows + 0.25 * legend_rows
    figure, panels = canvas(
        theme, width=width, height=height, n_panels=len(shown), n_columns=columns, layout=None
    )  # the margins are worked out here: matplotlib's own layout takes half of the drawing time
    bottom = (0.7 + 0.25 * legend_rows) / height
    figure.subplots_adjust(0.7 / width, bottom, 1 - 0.1 / width, 1 - 0.1 / height, wspace=0.1, hspace=0.5)
    span = _span(ended["value"])
    for k, (axes, one) in enumerate(zip(panels, shown, strict=True)):
        for j, arm in enumerate(arms):
            trials = ended[(ended["arm"] == arm) & ended[one.name].notna()]
            aside = SPREAD * ((j + 0.5) / len(arms) - 0.5) if one.kind == "choice" else 0.0
            _dots(axes, _abscissas(one, trials) + aside, trials, _mark(run, arm, theme), theme)
        _tunable_axis(axes, one)
        axes.set_ylim(*span)
        axes.set_xlabel(plain(one.name))
        axes.tick_params(labelsize=8)
        if k % columns:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel(words.objective(run.study))
    _marks_legend(figure, run, ended, theme)
    return figure


def _is_scored(frame: pd.DataFrame) -> "pd.Series[bool]":
    return frame["value"].notna()


def _span(values: "pd.Series[float]") -> tuple[float, float]:
    if values.isna().all():
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    pad = 0.08 * (high - low) or 0.05
    return low - 1.6 * pad, high + pad


def _mark(run: RunData, arm: str, theme: Theme) -> dict[str, Any]:
    return {"color": _line(run, arm, theme)["color"], "marker": theme.mark(_place(run, arm))}


def _dots(axes: Axes, places: Floats, trials: pd.DataFrame, mark: dict[str, Any], theme: Theme) -> None:
    values = trials["value"].to_numpy(dtype=float)
    states = trials["state"].to_numpy(dtype=str)
    is_finished, is_diverged = states == State.COMPLETED, states == State.DIVERGED
    is_stopped = ~is_finished & ~is_diverged
    is_chosen = trials["is_chosen"].to_numpy(dtype=bool)
    axes.plot(places[is_chosen], values[is_chosen], "o", ms=11, mfc="none", mec=theme.ink, mew=1.2)
    axes.plot(places[is_stopped], values[is_stopped], ls="", ms=5, mfc="none", mew=1.2, **mark)
    axes.plot(places[is_finished], values[is_finished], ls="", ms=5.5, mew=0, **mark)
    cross = mark | {"marker": "x", "transform": axes.get_xaxis_transform()}
    axes.plot(places[is_diverged], np.full(is_diverged.sum(), 0.03), ls="", ms=6, mew=1.6, **cross)


def _abscissas(one: Tunable, trials: pd.DataFrame) -> Floats:
    values = [one.choices.index(value) if one.kind == "choice" else value for value in trials[one.name]]
    return np.array(values, dtype=np.float64)


def _tunable_axis(axes: Axes, one: Tunable) -> None:
    if one.kind == "choice":
        axes.set_xticks(range(len(one.choices)), [plain(short(str(choice))) for choice in one.choices])
        axes.set_xlim(-0.5, len(one.choices) - 0.5)
        axes.tick_params(axis="x", rotation=20 if max(len(str(choice)) for choice in one.choices) > 5 else 0)
        return
    if one.kind in LOG_KINDS:
        axes.set_xscale("log")
        axes.set_xlim(one.low / 1.1, one.high * 1.1)
        return
    pad = 0.04 * (one.high - one.low)
    axes.set_xlim(one.low - pad, one.high + pad)


def _marks_legend(figure: Figure, run: RunData, ended: pd.DataFrame, theme: Theme) -> None:
    arms = [Line2D([], [], ls="", **_mark(run, arm, theme)) for arm in tune_arms(run)]
    ink: dict[str, Any] = {"ls": "", "color": theme.ink}
    marks = {
        str(State.COMPLETED): ("finished", Line2D([], [], marker="o", ms=5.5, **ink)),
        str(State.STOPPED): ("stopped", Line2D([], [], marker="o", ms=5, mfc="none", **ink)),
        str(State.DIVERGED): ("diverged", Line2D([], [], marker="x", ms=6, **ink)),
    }
    present = [marks[state] for state in marks if (ended["state"] == state).any()]
    chosen = Line2D([], [], marker="o", ms=10, mfc="none", **ink)
    named = [*zip(tune_arms(run), arms, strict=True), *present, ("chosen", chosen)]
    legend_below(figure, [(handle, plain(label)) for label, handle in named], theme, n_columns=LEGEND_COLUMNS)


# --- whole configurations --------------------------------------------------------------------------------------------


def several_tunables(run: RunData) -> list[str]:
    """The arms whose scored trials have two tunables or more."""
    frame = tune_trials(run)
    names = [one.name for one in tunables(run.study)]
    scored = frame[_is_scored(frame)] if not frame.empty else frame
    return [arm for arm in tune_arms(run) if (scored.loc[scored["arm"] == arm, names].notna().any(axis=0)).sum() >= 2]


def parallel_coordinates(run: RunData, theme: Theme = LIGHT) -> Figure | None:
    """A row an arm with two tunables or more, the first MOST_ROWS; one line a scored trial, coloured by its objective;
    dashed: stopped; thick: chosen. A trial passes below a tunable that it does not have. None without such an arm."""
    arms = several_tunables(run)[:MOST_ROWS]
    if not arms:
        return None
    frame = tune_trials(run)
    figure, panels = canvas(theme, width=9, height=0.3 + 2.4 * len(arms), n_panels=len(arms), n_columns=1)
    scored = frame[_is_scored(frame) & frame["arm"].isin(arms)]
    low, high = float(scored["value"].min()), float(scored["value"].max())
    colours = ScalarMappable(norm=Normalize(low, high if high > low else low + 1.0), cmap=_visible(theme))
    for axes, arm in zip(panels, arms, strict=True):
        trials = scored[scored["arm"] == arm]
        shown = [one for one in tunables(run.study) if trials[one.name].notna().any()]
        _parallel_panel(axes, trials, shown, colours, theme)
        axes.set_title(plain(arm), loc="left", fontsize=10, color=theme.ink)
    bar = figure.colorbar(colours, ax=panels, pad=0.01, fraction=0.03)
    bar.set_label(words.objective(run.study), color=theme.ink)
    bar.ax.tick_params(colors=theme.ink, labelsize=8)
    return figure


def _visible(theme: Theme) -> Colormap:
    """The theme's map without its low end, which is close to the paper."""
    return ListedColormap(colormaps[theme.colormap](np.linspace(0.3, 1.0, 64)))


def _parallel_panel(
    axes: Axes, trials: pd.DataFrame, shown: Sequence[Tunable], colours: ScalarMappable, theme: Theme
) -> None:
    for row in trials.sort_values("value").to_dict(orient="records"):
        heights = [ABSENT if pd.isna(row[one.name]) else position(one, row[one.name]) for one in shown]
        axes.plot(
            range(len(shown)),
            heights,
            color=colours.to_rgba(row["value"]),
            lw=3.2 if row["is_chosen"] else 1.4,
            ls="-" if row["state"] == State.COMPLETED else (0, (4, 2)),
            solid_joinstyle="round",
        )
    for k, one in enumerate(shown):
        axes.axvline(k, color=theme.ink, lw=0.8, zorder=0)
        for height, name in _scale(one):
            axes.annotate(
                plain(name),
                (k, height),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=theme.ink,
                bbox={"facecolor": theme.paper, "edgecolor": "none", "alpha": 0.85, "pad": 0.5},
            )
    axes.set_xticks(range(len(shown)), [plain(one.name) for one in shown])
    axes.set_xlim(-0.02 * (len(shown) - 1), 1.08 * (len(shown) - 1))
    axes.set_ylim(ABSENT - 0.06, 1.08)
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="x", length=0)


def _scale(one: Tunable) -> list[tuple[float, str]]:
    """What is written along a tunable's line: every choice, or both ends."""
    if one.kind == "choice":
        return [(position(one, choice), short(str(choice))) for choice in one.choices]
    last = one.high - 1 if one.kind in ("randint", "lograndint") else one.high
    return [(0.0, told(one.low)), (1.0, told(last))]

"""The forest plot: what the hypotheses claim, as intervals (see `forest_rows`).

A panel a metric. Thick line: the interval that the rule used, for new songs by new artists; thin line: on this test set
alone; dots: one a seed; band: what lies below the row's margin; sign at the right: the outcome of this metric. With one
seed no interval of the method exists; a dotted line is then that of these very models.
"""

import textwrap
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from analysis.arms import alt_texts
from analysis.arms.forest_rows import Block, Mark, Row, forest_blocks
from analysis.report.canvas import LIGHT, Theme, canvas, legend_below, plain
from analysis.report.sections import Part, Text, draw
from analysis.summary import Summary
from tagsearch.study.endpoints import METRIC_NAMES
from tagsearch.study.schema import METRICS, ClaimMetric

LABEL_WIDTH = 26  # letters a line
TITLE_LETTERS = 12.5  # an inch of the picture's width
NOTE = (
    "Thick: interval for new songs by new artists, at the levels of the rule; thin: on this test set alone; dots: "
    "seeds; band: differences below the margin. Outcome: + gain, 0 no gain worth having, - harm, ? open. Noise: the "
    "baseline's seeds against each other, with nothing changed."
)
BALANCE = "Balance: how much smaller the divergence of predicted from annotated tag shares is, a share of the rival's."


def forest_parts(summary: Summary) -> list[Part]:
    """A picture of ROC and PR AUC, one of balance, those that have a contrast; and how to read them."""
    title = "Differences with their intervals"
    of_balance: Sequence[ClaimMetric] = ("balance",)
    told, told_balance = (alt_texts.forest(forest_blocks(summary, metrics)) for metrics in (METRICS, of_balance))
    pictures = draw("forest", title, partial(forest, summary), told=told)
    drawn = partial(forest, summary, metrics=of_balance)
    balance = draw("forest_balance", f"{title}: balance", drawn, told=told_balance)
    notes = ([NOTE] if pictures or balance else []) + ([BALANCE] if balance else [])
    return [*pictures, *balance, *([Text(lines=tuple(notes), soft=True)] if notes else [])]


def forest(summary: Summary, theme: Theme = LIGHT, *, metrics: Sequence[ClaimMetric] = METRICS) -> Figure | None:
    """A panel a metric. None where nothing can be compared on them."""
    blocks = forest_blocks(summary, metrics)
    marks = [mark for block in blocks for row in block.rows for mark in row.marks.values()]
    if not any(np.isfinite(mark.value) for mark in marks):
        return None
    placed, lowest = _places(blocks)
    figure, panels = canvas(
        theme, width=2.2 + 2.45 * len(metrics), height=1.0 + 0.5 * (lowest + 1), n_panels=len(metrics)
    )
    arms = list(summary.evidence.arms)
    for axes, metric in zip(panels, metrics, strict=True):
        for y, row in placed:
            if metric in row.marks:
                axes.vlines(0, y - 0.42, y + 0.42, color=theme.ink, lw=0.8)
                colour = theme.line(arms.index(row.arm))["color"] if row.arm else theme.ink
                _draw_mark(axes, y, row.marks[metric], colour, theme)
        axes.set_ylim(lowest + 0.6, -0.6)
        axes.set_xlabel(f"Δ {METRIC_NAMES[metric]}" if metric in METRICS else f"gain in {METRIC_NAMES[metric]}")
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.grid(axis="x", color=theme.faint, lw=0.6)
        axes.set_axisbelow(True)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
    _name_rows(panels[0], blocks, placed, theme)
    _legend(figure, theme, has_single=any(mark.models for mark in marks))
    return figure


def _places(blocks: Sequence[Block]) -> tuple[list[tuple[float, Row]], float]:
    """Rows with their heights, counted downwards: a block has its title above its rows. And the lowest height."""
    placed, y = list[tuple[float, Row]](), -0.35
    for block in blocks:
        y += 0.8
        for row in block.rows:
            placed.append((y, row))
            y += 1.0
        y -= 0.15
    return placed, y - 0.6


def _draw_mark(axes: Axes, y: float, mark: Mark, colour: str, theme: Theme) -> None:
    is_noise = not np.isfinite(mark.value)
    if mark.margin:
        low = (-mark.margin, y - 0.36)
        axes.add_patch(Rectangle(low, 2 * mark.margin, 0.72, color=theme.faint, lw=0, zorder=0))
    below = np.full(len(mark.dots), y if is_noise else y + 0.24)
    axes.plot(mark.dots, below, "o", ms=3.5, alpha=0.8, mew=0, color=colour)
    for limits, at, width, style in (
        (mark.outer, y - 0.1, 3.2, "-"),
        (mark.inner, y + 0.05, 1.0, "-"),
        (mark.models, y - 0.1, 1.4, ":"),
    ):
        if limits is not None and np.isfinite(limits).all():
            axes.plot(limits, [at, at], color=colour, lw=width, ls=style, solid_capstyle="butt")
    if not is_noise:
        axes.plot(mark.value, y - 0.1, "D", ms=6, color=colour, mec=theme.paper)
    _beside(axes, (1.0, y), mark.outcome.replace("-", "−"), (4, 0), theme, fontsize=12, fontweight="bold")


def _beside(
    axes: Axes, where: tuple[float, float], text: str, shift: tuple[float, float], theme: Theme, **style: Any
) -> None:
    """A text at a share of the panel's width and the height of a row, `shift` in points."""
    axes.annotate(
        text, where, xycoords=("axes fraction", "data"), xytext=shift, textcoords="offset points", color=theme.ink,
        va="center", annotation_clip=False, **style,
    )  # fmt: skip


def _name_rows(axes: Axes, blocks: Sequence[Block], placed: Sequence[tuple[float, Row]], theme: Theme) -> None:
    for y, row in placed:
        name = textwrap.fill(row.label, LABEL_WIDTH)
        style = "italic" if row.is_step else "normal"
        _beside(axes, (0.0, y), plain(name), (-6, 0), theme, ha="right", fontsize=8, linespacing=1.0, style=style)
    longest = int(TITLE_LETTERS * axes.figure.get_figwidth())  # type: ignore[union-attr]
    axes.set(zorder=1, facecolor="none")  # titles reach over the other panels
    first = np.cumsum([0, *(len(block.rows) for block in blocks[:-1])])
    for block, k in zip(blocks, first, strict=True):
        title = textwrap.shorten(block.title, longest, placeholder=" …")
        axes.annotate(
            plain(title), (0, placed[k][0] - 0.58), xycoords=("figure fraction", "data"), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize=8.5, fontweight="bold", color=theme.ink,
            annotation_clip=False, bbox={"facecolor": theme.paper, "edgecolor": "none", "pad": 1},
        ).set_in_layout(False)  # fmt: skip


def _legend(figure: Figure, theme: Theme, *, has_single: bool) -> None:
    shown = {
        "new artists": Line2D([], [], color=theme.ink, lw=3.2),
        "this test set": Line2D([], [], color=theme.ink, lw=1),
        "a seed": Line2D([], [], color=theme.ink, ls="", marker="o", ms=3.5),
        "margin": Patch(color=theme.faint),
    }
    shown |= {"these models": Line2D([], [], color=theme.ink, lw=1.4, ls=":")} if has_single else {}
    legend_below(figure, [(handle, label) for label, handle in shown.items()], theme, n_columns=5, size=8.5)

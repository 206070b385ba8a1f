"""Pictures of a corpus's labels, on either theme; None where there is nothing to draw. Rows are clips or tags.

Many tags stand in columns of about ROWS rows, so that a page of 188 tags needs no more height than one of 50.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.labels import tag_pairs
from analysis.labels.label_measures import Floats
from analysis.labels.labels import CorpusLabels, tags_per_clip
from analysis.report.canvas import INCHES_A_LETTER, LIGHT, Theme, canvas, count_axis, legend, name_tags, plain, short
from tagsearch.records import SPLITS

ROWS = 64
MAX_COLUMNS = 3
ROW_INCHES = 0.19
CLIP_LIFT = 4.0  # the colours of the heat map end at 16 times and at 1/16 of what chance gives
MARKS = ("o", "D", "s")


def counts(labels: CorpusLabels, theme: Theme = LIGHT) -> Figure | None:
    """Clips of each tag: a bar for train, marks for valid and test, on a logarithmic axis that begins with 0."""
    frame = labels.counts
    numbers = frame[[f"n_{split}" for split in SPLITS]].to_numpy()
    if not numbers.any():
        return None
    order = np.argsort(-numbers.sum(axis=1), kind="stable")
    figure, panels = _panels(theme, [labels.table.tags[k] for k in order])
    for axes, rows in panels:
        shown = numbers[order[rows]]
        places = np.arange(len(shown))
        axes.plot([], [], "s", ms=8, color=theme.colours[0], label="train")  # first in the legend, as bars are not
        axes.barh(places, shown[:, 0], height=0.72, color=theme.colours[0])
        for k in (1, 2):
            style: dict[str, Any] = {
                "color": theme.colours[k],
                "mec": theme.paper,
                "mew": 0.7,
                "ms": 5.5,
                "clip_on": False,
            }
            axes.plot(shown[:, k], places, MARKS[k], label=SPLITS[k], **style)
        count_axis(axes, low=0, high=1.3 * numbers.max(), digits=(1, 3) if len(panels) == 1 else (1,))
        axes.set_xlabel("clips with the tag")
        axes.grid(axis="x", color=theme.faint, lw=0.6)
    legend(figure, panels[0][0], theme)
    return figure


def clip_sizes(labels: CorpusLabels, theme: Theme = LIGHT) -> Figure | None:
    """How many tags the clips of each split have."""
    histogram = {split: numbers for split, numbers in tags_per_clip(labels.table).items() if numbers.sum()}
    if not histogram:
        return None
    figure, (axes,) = canvas(theme, width=7.5, height=3.6)
    width = 0.84 / len(histogram)
    for k, (split, numbers) in enumerate(histogram.items()):
        places = np.arange(len(numbers)) + (k - (len(histogram) - 1) / 2) * width
        colour = theme.colours[SPLITS.index(split)]
        axes.bar(places, 100 * numbers / numbers.sum(), width=width, color=colour, label=split)
    axes.set(xlabel="tags on a clip", ylabel="% of the split's clips")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color=theme.faint, lw=0.6)
    axes.set_axisbelow(True)
    legend(figure, axes, theme)
    return figure


def together(labels: CorpusLabels, theme: Theme = LIGHT) -> Figure | None:
    """How much more (or less) often two tags meet on a clip than independent tags would: log2 of the ratio of counts,
    one added to both, so that pairs that chance would hardly bring together stay pale. Neighbours keep the same company
    (`tag_pairs.clustered_order`): blocks along the diagonal are groups of like tags."""
    tagged = labels.table.labels[labels.tagged]
    if len(labels.table.tags) < 2 or not len(tagged):
        return None
    observed, order = tag_pairs.cooccurrence(tagged), labels.order
    expected = tag_pairs.expected_together(np.diag(observed), len(tagged))
    lift = np.log2((observed + 1) / (expected + 1))
    np.fill_diagonal(lift, np.nan)
    figure = _heat_map(theme, [plain(short(labels.table.tags[k])) for k in order], lift[np.ix_(order, order)])
    if len(order) < len(labels.table.tags):
        words = f"the {len(order)} most frequent of {len(labels.table.tags):,} tags"
        figure.axes[0].set_title(words, fontsize=10, color=theme.ink)
    return figure


def siblings(labels: CorpusLabels, theme: Theme = LIGHT) -> Figure | None:
    """P(tag on another clip of the same song | tag) beside the share of all clips that have the tag."""
    agreement, base = labels.siblings.agreement, labels.siblings.base
    known = np.flatnonzero(np.isfinite(agreement))
    if not len(known):
        return None
    order = known[np.argsort(-agreement[known], kind="stable")]
    figure, panels = _panels(theme, [labels.table.tags[k] for k in order])
    for axes, rows in panels:
        shown = order[rows]
        places = np.arange(len(shown))
        axes.hlines(places, base[shown], agreement[shown], color=theme.faint, lw=3)
        axes.plot(base[shown], places, "|", color=theme.colours[1], ms=8, mew=2, label="any clip")
        _agreement_dots(axes, agreement[shown], labels.siblings.reliable[shown], theme)
        axes.set_xlim(-0.01, 1.01)
        axes.set_xlabel("share of clips with the tag")
        axes.grid(axis="x", color=theme.faint, lw=0.6)
    legend(figure, panels[0][0], theme)
    return figure


def _agreement_dots(axes: Axes, agreement: Floats, reliable: npt.NDArray[np.bool_], theme: Theme) -> None:
    colour = theme.colours[0]
    for chosen, face, word in (
        (reliable, colour, "other clips of a song with it"),
        (~reliable, theme.paper, "the same, not surely above chance"),
    ):
        axes.plot(agreement[chosen], np.flatnonzero(chosen), "o", ms=5.5, color=colour, mfc=face, label=word)


def _heat_map(theme: Theme, names: Sequence[str], values: Floats) -> Figure:
    cell = min(0.6, max(0.1, 8 / len(names)))  # inches
    side, margin = cell * len(names), INCHES_A_LETTER * max(map(len, names)) + 0.3
    width, height = side + margin + 1.0, side + margin + 0.3
    figure, (axes,) = canvas(theme, width=width, height=height, layout=None)
    axes.set_position((margin / width, margin / height, side / width, side / height))
    axes.set_facecolor(theme.faint)
    image = axes.imshow(values, cmap=theme.diverging, vmin=-CLIP_LIFT, vmax=CLIP_LIFT, interpolation="nearest")
    size = min(8.0, 0.85 * 72 * cell)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.add_axes(
        ((margin + side + 0.2) / width, (margin + side / 4) / height, 0.15 / width, side / 2 / height)
    )
    scale = figure.colorbar(image, cax=bar, ticks=[-4, -2, 0, 2, 4])
    scale.ax.set_yticklabels(["1/16", "1/4", "chance", "× 4", "× 16"], fontsize=8, color=theme.ink)
    scale.ax.tick_params(colors=theme.ink, length=2)
    scale.outline.set_visible(False)
    return figure


def _panels(theme: Theme, names: Sequence[str]) -> tuple[Figure, list[tuple[Axes, slice]]]:
    """Rows of tags in as many columns as needed, and which tags each column shows."""
    cut = [short(name) for name in names]
    n_columns = min(MAX_COLUMNS, math.ceil(len(cut) / ROWS))
    n_rows = math.ceil(len(cut) / n_columns)
    left = INCHES_A_LETTER * max(map(len, cut)) + 0.25
    each = 7.0 if n_columns == 1 else left + 3.0
    width, height = each * n_columns, 1.15 + ROW_INCHES * n_rows
    figure, axes = canvas(theme, width=width, height=height, n_panels=n_columns, layout=None)
    panels = []
    for k, panel in enumerate(axes):
        rows = slice(k * n_rows, min((k + 1) * n_rows, len(cut)))
        size = ((each - left - 0.25) / width, ROW_INCHES * (rows.stop - rows.start) / height)
        panel.set_position(((k * each + left) / width, 1 - 0.1 / height - size[1], *size))
        panel.set_axisbelow(True)
        name_tags([panel], cut[rows])
        panels.append((panel, rows))
    return figure, panels

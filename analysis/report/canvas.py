"""What every picture stands on: themes, axes without clutter, one row a tag.

Figures are objects, drawn without pyplot and its global state. Colours are those of Okabe & Ito 2008, told apart by
colour-blind readers; a ninth line begins again with dashes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#B5A900")
LINES = ("-", "--", ":", "-.")
MARKS = ("o", "s", "^", "D", "v", "P", "<", "*")  # beside the colours: arms stay apart without them
INCHES_A_LETTER = 0.07  # of a tag's name at 8 points
LETTER_EMS, MARK_EMS = 0.6, 4.8  # of a legend: a letter; the mark with the gaps beside it
LONGEST_NAME = 40  # letters shown: a longer name leaves no room for what is drawn


@dataclass(frozen=True, kw_only=True)
class Theme:
    ink: str
    paper: str
    faint: str
    colours: tuple[str, ...]
    colormap: str  # of heat maps: its low end is close to the paper
    diverging: str  # of heat maps around a middle, which is close to the paper; told apart by colour-blind readers

    def line(self, place: int) -> dict[str, Any]:
        """How the arm at that place in the declared order is drawn, in every figure."""
        n = len(self.colours)
        return {"color": self.colours[place % n], "linestyle": LINES[place // n % len(LINES)]}

    def mark(self, place: int) -> str:
        """The shape of the same arm's dots; where the colours begin again, each has its neighbour's shape."""
        return MARKS[(place + place // len(self.colours)) % len(MARKS)]


LIGHT = Theme(ink="#1a1a1a", paper="#ffffff", faint="#e3e3e3", colours=OKABE_ITO, colormap="Blues", diverging="RdBu_r")
DARK = Theme(
    ink="#e6e6e6",
    paper="#1b1d21",
    faint="#3a3d43",
    colours=("#3F9FDF", *OKABE_ITO[1:]),
    colormap="cividis",
    diverging="berlin",
)


def canvas(
    theme: Theme,
    *,
    width: float,
    height: float,
    n_panels: int = 1,
    n_columns: int | None = None,
    layout: Literal["constrained"] | None = "constrained",
) -> tuple[Figure, list[Axes]]:
    """Panels side by side, or in rows of `n_columns`."""
    columns = n_columns or n_panels
    figure = Figure(figsize=(width, height), dpi=110, layout=layout, facecolor=theme.paper)
    FigureCanvasAgg(figure)
    panels = [figure.add_subplot(-(-n_panels // columns), columns, k + 1) for k in range(n_panels)]
    for axes in panels:
        axes.set_facecolor(theme.paper)
        axes.tick_params(colors=theme.ink)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(theme.ink)
        for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
            text.set_color(theme.ink)
    return figure, panels


def tag_canvas(theme: Theme, names: Sequence[str]) -> tuple[Figure, Axes]:
    """One row a tag, 7 inches wide."""
    figure, (axes,) = tag_panels(theme, names, n_panels=1, panel_width=6.55 - _name_inches(names))
    return figure, axes


def tag_panels(theme: Theme, names: Sequence[str], *, n_panels: int, panel_width: float) -> tuple[Figure, list[Axes]]:
    """Panels side by side, one row a tag, the tags named on the left. The margins are worked out here: matplotlib's own
    layout takes half of the drawing time."""
    left, gap = _name_inches(names) + 0.25, 0.15
    width, height = left + n_panels * (panel_width + gap) + 0.05, 1.3 + 0.19 * len(names)
    figure, panels = canvas(theme, width=width, height=height, n_panels=n_panels, layout=None)
    figure.subplots_adjust(
        left=left / width,
        right=1 - 0.2 / width,
        bottom=0.85 / height,
        top=1 - 0.35 / height,
        wspace=gap / panel_width,
    )
    for axes in panels:
        axes.yaxis.set_label_coords(0, 0)  # there is none; looking for its place is a tenth of the drawing time
    return figure, panels


def head(axes: Axes, text: str, theme: Theme) -> None:
    """A title at a fixed place: looking for one is a tenth of the drawing time."""
    axes.set_title(plain(text), y=1.0, fontsize=10, color=theme.ink)


def _name_inches(names: Sequence[str]) -> float:
    return INCHES_A_LETTER * max(map(len, names))


def legend(figure: Figure, axes: Axes, theme: Theme) -> None:
    handles, labels = axes.get_legend_handles_labels()
    legend_below(figure, list(zip(handles, labels, strict=True)), theme)


def legend_columns(labels: Sequence[str], width: float, *, most: int, size: float = 9) -> int:
    """How many columns of a legend fit a figure of that many inches: each has its longest label, a mark and a gap."""
    letters = max((len(label) for label in labels), default=0)
    return max(1, min(most, int(width / ((LETTER_EMS * letters + MARK_EMS) * size / 72))))


def legend_below(
    figure: Figure, entries: Sequence[tuple[Any, str]], theme: Theme, *, n_columns: int = 4, size: float = 9
) -> None:
    """Pairs of (handle, label), read line by line: matplotlib itself fills column after column. Fewer columns where the
    figure is too narrow for them."""
    n_columns = legend_columns([label for _, label in entries], figure.get_figwidth(), most=n_columns, size=size)
    across = [entry for column in range(n_columns) for entry in entries[column::n_columns]]
    figure.legend(
        [handle for handle, _ in across],
        [label for _, label in across],
        loc="outside lower center" if figure.get_layout_engine() else "lower center",
        ncols=n_columns,
        frameon=False,
        labelcolor=theme.ink,
        fontsize=size,
    )


def count_axis(axes: Axes, *, low: float, high: float, digits: Sequence[int]) -> None:
    """Numbers of clips along x: logarithmic from 1 up, with room for 0; marked at `digits` times powers of ten."""
    axes.set_xscale("symlog", linthresh=1, linscale=0.4)
    axes.set_xlim(low, high)
    marks = [0, *(digit * 10**power for power in range(7) for digit in digits)]
    axes.set_xticks([mark for mark in marks if low <= mark <= high], minor=False)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_locator(NullLocator())


def name_tags(panels: Sequence[Axes], names: Sequence[str]) -> None:
    """Beside the first of panels with the same rows. Plain texts: as many tick labels take a third longer to draw."""
    for axes in panels:
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_yticks([])
    for row, name in enumerate(names):
        panels[0].text(
            -0.012,
            row,
            plain(name),
            transform=panels[0].get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=8,
            color=panels[0].title.get_color(),
        )


def short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def plain(name: str) -> str:
    """What matplotlib shows letter by letter: a dollar would begin a formula."""
    return name.replace("$", r"\$")

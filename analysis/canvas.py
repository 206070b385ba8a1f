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

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#B5A900")
LINES = ("-", "--", ":", "-.")
INCHES_A_LETTER = 0.07  # of a tag's name at 8 points


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


LIGHT = Theme(ink="#1a1a1a", paper="#ffffff", faint="#e3e3e3", colours=OKABE_ITO, colormap="Blues", diverging="RdBu_r")
DARK = Theme(
    ink="#e6e6e6",
    paper="#1b1d21",
    faint="#3a3d43",
    colours=("#3F9FDF", *OKABE_ITO[1:]),
    colormap="cividis",
    diverging="berlin",
)
THEMES = (LIGHT, DARK)


def canvas(
    theme: Theme,
    *,
    width: float,
    height: float,
    n_panels: int = 1,
    layout: Literal["constrained"] | None = "constrained",
) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), dpi=110, layout=layout, facecolor=theme.paper)
    FigureCanvasAgg(figure)
    panels = [figure.add_subplot(1, n_panels, k + 1) for k in range(n_panels)]
    for axes in panels:
        axes.set_facecolor(theme.paper)
        axes.tick_params(colors=theme.ink)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(theme.ink)
        for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
            text.set_color(theme.ink)
    return figure, panels


def tag_canvas(theme: Theme, names: Sequence[str]) -> tuple[Figure, Axes]:
    """One row a tag. Its margins are worked out here: matplotlib's own layout takes half of the drawing time."""
    width, height = 7.0, 1.3 + 0.19 * len(names)
    figure, (axes,) = canvas(theme, width=width, height=height, layout=None)
    left = INCHES_A_LETTER * max(map(len, names)) + 0.25
    figure.subplots_adjust(left=left / width, right=0.97, bottom=0.85 / height, top=1 - 0.35 / height)
    return figure, axes


def legend(figure: Figure, axes: Axes, theme: Theme) -> None:
    handles, labels = axes.get_legend_handles_labels()
    style: dict[str, Any] = {"ncols": 4, "frameon": False, "labelcolor": theme.ink, "fontsize": 9}
    if figure.get_layout_engine():
        figure.legend(handles, labels, loc="outside lower center", **style)
    else:
        figure.legend(handles, labels, loc="lower center", **style)


def name_tags(axes: Axes, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)

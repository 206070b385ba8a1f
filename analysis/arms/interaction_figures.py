"""A picture of every interaction that a hypothesis declares: does one factor's effect depend on the other's level?

Parallel lines: it does not. The dashed line ends where the changed level would if its effect were the same with both
levels of the other factor; the distance to it is the interaction. Dots: one a seed. What the lines look like proves
nothing, the interval of the difference of differences does (see `forest`).
"""

import re
from collections.abc import Mapping
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.report.canvas import LIGHT, Theme, canvas, legend, plain
from analysis.report.sections import Picture, draw
from analysis.summary import Summary
from analysis.verdict.evidence import Evidence
from analysis.verdict.intervals import Floats
from tagsearch.study.endpoints import Endpoint, endpoint
from tagsearch.study.schema import Part, Study

JITTER = 0.05  # between the dots of two lines, of the way from one level to the other

Cells = Mapping[tuple[str, str], list[Floats]]  # levels of both factors -> an array of seeds for each arm


def interaction_pictures(summary: Summary) -> list[Picture]:
    """Of every part that claims an interaction and whose four cells have scores."""
    pictures: list[Picture] = []
    for hypothesis in summary.run.study.hypotheses:
        for part in (part for part in hypothesis.parts if part.kind == "interaction"):
            name = re.sub(r"\W+", "_", f"interaction_{hypothesis.id}_{part.id}")
            title = f"{hypothesis.id}: {part.contrasts[0].name}"
            pictures += draw(name, title, partial(interaction_lines, summary, part))
    return pictures


def interaction_lines(summary: Summary, part: Part, theme: Theme = LIGHT) -> Figure | None:
    """A panel a metric. `part`: of kind "interaction". None unless all four cells have a completed trial."""
    study, evidence = summary.run.study, summary.evidence
    cells = {metric: _cells(study, evidence, part, endpoint(part, metric)) for metric in part.metrics}
    if not all(found and all(found.values()) for found in cells.values()):
        return None
    figure, panels = canvas(theme, width=0.6 + 3.4 * len(cells), height=3.9, n_panels=len(cells))
    for axes, (metric, found) in zip(panels, cells.items(), strict=True):
        _lines(axes, study, part, found, theme)
        axes.set_ylabel(plain(_told(endpoint(part, metric))))
    legend(figure, panels[0], theme)
    return figure


def _factors(part: Part) -> tuple[tuple[str, str], tuple[str, str]]:
    """Both factors with the level that the part names: the one whose effect is looked at, the one it may depend on."""
    named = part.written["interaction"]
    assert isinstance(named, Mapping)
    one, other = named.items()
    return one, other


def _cells(study: Study, evidence: Evidence, part: Part, measured: Endpoint) -> Cells:
    (one, _), (other, _) = _factors(part)
    found: dict[tuple[str, str], list[Floats]] = {}
    for name in part.contrasts[0].weights:
        levels, arm = study.by_name[name].levels, evidence.arms[name]
        sample = evidence.sample(arm, measured) if arm.seeds else None
        cell = found.setdefault((levels[one], levels[other]), [])
        cell += [] if sample is None else [sample.values]
    return found


def _lines(axes: Axes, study: Study, part: Part, cells: Cells, theme: Theme) -> None:
    (one, up), (other, with_level) = _factors(part)
    base, without = study.factors[one][0], study.factors[other][0]
    means = {cell: float(np.mean([values.mean() for values in arms])) for cell, arms in cells.items()}
    for k, level in enumerate((base, up)):
        style, ends = theme.line(k), [means[level, without], means[level, with_level]]
        axes.plot([0, 1], ends, lw=2, marker=theme.mark(k), ms=7, label=plain(f"{one}: {level}"), **style)
        for x, column in enumerate((without, with_level)):
            dots = np.concatenate(cells[level, column])
            places = np.full(len(dots), x + JITTER * (2 * k - 1))
            axes.plot(places, dots, theme.mark(k), ms=3.5, alpha=0.6, mew=0, color=style["color"])
    alike = means[up, without] + means[base, with_level] - means[base, without]
    axes.plot(
        [0, 1], [means[up, without], alike], color=theme.ink, lw=1, ls="--", label="without interaction", zorder=0
    )
    axes.set_xticks([0, 1], [plain(without), plain(with_level)])
    axes.set_xlim(-0.25, 1.25)
    axes.set_xlabel(plain(other))
    axes.grid(axis="y", color=theme.faint, lw=0.6)


def _told(measured: Endpoint) -> str:
    """Balance is drawn in the units in which its differences add up."""
    return f"{measured.name} (-ln JSD)" if measured.metric == "balance" else measured.name

"""What a page is made of: sections, each a list of parts, then sections of its own.

A part has a `kind`, the name of its template in templates/parts/, and tells itself as Markdown. Numbers are in parts
as ready text; every text is escaped by the templates. Adding a kind of part is one class and one template.
"""

import base64
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import pandas as pd
from matplotlib.figure import Figure

from analysis.report.canvas import DARK, LIGHT, Theme
from analysis.report.grids import Grid, escaped_markdown


class Part(Protocol):
    kind: ClassVar[str]

    def markdown(self) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Section:
    """`anchor`: its id on the page; `tables`: CSV files beside the page, by name without ending."""

    anchor: str
    title: str
    parts: Sequence[Part]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    sections: "Sequence[Section]" = ()

    def markdown(self) -> str:
        """By itself, with the sections in it."""
        return "\n\n".join(heading.markdown() for heading in outline([self]))


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A section at its place: `number` "3.2", empty where a page has one section only; `level` of its heading."""

    number: str
    level: int
    section: Section

    @property
    def title(self) -> str:
        return f"{self.number} {self.section.title}".strip()

    def markdown(self) -> str:
        """The section without those inside it."""
        title = f"{'#' * self.level} {escaped_markdown(self.title)}"
        return "\n\n".join([title, *(part.markdown() for part in self.section.parts)])


def outline(sections: Sequence[Section]) -> list[Heading]:
    """All sections in reading order, numbered if there are several."""
    return list(_headings(sections, prefix="", level=2, is_numbered=len(sections) > 1))


def _headings(sections: Sequence[Section], *, prefix: str, level: int, is_numbered: bool) -> Iterator[Heading]:
    for k, section in enumerate(sections, start=1):
        number = f"{prefix}{k}" if is_numbered else ""
        yield Heading(number=number, level=level, section=section)
        yield from _headings(section.sections, prefix=f"{number}.", level=level + 1, is_numbered=is_numbered)


@dataclass(frozen=True, kw_only=True)
class Text:
    """Paragraphs; `soft`: remarks beside the matter."""

    kind: ClassVar[str] = "text"
    lines: tuple[str, ...]
    soft: bool = False

    def markdown(self) -> str:
        return "\n\n".join(escaped_markdown(line) for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One figure as PNG, for light and dark pages. `name`: of its file beside the page; `told`: what it shows, for
    those who cannot see it; `wide`: small print, so that a phone shows it larger than its screen and scrolls."""

    kind: ClassVar[str] = "picture"
    name: str
    title: str
    light: bytes
    dark: bytes
    told: str = ""
    wide: bool = False

    @property
    def alt(self) -> str:
        stop = "" if self.title.endswith("?") else "."
        return f"{self.title}{stop} {self.told}" if self.told else self.title

    @property
    def sources(self) -> dict[str, str]:
        return {"light": as_base64(self.light), "dark": as_base64(self.dark)}

    def markdown(self) -> str:
        return f"![{escaped_markdown(self.alt)}]({self.name}.png)"


@dataclass(frozen=True, kw_only=True)
class Folded:
    """A long table, shown when asked for. Markdown only says where its CSV is."""

    kind: ClassVar[str] = "folded"
    grid: Grid
    file: str

    def markdown(self) -> str:
        return escaped_markdown(f"{self.grid.title}: see {self.file}.")


def draw(
    name: str, title: str, figure: Callable[[Theme], Figure | None], *, told: str = "", wide: bool = False
) -> list[Picture]:
    """The picture that `figure` draws on either theme; none if there is nothing to draw. `told`: see Picture."""
    drawn = [figure(theme) for theme in (LIGHT, DARK)]
    pages = [_png(one) for one in drawn if one is not None]
    if len(pages) < 2:
        return []
    return [Picture(name=name, title=title, light=pages[0], dark=pages[1], told=told, wide=wide)]


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():  # a letter that the font lacks is drawn as a box; tables and CSV have it
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def as_base64(content: bytes) -> str:
    """As the body of a data: address."""
    return base64.b64encode(content).decode()

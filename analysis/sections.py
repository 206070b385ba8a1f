"""What a page is made of: sections, each a list of parts.

A part has a `kind`, the name of its template in templates/parts/, and tells itself as Markdown. Numbers are in parts
as ready text; every text is escaped by the templates. Adding a kind of part is one class and one template.
"""

import base64
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import pandas as pd
from matplotlib.figure import Figure

from analysis.canvas import DARK, LIGHT, Theme
from analysis.grids import escaped_markdown


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

    def markdown(self) -> str:
        return "\n\n".join([f"## {escaped_markdown(self.title)}", *(part.markdown() for part in self.parts)])


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
    """One figure as PNG, for light and dark pages. `name`: of its file beside the page; `wide`: small print, so that a
    phone shows it larger than its screen and scrolls."""

    kind: ClassVar[str] = "picture"
    name: str
    title: str
    light: bytes
    dark: bytes
    wide: bool = False

    @property
    def sources(self) -> dict[str, str]:
        return {"light": as_base64(self.light), "dark": as_base64(self.dark)}

    def markdown(self) -> str:
        return f"![{escaped_markdown(self.title)}]({self.name}.png)"


def draw(name: str, title: str, figure: Callable[[Theme], Figure | None], *, wide: bool = False) -> list[Picture]:
    """The picture that `figure` draws on either theme; none if there is nothing to draw."""
    drawn = [figure(theme) for theme in (LIGHT, DARK)]
    pages = [_png(one) for one in drawn if one is not None]
    if len(pages) < 2:
        return []
    return [Picture(name=name, title=title, light=pages[0], dark=pages[1], wide=wide)]


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():  # a letter that the font lacks is drawn as a box; tables and CSV have it
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def as_base64(content: bytes) -> str:
    """As the body of a data: address."""
    return base64.b64encode(content).decode()

"""Sections as a page: index.html, which stands alone, and its pictures as files beside it.

Styles and pictures are inside the page, nothing is loaded from anywhere. Every text that comes from a study or a corpus
is escaped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader

from analysis.report.sections import Picture, Section, outline


@dataclass(frozen=True, kw_only=True)
class Glance:
    """One line of a page's head that leads to a part of it. `tone`: good, bad or open; the text says it, too."""

    text: str
    anchor: str
    tone: str


def page_files(
    *, title: str, header: Sequence[str], sections: Sequence[Section], glances: Sequence[Glance] = ()
) -> dict[str, bytes]:
    """index.html and the pictures, by file name."""
    found = {f"{picture.name}.png": picture.light for picture in pictures(sections)}
    return {"index.html": html(title=title, header=header, sections=sections, glances=glances).encode()} | found


def pictures(sections: Sequence[Section]) -> Iterator[Picture]:
    for heading in outline(sections):
        yield from (part for part in heading.section.parts if isinstance(part, Picture))


def html(*, title: str, header: Sequence[str], sections: Sequence[Section], glances: Sequence[Glance] = ()) -> str:
    environment = Environment(loader=PackageLoader("analysis.report"), autoescape=True, trim_blocks=True)
    page = environment.get_template("page.html.j2")
    return page.render(title=title, header=header, headings=outline(sections), glances=glances)

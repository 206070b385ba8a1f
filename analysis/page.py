"""Sections as a page: index.html, which stands alone, and its pictures as files beside it.

Styles and pictures are inside the page, nothing is loaded from anywhere. Every text that comes from a study or a corpus
is escaped. Every file is replaced in one step.
"""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader

from analysis.sections import Picture, Section
from tagsearch.files import write_bytes, write_text


def write_page(folder: Path, *, title: str, header: Sequence[str], sections: Sequence[Section]) -> Path:
    """Write index.html and the pictures into `folder`, made when missing; returns index.html."""
    for section in sections:
        for part in section.parts:
            if isinstance(part, Picture):
                write_bytes(folder / f"{part.name}.png", part.light)
    write_text(folder / "index.html", html(title=title, header=header, sections=sections))
    return folder / "index.html"


def html(*, title: str, header: Sequence[str], sections: Sequence[Section]) -> str:
    environment = Environment(loader=PackageLoader("analysis"), autoescape=True, trim_blocks=True)
    return environment.get_template("page.html.j2").render(title=title, header=header, sections=sections)

"""A table of ready-made cells, as plain text or Markdown; as LaTeX see `latex`."""

import html
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

LONG_CELL = 60  # characters: longer ones are wrapped on a page


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table ready to print, part of a page: cells are text; `right` marks the columns of numbers, `small` names the
    places of those that stand back."""

    kind: ClassVar[str] = "grid"
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    notes: tuple[str, ...] = ()
    small: tuple[int, ...] = ()

    def classes(self, column: int, cell: str) -> str:
        """How a page shows a cell of that column."""
        is_long = len(cell) > LONG_CELL
        return " ".join(["right"] * self.right[column] + ["small"] * (column in self.small) + ["long"] * is_long)

    def taken(self, columns: Sequence[int]) -> "Grid":
        """Those columns only, in that order."""
        return replace(
            self,
            head=tuple(self.head[k] for k in columns),
            rows=tuple(tuple(row[k] for k in columns) for row in self.rows),
            right=tuple(self.right[k] for k in columns),
            small=tuple(place for place, k in enumerate(columns) if k in self.small),
        )

    def plain(self, width: int) -> str:
        """In panels of as many columns as fit into `width` characters, else (one column is too long) a block a row."""
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows, strict=True)]
        panels = self._panels(widths, width)
        body = "\n\n".join(map("\n".join, panels)) if panels else "\n".join(self._blocks(width))
        return "\n".join([self.title, body, *(textwrap.fill(note, width) for note in self.notes)])

    def _panels(self, widths: Sequence[int], width: int) -> list[list[str]]:
        """Each panel's lines; every panel begins with the first column. Empty if a column does not fit beside it."""
        groups: list[list[int]] = [[0]]
        for column in range(1, len(widths)):
            if sum(widths[k] + 2 for k in groups[-1]) + widths[column] > width:
                groups.append([0])
            groups[-1].append(column)
        if any(sum(widths[k] + 2 for k in group) - 2 > width for group in groups):
            return []
        return [self._panel(widths, group) for group in groups]

    def _panel(self, widths: Sequence[int], group: Sequence[int]) -> list[str]:
        lines = [self._line(row, widths, group) for row in (self.head, *self.rows)]
        return [lines[0], "  ".join("-" * widths[k] for k in group), *lines[1:]]

    def _blocks(self, width: int) -> list[str]:
        longest = max(map(len, self.head))
        lines = []
        for row in self.rows:
            pairs = [(head, cell) for head, cell in zip(self.head[1:], row[1:], strict=True) if cell]
            told = [f"  {head.ljust(longest)}  {cell}" for head, cell in pairs]
            lines += [row[0], *(textwrap.fill(one, width, subsequent_indent=" " * (longest + 4)) for one in told)]
        return lines

    def _line(self, row: Sequence[str], widths: Sequence[int], group: Sequence[int]) -> str:
        cells = (row[k].rjust(widths[k]) if self.right[k] else row[k].ljust(widths[k]) for k in group)
        return "  ".join(cells).rstrip()

    def markdown(self) -> str:
        escaped = [[_cell(cell) for cell in row] for row in (self.head, *self.rows)]
        lines = [f"| {' | '.join(row)} |" for row in escaped]
        lines.insert(1, f"|{'|'.join('---:' if right else '---' for right in self.right)}|")
        notes = (f"\n{escaped_markdown(note)}" for note in self.notes)
        return "\n".join([f"**{escaped_markdown(self.title)}**", "", *lines, *notes])


def escaped_markdown(text: str) -> str:
    """On one line, without tags of HTML, links or pictures: names of tags and files come from anywhere."""
    return html.escape(" ".join(text.splitlines()), quote=False).replace("](", "]&#40;")


def _cell(text: str) -> str:
    return escaped_markdown(text).replace("\\", "&#92;").replace("|", "\\|")

"""A table of ready-made cells, as plain text, Markdown or LaTeX."""

import html
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table ready to print, part of a page: cells are text; `right` marks the columns of numbers."""

    kind: ClassVar[str] = "grid"
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: tuple[bool, ...]
    notes: tuple[str, ...] = ()

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

    def latex(self) -> str:
        """A tabular with booktabs rules, the notes as comments."""
        columns = "".join("r" if right else "l" for right in self.right)
        lines = [" & ".join(map(_latex, row)) + r" \\" for row in (self.head, *self.rows)]
        begin = [f"% {self.title}", rf"\begin{{tabular}}{{{columns}}}", r"\toprule", lines[0], r"\midrule"]
        return "\n".join([*begin, *lines[1:], r"\bottomrule", r"\end{tabular}", *(f"% {note}" for note in self.notes)])


_LATEX = {"\\": r"\textbackslash{}", "±": r"$\pm$", "Δ": r"$\Delta$", "~": r"\textasciitilde{}", "^": r"\^{}"}
_LATEX |= {character: f"\\{character}" for character in "&%$#_{}"}


def escaped_markdown(text: str) -> str:
    """On one line, without tags of HTML, links or pictures: names of tags and files come from anywhere."""
    return html.escape(" ".join(text.splitlines()), quote=False).replace("](", "]&#40;")


def _cell(text: str) -> str:
    return escaped_markdown(text).replace("\\", "&#92;").replace("|", "\\|")


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)

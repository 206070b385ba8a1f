"""Tables for a paper: booktabs, every text escaped, to be read with \\input.

Signs of numbers are set as such, and what TeX's text fonts lack is set in mathematics. The preamble needs booktabs and
graphicx: a table that is wider than the text has spreads and intervals below their values where that makes it much
narrower, and is shrunk to the text.
"""

import re
from collections.abc import Iterable, Sequence

from analysis.report.grids import Grid

HEAD = "% Needs \\usepackage{booktabs} and \\usepackage{graphicx}."

_SIGNS = {"±": "pm", "×": "times", "→": "to", "−": "-", "≥": "ge", "≤": "le", "≈": "approx", "<": "<", ">": ">"}
_SIGNS |= {"Δ": "Delta", "ρ": "rho", "σ": "sigma", "θ": "theta", "|": "|"}
_ESCAPED = {sign: f"${name}$" if len(name) == 1 else f"$\\{name}$" for sign, name in _SIGNS.items()}
_ESCAPED |= {character: f"\\{character}" for character in "&%$#_{}"}
_ESCAPED |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", '"': "''"}
_ESCAPED |= {"“": "``", "”": "''", "‘": "`", "’": "'", "…": r"\ldots{}", "\n": " ", "\r": " "}
_SPREAD = re.compile(r" (?=\[|± )")
_LINE = 85  # characters of a text's line, about
_WORTH_IT = 0.8
_MINUS = re.compile(r"(?<![\w.])-(?=\d|inf)")


def tables(grids: Iterable[Grid]) -> str:
    """One floating table a grid."""
    return "\n\n".join([HEAD, *map(table, grids)]) + "\n"


def table(grid: Grid) -> str:
    """With its title as caption and its notes below it."""
    notes = [rf"\par\smallskip\footnotesize {escaped(note)}" for note in grid.notes]
    body = [r"\begin{table}", r"\centering", rf"\caption{{{escaped(grid.title)}}}", _fitted(tabular(grid)), *notes]
    return "\n".join([*body, r"\end{table}"])


def tabular(grid: Grid) -> str:
    columns = "".join("r" if right else "l" for right in grid.right)
    cells = [[[text] for text in row] for row in (grid.head, *grid.rows)]
    stacked = [[_SPREAD.split(text) for text in row] for row in (grid.head, *grid.rows)]
    stacks = _width(cells) > _LINE and _width(stacked) < _WORTH_IT * _width(cells)
    lines = [" & ".join(map(_cell, row)) + r" \\" for row in (stacked if stacks else cells)]
    begin = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", lines[0], r"\midrule"]
    body = "\n\\addlinespace\n" if stacks else "\n"
    return "\n".join([*begin, body.join(lines[1:]), r"\bottomrule", r"\end{tabular}"])


def _width(rows: Sequence[Sequence[Sequence[str]]]) -> int:
    """In characters: rows of cells of lines."""
    return sum(2 + max(len(line) for cell in column for line in cell) for column in zip(*rows, strict=True))


def _fitted(body: str) -> str:
    return "\n".join([r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%", body + "}"])


def escaped(text: str) -> str:
    return _MINUS.sub("$-$", "".join(_ESCAPED.get(character, character) for character in text))


def _cell(lines: Sequence[str]) -> str:
    told = [_line(line) for line in lines]
    return told[0] if len(told) == 1 else r"\shortstack[r]{" + r"\\".join(told) + "}"


def _line(text: str) -> str:
    """After the end of a row, TeX would take a bracket or a star for an argument."""
    told = escaped(text)
    return f"{{{told[0]}}}{told[1:]}" if told[:1] in ("[", "*") else told

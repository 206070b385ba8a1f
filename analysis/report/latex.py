"""Tables for a paper: booktabs, every text escaped, to be read with \\input.

Signs of numbers are set as such, and what TeX's text fonts lack is set in mathematics. The preamble needs booktabs and
graphicx: a table that is wider than the text is shrunk to it.
"""

import re
from collections.abc import Iterable

from analysis.report.grids import Grid

HEAD = "% Needs \\usepackage{booktabs} and \\usepackage{graphicx}."

_SIGNS = {"±": "pm", "×": "times", "→": "to", "−": "-", "≥": "ge", "≤": "le", "≈": "approx", "<": "<", ">": ">"}
_SIGNS |= {"Δ": "Delta", "ρ": "rho", "σ": "sigma", "θ": "theta", "|": "|", "✓": "checkmark"}
_ESCAPED = {sign: f"${name}$" if len(name) == 1 else f"$\\{name}$" for sign, name in _SIGNS.items()}
_ESCAPED |= {character: f"\\{character}" for character in "&%$#_{}"}
_ESCAPED |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", '"': "''"}
_ESCAPED |= {"“": "``", "”": "''", "‘": "`", "’": "'", "…": r"\ldots{}", "\n": " ", "\r": " "}
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
    lines = [" & ".join(map(_cell, row)) + r" \\" for row in (grid.head, *grid.rows)]
    begin = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", lines[0], r"\midrule"]
    return "\n".join([*begin, *lines[1:], r"\bottomrule", r"\end{tabular}"])


def _fitted(body: str) -> str:
    return "\n".join([r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%", body + "}"])


def escaped(text: str) -> str:
    return _MINUS.sub("$-$", "".join(_ESCAPED.get(character, character) for character in text))


def _cell(text: str) -> str:
    """After the end of a row, TeX would take a bracket or a star for an argument."""
    told = escaped(text)
    return f"{{{told[0]}}}{told[1:]}" if told[:1] in ("[", "*") else told

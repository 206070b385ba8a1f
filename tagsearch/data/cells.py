"""Cells of label files, shared by their readers. Each check raises CorpusError with `file:line:`."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagsearch.errors import CorpusError

BINARY = frozenset({"0", "1"})


def clip_id(file: Path, line: int, cell: str) -> int:
    if not (cell.isascii() and cell.isdigit()) or len(cell) > 18:  # what an int64 holds
        raise CorpusError(f"{file}:{line}: clip_id must be a whole number, not {cell!r}")
    return int(cell)


def refuse_twins(file: Path, column: str, values: Sequence[int] | Sequence[str], lines: Iterable[int]) -> None:
    """`lines`: where each value stands."""
    if len(set(values)) == len(values):
        return
    seen: dict[object, int] = {}
    for line, value in zip(lines, values, strict=False):
        if value in seen:
            raise CorpusError(
                f"{file}:{line}: {column} must be unique; {value!r} occurs twice, first in line {seen[value]}"
            )
        seen[value] = line


def refuse_bad_tags(file: Path, tags: Sequence[str]) -> None:
    """Of a header: a tag without a name, or two of one name."""
    if "" in tags:
        raise CorpusError(f"{file}:1: every tag column needs a name, and one has none; an index of rows is no tag")
    for number, tag in enumerate(tags):
        if tag in tags[:number]:
            raise CorpusError(f"{file}:1: tags must be unique; two columns are called {tag!r}")


def label_array(rows: Sequence[str], n_tags: int) -> npt.NDArray[np.uint8]:
    """uint8 (n_clips, n_tags) of one string of 0 and 1 per clip."""
    digits = np.frombuffer("".join(rows).encode(), dtype=np.uint8)
    return (digits - np.uint8(ord("0"))).reshape(len(rows), n_tags)

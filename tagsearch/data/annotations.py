"""MagnaTagATune's annotation file, annotations_final.csv.

Conventions: tab separated UTF-8, cells quoted or not; first column `clip_id`, last column `mp3_path`, the others one
tag each (188 in the original) with cells 0 or 1. Tags are found by name, never by column: published files disagree on
the order. Every row is read and checked, whatever part of it is used later.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from tagsearch.data.cells import BINARY, clip_id, label_array, refuse_bad_tags, refuse_twins
from tagsearch.errors import CorpusError, MissingCorpusError

FOLDERS = frozenset("0123456789abcdef")


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """The rows of an annotation file, as they stand: labels are uint8 (n_clips, n_tags), columns in order of `tags`."""

    file: Path
    tags: tuple[str, ...]
    clip_ids: npt.NDArray[np.int64]
    paths: tuple[str, ...]
    labels: npt.NDArray[np.uint8]


def read_annotations(file: Path) -> Annotations:
    """All of an annotation file. Raises CorpusError, with the line number where there is one."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            return _parse(file, csv.reader(lines, delimiter="\t"))
    except FileNotFoundError as error:
        raise MissingCorpusError(f"{file} cannot be read: {error.strerror}; is this the corpus folder?") from error
    except OSError as error:
        raise CorpusError(f"{file} cannot be read: {error.strerror}; is this the corpus folder?") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{file} is not a tab-separated UTF-8 table: {error}") from error


def _parse(file: Path, rows: Iterator[list[str]]) -> Annotations:
    header = next(rows, [])
    if header[:1] != ["clip_id"] or header[-1] != "mp3_path":
        raise CorpusError(f"{file}:1: the columns must run from clip_id to mp3_path, tab separated; found {header[:3]}")
    tags = header[1:-1]
    refuse_bad_tags(file, tags)
    clip_ids, paths, cells = [], [], []
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise CorpusError(f"{file}:{line}: a row must have {len(header)} cells, this one has {len(row)}")
        clip_ids.append(clip_id(file, line, row[0]))
        paths.append(_checked_path(file, line, row[-1]))
        if not BINARY.issuperset(values := row[1:-1]):
            raise CorpusError(f"{file}:{line}: tag cells must be 0 or 1; the row of clip {row[0]} has others")
        cells.append("".join(values))
    refuse_twins(file, "clip_id", clip_ids, count(2))
    refuse_twins(file, "mp3_path", paths, count(2))
    return Annotations(
        file=file,
        tags=tuple(tags),
        clip_ids=np.array(clip_ids, dtype=np.int64),
        paths=tuple(paths),
        labels=label_array(cells, len(tags)),
    )


def _checked_path(file: Path, line: int, cell: str) -> str:
    """The path in its plain form. A lexical check: it must begin with one of the 16 folders and stay inside."""
    parts = PurePosixPath(cell).parts
    if len(parts) < 2 or parts[0] not in FOLDERS or ".." in parts:
        raise CorpusError(f"{file}:{line}: mp3_path must lie in one of the folders 0..9, a..f, not {cell!r}")
    return "/".join(parts)

"""A label file of anybody's making: CSV or TSV, one row per clip (wide) or one row per clip and tag (long).

Conventions: UTF-8 with or without BOM, cells quoted or not; the delimiter (tab, comma or semicolon) is the one that
makes most columns of the first line. A column is known by its name, in capitals or not: the path (`PATH_NAMES`), and
as many of `KNOWN` as there are. With a column `tag` the file is long: one tag a row, an empty cell for a
clip without any; a tag said twice of a clip is said once; whatever else a row says of its clip, every row of that clip
says the same. Otherwise it is wide: every other column is a tag, with cells 0 or 1, and a clip has one row.
Every mistake is a CorpusError that begins with `file:line:`.
"""

import csv
import io
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagsearch.data.cells import BINARY, clip_id, label_array, refuse_bad_tags, refuse_twins
from tagsearch.errors import CorpusError, MissingCorpusError

PATH_NAMES = ("path", "file", "filename", "file_name", "filepath", "file_path", "mp3_path", "audio", "audio_path")
FACTS = ("split", "song", "album", "artist")
KNOWN = (*FACTS, "clip_id")
DELIMITERS = "\t,;"
_DRIVE = re.compile(r"[A-Za-z]:/")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

Line = tuple[int, list[str]]  # where a row ends in the file, its cells


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """The clips of a label file in order of their paths. labels: uint8 (n_clips, n_tags); facts: of each of FACTS that
    the file has a column for, the cell of every clip; lines: where each clip is first named."""

    file: Path
    tags: tuple[str, ...]
    clip_ids: npt.NDArray[np.int64]
    paths: tuple[str, ...]
    labels: npt.NDArray[np.uint8]
    facts: Mapping[str, tuple[str, ...]]
    lines: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class _Header:
    names: list[str]
    path: int
    known: Mapping[str, int]  # columns of KNOWN
    tag: int | None  # of a long file

    @property
    def others(self) -> list[int]:
        taken = {self.path, self.tag, *self.known.values()}
        return [column for column in range(len(self.names)) if column not in taken]


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """By clip, in order of appearance: what every row says of it, its labels as a string of 0 and 1, its line."""

    said: Mapping[str, Mapping[str, str]]
    labels: Mapping[str, str]
    lines: Mapping[str, int]
    tags: tuple[str, ...]


def read_label_file(file: Path) -> Labelled:
    """All of a label file, checked. Raises CorpusError."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise MissingCorpusError(f"{file} cannot be read: {error.strerror}") from error
    except OSError as error:
        raise CorpusError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{file} must be UTF-8 text: {error.reason} at byte {error.start}") from error
    delimiter = _delimiter(file, text)
    header = _header(file, text, delimiter)
    lines = _lines(file, text, delimiter, n_cells=len(header.names))
    rows = _read_wide(file, header, lines) if header.tag is None else _read_long(file, header, lines)
    return _labelled(file, header, rows)


def inner_path(file: Path, line: int, cell: str) -> str:
    """A path below the corpus folder in its plain form (`./a//b.mp3` is `a/b.mp3`). A lexical check: links are
    followed wherever they lead."""
    where = f"{file}:{line}"
    if not cell:
        raise CorpusError(f"{where}: the path is empty; every row must name an audio file")
    if "\\" in cell:
        raise CorpusError(f"{where}: folders are separated by /, not \\, in {cell!r}")
    if _CONTROL.search(cell):
        raise CorpusError(f"{where}: a path holds no control characters; {cell!r} does")
    if cell.startswith("/") or _DRIVE.match(cell) or ".." in cell.split("/"):
        raise CorpusError(
            f"{where}: paths cannot escape the corpus folder; write them relative to it, without .., not {cell!r}"
        )
    return posixpath.normpath(cell)


# --- the first line --------------------------------------------------------------------------------------------------


def _delimiter(file: Path, text: str) -> str:
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    try:
        return max(DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))
    except csv.Error as error:
        raise CorpusError(f"{file}:1: this is no table: {error}") from error


def _header(file: Path, text: str, delimiter: str) -> _Header:
    _, names = next(_raw_lines(file, text, delimiter), (1, []))
    names = [name.strip() for name in names]
    low = [name.lower() for name in names]
    known = {role: column for role in KNOWN if (column := _one(file, low, (role,))) is not None}
    path, tag = _one(file, low, PATH_NAMES), _one(file, low, ("tag",))
    if path is None:
        raise CorpusError(f"{file}:1: one column must be the path ({', '.join(PATH_NAMES)}); found {names[:5]}")
    header = _Header(names=names, path=path, known=known, tag=tag)
    others = [names[column] for column in header.others]
    if tag is not None and others:
        raise CorpusError(
            f"{file}:1: a file with a column `tag` has besides the path only {', '.join(KNOWN)}; "
            f"drop {', '.join(map(repr, others[:5]))}"
        )
    if tag is None and not others:
        raise CorpusError(f"{file}:1: there is no tag: neither a column `tag` nor one column per tag; found {names}")
    refuse_bad_tags(file, others)
    return header


def _one(file: Path, low: Sequence[str], names: Sequence[str]) -> int | None:
    columns = [column for column, name in enumerate(low) if name in names]
    if len(columns) > 1:
        twins = " and ".join(low[column] for column in columns)
        raise CorpusError(f"{file}:1: two columns could be the {names[0]}: {twins}; keep one")
    return columns[0] if columns else None


# --- the rows --------------------------------------------------------------------------------------------------------


def _raw_lines(file: Path, text: str, delimiter: str) -> Iterator[Line]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from ((rows.line_num, row) for row in rows)
    except csv.Error as error:
        raise CorpusError(f"{file}:{rows.line_num}: this is no table: {error}") from error


def _lines(file: Path, text: str, delimiter: str, *, n_cells: int) -> Iterator[Line]:
    """All rows but the first and blank ones, each with as many cells as the first."""
    rows = _raw_lines(file, text, delimiter)
    next(rows, None)
    for line, row in rows:
        if len(row) == n_cells:
            yield line, row
        elif row:
            raise CorpusError(f"{file}:{line}: a row must have {n_cells} cells, this one has {len(row)}")


def _read_wide(file: Path, header: _Header, lines: Iterator[Line]) -> _Rows:
    columns = header.others
    paths, line_numbers, said, labels = [], [], {}, {}
    for line, row in lines:
        cells = [row[column] for column in columns]
        if not BINARY.issuperset(cells):
            column = next(column for column in columns if row[column] not in BINARY)
            raise CorpusError(
                f"{file}:{line}: tag cells must be 0 or 1; the one of {header.names[column]!r} is {row[column]!r} "
                f"(columns known besides tags: {', '.join(KNOWN)}, or `tag` with one tag a row)"
            )
        paths.append(path := inner_path(file, line, row[header.path]))
        line_numbers.append(line)
        said[path] = {role: row[column].strip() for role, column in header.known.items()}
        labels[path] = "".join(cells)
    refuse_twins(file, "the path", paths, line_numbers)
    tags = tuple(header.names[column] for column in columns)
    return _Rows(said=said, labels=labels, lines=dict(zip(paths, line_numbers, strict=True)), tags=tags)


def _read_long(file: Path, header: _Header, lines: Iterator[Line]) -> _Rows:
    assert header.tag is not None
    said: dict[str, dict[str, str]] = {}
    first: dict[str, int] = {}
    tags_of: dict[str, set[str]] = {}
    for line, row in lines:
        path = inner_path(file, line, row[header.path])
        says = {role: row[column].strip() for role, column in header.known.items()}
        if said.setdefault(path, says) != says:
            role = next(role for role in says if says[role] != said[path][role])
            raise CorpusError(
                f"{file}:{line}: the {role} of {path!r} is {says[role]!r} here and {said[path][role]!r} in line "
                f"{first[path]}; all rows of a clip must agree"
            )
        first.setdefault(path, line)
        tags_of.setdefault(path, set()).update({row[header.tag].strip()} - {""})
    tags = tuple(sorted(set[str]().union(*tags_of.values())))
    if not tags:
        raise CorpusError(f"{file}: no row names a tag")
    labels = {path: "".join("01"[tag in own] for tag in tags) for path, own in tags_of.items()}
    return _Rows(said=said, labels=labels, lines=first, tags=tags)


def _labelled(file: Path, header: _Header, rows: _Rows) -> Labelled:
    paths = sorted(rows.said)
    if not paths:
        raise CorpusError(f"{file} lists no clip")
    lines = [rows.lines[path] for path in paths]
    if "clip_id" in header.known:
        ids = [clip_id(file, rows.lines[path], rows.said[path]["clip_id"]) for path in paths]
        in_file_order = sorted(range(len(ids)), key=lambda row: lines[row])
        refuse_twins(file, "clip_id", [ids[row] for row in in_file_order], [lines[row] for row in in_file_order])
    else:
        ids = list(range(len(paths)))
    return Labelled(
        file=file,
        tags=rows.tags,
        clip_ids=np.array(ids, dtype=np.int64),
        paths=tuple(paths),
        labels=label_array([rows.labels[path] for path in paths], len(rows.tags)),
        facts={fact: tuple(rows.said[path][fact] for path in paths) for fact in FACTS if fact in header.known},
        lines=tuple(lines),
    )

"""MagnaTagATune, and anything laid out like it: annotations_final.csv beside audio folders 0..9, a..f.

Conventions: the annotations are tab separated, cells quoted or not; first column `clip_id`, last column `mp3_path`,
the others one tag each with cells 0 or 1. Tags are found by name. The split is the usual 12:1:3 by folder. Clips
without any of the tags stay in. File names read `artist-album-track-title-start-end.mp3` (start and end in seconds).
Source: Law, West, Mandel, Bay & Downie 2009 (ISMIR).
"""

import csv
import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from tagsearch.data.corpus import BadFile, OpenCorpus, Progress
from tagsearch.data.tags import TOP_50
from tagsearch.errors import CorpusError
from tagsearch.records import SPLITS, CorpusTable

ANNOTATIONS = "annotations_final.csv"
SAMPLE_RATE = 16_000  # Hz; the rate of MTAT's files
FOLDERS = {"train": "0123456789ab", "valid": "c", "test": "def"}
_SPLIT_OF = {folder: SPLITS.index(split) for split in SPLITS for folder in FOLDERS[split]}
_BINARY = {"0", "1"}

_SONG = re.compile(r"(?P<song>.+)-\d+-\d+")
_ALBUM = re.compile(r"(?P<artist>.+?)-(?P<album>.+?)-\d+-.+")


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """The rows of an annotation file, as they stand: labels are uint8 (n_clips, n_tags), columns in order of `tags`."""

    tags: tuple[str, ...]
    clip_ids: npt.NDArray[np.int64]
    paths: tuple[str, ...]
    labels: npt.NDArray[np.uint8]


def load(*, cache: Path, progress: Progress, path: str) -> OpenCorpus:
    """The corpus in folder `path`. Raises CorpusError; files that are missing or empty are left out with a note."""
    if not path:
        raise CorpusError(f"corpus mtat needs `path`, the folder that holds {ANNOTATIONS}; none was given")
    return read(Path(path).expanduser(), name="mtat")


def read(root: Path, *, name: str) -> OpenCorpus:
    """The corpus in folder `root`, as `load` gives it, under another name."""
    annotations = read_annotations(root / ANNOTATIONS)
    sizes = np.array([_file_size(root / path) for path in annotations.paths], dtype=np.int64)
    table = _table(name, annotations, sizes)
    for split in SPLITS:
        if not len(table.rows(split)):
            folders = ", ".join(FOLDERS[split])
            raise CorpusError(f"the {split} split needs clips with audio in folders {folders}; {root} holds none")
    absent = [path for path, size in zip(annotations.paths, sizes, strict=True) if size == 0]
    bad = tuple(BadFile(path=path, reason="missing or empty") for path in absent)
    return OpenCorpus(table=table, root=root, sample_rate=SAMPLE_RATE, bad=bad)


def read_annotations(file: Path, tags: Sequence[str] = TOP_50) -> Annotations:
    """The columns of `tags` in an annotation file. Raises CorpusError, with the line number where there is one."""
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            return _parse(file, csv.reader(lines, delimiter="\t"), tuple(tags))
    except OSError as error:
        raise CorpusError(f"{file} cannot be read: {error.strerror}; is this the corpus folder?") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{file} is not a tab-separated UTF-8 table: {error}") from error


def _parse(file: Path, rows: Iterator[list[str]], tags: tuple[str, ...]) -> Annotations:
    header = next(rows, [])
    if header[:1] != ["clip_id"] or header[-1] != "mp3_path":
        raise CorpusError(f"{file}:1: the columns must run from clip_id to mp3_path, tab separated; found {header[:3]}")
    missing = [tag for tag in tags if tag not in header]
    if missing:
        raise CorpusError(f"{file}:1: {len(missing)} of {len(tags)} tags have no column: {', '.join(missing)}")
    columns = [header.index(tag) for tag in tags]
    clip_ids, paths, cells = [], [], []
    for line, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise CorpusError(f"{file}:{line}: a row must have {len(header)} cells, this one has {len(row)}")
        clip_ids.append(_clip_id(file, line, row[0]))
        paths.append(_checked_path(file, line, row[-1]))
        cells += (values := [row[column] for column in columns])
        if not _BINARY.issuperset(values):
            raise CorpusError(f"{file}:{line}: tag cells must be 0 or 1; the row of clip {row[0]} has others")
    _refuse_twins(file, "clip_id", clip_ids)
    _refuse_twins(file, "mp3_path", paths)
    labels = np.frombuffer("".join(cells).encode(), dtype=np.uint8) - ord("0")
    return Annotations(
        tags=tags,
        clip_ids=np.array(clip_ids, dtype=np.int64),
        paths=tuple(paths),
        labels=labels.astype(np.uint8).reshape(len(clip_ids), len(tags)),
    )


def _clip_id(file: Path, line: int, cell: str) -> int:
    if not (cell.isascii() and cell.isdigit()):
        raise CorpusError(f"{file}:{line}: clip_id must be a whole number, not {cell!r}")
    return int(cell)


def _checked_path(file: Path, line: int, cell: str) -> str:
    """The path in its plain form. A lexical check: it must begin with one of the 16 folders and stay inside."""
    parts = PurePosixPath(cell).parts
    if len(parts) < 2 or parts[0] not in _SPLIT_OF or ".." in parts:
        raise CorpusError(f"{file}:{line}: mp3_path must lie in one of the folders 0..9, a..f, not {cell!r}")
    return "/".join(parts)


def _refuse_twins(file: Path, column: str, values: Sequence[int] | Sequence[str]) -> None:
    if len(set(values)) == len(values):
        return
    seen: set[object] = set()
    for line, value in enumerate(values, start=2):
        if value in seen:
            raise CorpusError(f"{file}:{line}: {column} must be unique; {value!r} occurs twice")
        seen.add(value)


def _file_size(path: Path) -> int:
    """Bytes; 0 for a file that is missing or cannot be reached."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _table(name: str, annotations: Annotations, sizes: npt.NDArray[np.int64]) -> CorpusTable:
    order = np.argsort(annotations.clip_ids, kind="stable")
    order = order[sizes[order] > 0]
    paths = [annotations.paths[row] for row in order]
    keys = [work_of(path) for path in paths]
    splits = np.array([_SPLIT_OF[path[0]] for path in paths], dtype=np.int8)
    clip_ids, labels = annotations.clip_ids[order], annotations.labels[order]
    return CorpusTable(
        name=name,
        fingerprint=_fingerprint(annotations.tags, paths, clip_ids, labels, splits, sizes[order]),
        tags=annotations.tags,
        clip_ids=clip_ids,
        paths=np.array(paths, dtype=np.str_),
        songs=_numbered([key.song for key in keys]),
        albums=_numbered([key.album for key in keys]),
        artists=_numbered([key.artist for key in keys]),
        splits=splits,
        labels=labels,
    )


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a clip was cut from, as far as its path tells. Songs and albums of different folders are different."""

    song: str
    album: str
    artist: str


def work_of(path: str) -> Work:
    """Song, album and artist of a clip. Names may hold hyphens: the artist ends at the first one, the album at the
    first `-number-` after it. A name of another form is its own song, album and artist (less `-start-end`, if there).
    """
    folder, _, name = path.rpartition("/")
    stem = PurePosixPath(name).stem
    cut = _SONG.fullmatch(stem)
    song = cut["song"] if cut else stem
    parts = _ALBUM.fullmatch(song)
    artist, album = (parts["artist"], f"{parts['artist']}-{parts['album']}") if parts else (song, song)
    return Work(song=f"{folder}/{song}", album=f"{folder}/{album}", artist=artist)


def _numbered(keys: list[str]) -> npt.NDArray[np.int32]:
    """Ids 0, 1, ... in order of first appearance."""
    ids: dict[str, int] = {}
    return np.array([ids.setdefault(key, len(ids)) for key in keys], dtype=np.int32)


def _fingerprint(tags: Sequence[str], paths: Sequence[str], *arrays: npt.NDArray[np.integer]) -> str:
    content = hashlib.sha256("\n".join(itertools.chain(tags, paths)).encode())
    for array in arrays:
        content.update(f"{array.dtype.str}{array.shape}".encode())
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()

"""A corpus in MagnaTagATune's layout with a few rows; its audio files hold a few bytes that nobody decodes."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from tagsearch.data.mtat import ANNOTATIONS
from tagsearch.data.tags import TOP_50

SONG = "some_band-first_album-03-a_song"
Row = tuple[object, Sequence[str], str]  # clip id, tags, path
ROWS: list[Row] = [
    (7, ("guitar", "no vocals"), f"0/{SONG}-0-29.mp3"),
    (2, ("choral",), f"0/{SONG}-29-58.mp3"),
    (30, (), "c/other-record-01-x-0-29.mp3"),
    (31, ("guitar", "metal"), "f/some_band-second_album-01-y-0-29.mp3"),
]


def write_annotations(
    root: Path, rows: Iterable[Row], *, quoting: int = csv.QUOTE_ALL, columns: Sequence[str] = TOP_50
) -> Path:
    with (root / ANNOTATIONS).open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t", quoting=quoting)  # type: ignore[arg-type]
        table.writerow(["clip_id", *columns, "mp3_path"])
        table.writerows([[clip, *(int(tag in tags) for tag in columns), path] for clip, tags, path in rows])
    return root / ANNOTATIONS


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"not empty")


def write_mtat(root: Path, rows: Iterable[Row], *, columns: Sequence[str] = TOP_50) -> Path:
    rows = list(rows)
    write_annotations(root, rows, columns=columns)
    touch(root, *(path for _, _, path in rows))
    return root

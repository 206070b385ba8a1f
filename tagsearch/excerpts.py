"""A few seconds of test audio for every tag, kept in the run folder, so that predictions can be listened to anywhere.

Layout: `excerpts/excerpts.json` (one object an excerpt), `excerpts/<row>.mp3`, `excerpts/log_mels.npz` (one array an
excerpt, by row). Needs neither torch nor the corpus to be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagsearch.errors import RecordError
from tagsearch.files import read_array, read_json, write_bytes, write_json, write_npz
from tagsearch.records import CorpusTable

FOLDER = "excerpts"


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """`row`: of the clip in corpus.npz; start, seconds: where in the clip; audio: an MP3 file's content; log_mel: uint8
    (n_mels, n_frames), low bands first, from the quietest value of the excerpt (0) to its loudest (255)."""

    tag: str  # that it stands for
    row: int
    start: float
    seconds: float
    audio: bytes
    log_mel: npt.NDArray[np.uint8]


def clips_to_hear(table: CorpusTable) -> list[tuple[str, int]]:
    """For each tag, in the table's order, the first test clip that has it and stands for no tag before; (tag, row).

    A tag whose test clips are all taken, or that has none, is left out."""
    rows = table.rows("test")
    taken: set[int] = set()
    chosen = []
    for tag, has_it in zip(table.tags, table.labels[rows].T.astype(bool), strict=True):
        row = next((int(row) for row in rows[has_it] if int(row) not in taken), None)
        if row is not None:
            taken.add(row)
            chosen.append((tag, row))
    return chosen


def write_excerpts(run: Path, excerpts: Sequence[Excerpt]) -> None:
    """The list comes last: with it the excerpts are complete."""
    folder = run / FOLDER
    for excerpt in excerpts:
        write_bytes(folder / f"{excerpt.row}.mp3", excerpt.audio)
    write_npz(folder / "log_mels.npz", {str(excerpt.row): excerpt.log_mel for excerpt in excerpts})
    facts = [{name: getattr(one, name) for name in ("tag", "row", "start", "seconds")} for one in excerpts]
    write_json(folder / "excerpts.json", facts)


def has_excerpts(run: Path) -> bool:
    return (run / FOLDER / "excerpts.json").is_file()


def read_excerpts(run: Path) -> tuple[Excerpt, ...]:
    """Empty for a run that has none. Raises RecordError if they are damaged."""
    if not has_excerpts(run):
        return ()
    listed = run / FOLDER / "excerpts.json"
    try:
        return tuple(_read(run.resolve() / FOLDER, **facts) for facts in read_json(listed))
    except TypeError as error:
        raise RecordError(f"{listed} is damaged: {error}") from error


def _read(folder: Path, *, tag: str, row: int, start: float, seconds: float) -> Excerpt:
    if not isinstance(row, int):
        raise TypeError(f"the row {row!r} is no number")
    return Excerpt(
        tag=tag,
        row=row,
        start=start,
        seconds=seconds,
        audio=_read_bytes(folder / f"{row}.mp3"),
        log_mel=read_array(folder / "log_mels.npz", str(row)),
    )


def _read_bytes(path: Path) -> bytes:
    """Of a file in the run, not of one that a link leads to: a report holds what is read, whatever it is."""
    if path.resolve() != path:
        raise RecordError(f"{path} must be a file of the run, and is a link out of it; remove it")
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from error

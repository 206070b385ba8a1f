"""From what a label file says of its clips to an open corpus: the audio looked for, the table made.

Every corpus ends here, so that all of them treat missing files, empty splits and artists in two splits alike.
"""

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagsearch.data.audio_files import look_for
from tagsearch.data.corpus import BadFile, OpenCorpus
from tagsearch.data.splits import DROPPED, Assignment, overlap_notes
from tagsearch.data.works import Work, numbered
from tagsearch.errors import CorpusError
from tagsearch.records import SPLITS, CorpusTable, Split


@dataclass(frozen=True, kw_only=True)
class Clips:
    """The clips that a label file lists, in any order. labels: uint8 (n_clips, n_tags); paths: of the audio, relative
    to the corpus folder; clips whose split is DROPPED do not belong to the corpus."""

    tags: tuple[str, ...]
    clip_ids: npt.NDArray[np.int64]
    paths: Sequence[str]
    works: Sequence[Work]
    splits: Assignment
    labels: npt.NDArray[np.uint8]

    def taken(self, rows: npt.NDArray[np.int64]) -> "Clips":
        """Those rows, in that order."""
        return Clips(
            tags=self.tags,
            clip_ids=self.clip_ids[rows],
            paths=[self.paths[row] for row in rows],
            works=[self.works[row] for row in rows],
            splits=self.splits[rows],
            labels=self.labels[rows],
        )


def open_clips(
    clips: Clips,
    *,
    name: str,
    root: Path,
    sample_rate: int,
    where: Mapping[Split, str],
    notes: Sequence[str] = (),
    min_seconds: float = 0.0,
) -> OpenCorpus:
    """The corpus of the clips in `root` that are in a split. Only their files are looked for; those that are missing or
    empty are left out of the table and listed. `where`: the end of "the valid split needs clips with audio ...".

    Raises CorpusError if a split is left without clips."""
    order = np.argsort(clips.clip_ids, kind="stable")
    clips = clips.taken(order[clips.splits[order] != DROPPED])
    sizes, bad = look_for(root, clips.paths)
    present = np.flatnonzero(sizes)
    _refuse_empty_splits(clips, present, bad, root=root, where=where)
    table = make_table(clips.taken(present), name=name, sizes=sizes[present], notes=notes)
    return OpenCorpus(table=table, root=root, sample_rate=sample_rate, bad=bad, min_seconds=min_seconds)


def make_table(clips: Clips, *, name: str, sizes: npt.NDArray[np.int64], notes: Sequence[str] = ()) -> CorpusTable:
    """The table of clips sorted by id; `sizes`: bytes of their audio, which are part of the fingerprint."""
    songs = numbered(work.song for work in clips.works)
    albums = numbered(work.album for work in clips.works)
    artists = numbered(work.artist for work in clips.works)
    content = (clips.clip_ids, clips.labels, clips.splits, songs, albums, artists, sizes)
    return CorpusTable(
        name=name,
        fingerprint=_fingerprint(clips.tags, clips.paths, *content),
        tags=clips.tags,
        clip_ids=clips.clip_ids,
        paths=np.array(clips.paths, dtype=np.str_),
        songs=songs,
        albums=albums,
        artists=artists,
        splits=clips.splits,
        labels=clips.labels,
        notes=(*notes, *overlap_notes(artists, clips.splits)),
    )


def _refuse_empty_splits(
    clips: Clips,
    present: npt.NDArray[np.int64],
    bad: Sequence[BadFile],
    *,
    root: Path,
    where: Mapping[Split, str],
) -> None:
    """Names the first file that was looked for in vain, so that a wrong folder is seen at once."""
    split_of = dict(zip(clips.paths, clips.splits.tolist(), strict=True))
    for number, split in enumerate(SPLITS):
        if np.any(clips.splits[present] == number):
            continue
        first = next((f" ({file.path}: {file.reason})" for file in bad if split_of[file.path] == number), "")
        raise CorpusError(f"the {split} split needs clips with audio {where[split]}; {root} holds none{first}")


def _fingerprint(tags: Sequence[str], paths: Sequence[str], *arrays: npt.NDArray[np.integer]) -> str:
    content = hashlib.sha256("\n".join(itertools.chain(tags, paths)).encode())
    for array in arrays:
        content.update(f"{array.dtype.str}{array.shape}".encode())
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()

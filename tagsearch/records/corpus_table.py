"""The clips of a corpus and their labels: corpus.npz."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tagsearch.errors import RecordError
from tagsearch.files import open_npz, write_npz

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")


@dataclass(frozen=True, kw_only=True)
class CorpusTable:
    """The clips of a corpus, one row each, and their labels. Rows are sorted by clip id.

    labels: uint8 (n_clips, n_tags); splits: index into SPLITS; songs, albums, artists: integer ids, the clusters of
    the statistics; paths: relative to the corpus folder; fingerprint: hash of what the labels and audio are; notes:
    what a reader of any table made from it must know, a sentence each (tags merged, clips left out, ...)."""

    name: str
    fingerprint: str
    tags: tuple[str, ...]
    clip_ids: npt.NDArray[np.int64]
    paths: npt.NDArray[np.str_]
    songs: npt.NDArray[np.int32]
    albums: npt.NDArray[np.int32]
    artists: npt.NDArray[np.int32]
    splits: npt.NDArray[np.int8]
    labels: npt.NDArray[np.uint8]
    notes: tuple[str, ...] = ()

    def rows(self, split: Split) -> npt.NDArray[np.int64]:
        """Row numbers of the split's clips, in order."""
        return np.flatnonzero(self.splits == SPLITS.index(split))

    @property
    def train_counts(self) -> npt.NDArray[np.int64]:
        """Positives per tag in the training split."""
        counts: npt.NDArray[np.int64] = self.labels[self.rows("train")].sum(axis=0, dtype=np.int64)
        return counts

    def taken(self, rows: npt.NDArray[np.int64]) -> "CorpusTable":
        """Those rows only, in that order. Fingerprint and notes are still the whole table's."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _CORPUS_ARRAYS})

    def save(self, path: Path) -> None:
        words = {"tags": np.array(self.tags, dtype=np.str_), "notes": np.array(self.notes, dtype=np.str_)}
        head = {"name": self.name, "fingerprint": self.fingerprint, **words}
        write_npz(path, head | {name: getattr(self, name) for name in _CORPUS_ARRAYS}, durable=True)

    @classmethod
    def load(cls, path: Path) -> "CorpusTable":
        with open_npz(path) as stored:
            missing = {"name", "fingerprint", "tags", "notes", *_CORPUS_ARRAYS} - set(stored.files)
            if missing:
                raise RecordError(f"{path} lacks {', '.join(sorted(missing))}: another version of tagsearch wrote it")
            arrays: dict[str, Any] = {name: stored[name] for name in _CORPUS_ARRAYS}
            tags, notes = (tuple(map(str, stored[name])) for name in ("tags", "notes"))
            return cls(
                name=str(stored["name"]), fingerprint=str(stored["fingerprint"]), tags=tags, notes=notes, **arrays
            )


_CORPUS_ARRAYS = ("clip_ids", "paths", "songs", "albums", "artists", "splits", "labels")


def read_corpus(run: Path) -> CorpusTable:
    """Raises RecordError if it is missing or damaged."""
    try:
        return CorpusTable.load(run / "corpus.npz")
    except RecordError as error:
        raise RecordError(f"{error}; it holds the labels that the trials were scored by: bring it back") from error

"""The corpus of a trial, opened and checked."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from tagsearch.data.batches import check_lengths
from tagsearch.data.features import Features
from tagsearch.errors import CorpusError
from tagsearch.records import SPLITS, CorpusTable
from tagsearch.registry import model_entry


def open_corpus(path: Path) -> CorpusTable:
    return _cached_corpus(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)  # a reused process reads the same table for every trial
def _cached_corpus(path: Path, _written: int) -> CorpusTable:
    return CorpusTable.load(path)


def check_corpus(corpus: CorpusTable, features: Features, n_frames: int, *, model: str) -> None:
    """Raises CorpusError if there is nothing to train or measure with, or a clip has fewer frames."""
    for split in SPLITS:
        if not len(corpus.rows(split)):
            raise CorpusError(f"corpus {corpus.name} has no {split} clips; choose another corpus or size")
    n_train, needed = len(corpus.rows("train")), model_entry(model).min_batch
    if n_train < needed:
        raise CorpusError(
            f"model {model} trains on at least {needed} clips at once, and corpus {corpus.name} has {n_train} to train "
            "on; choose another corpus or model"
        )
    valid = corpus.labels[corpus.rows("valid")]
    if not (valid.any(axis=0) & ~valid.all(axis=0)).any():
        raise CorpusError(
            f"no tag of corpus {corpus.name} has validation clips with and without it; choose another one"
        )
    assert len(features.n_frames) == len(corpus.clip_ids), "the features are another corpus's"
    try:
        check_lengths(features, np.arange(len(corpus.clip_ids)), n_frames)
    except CorpusError as error:
        raise CorpusError(f"model {model} does not fit corpus {corpus.name}: {error}") from None

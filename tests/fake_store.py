"""Helpers around a store of features."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tagsearch.data import shards
from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.features import open_features, write_view
from tagsearch.data.frontend import LOG_MEL, FrontEnd
from tagsearch.data.store import Prepared, prepare
from tests.fake_corpus import rows_of, silent


def prepare_quietly(corpus: OpenCorpus, cache: Path, front_end: FrontEnd = LOG_MEL) -> Prepared:
    return prepare(corpus, front_end, cache=cache, progress=silent)


def part_of(corpus: OpenCorpus, rows: Sequence[int]) -> OpenCorpus:
    """The corpus with these clips only."""
    return dataclasses.replace(corpus, table=rows_of(corpus.table, rows, fingerprint=f"rows {rows}"))


def content_of(prepared: Prepared, corpus: OpenCorpus) -> list[bytes]:
    """The block of each clip."""
    return [block.tobytes() for block in open_features(write_view(prepared, corpus.table)).blocks]


def note_reading(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of audio files in the order in which this process will read them."""
    names: list[str] = []
    read = shards.read_audio

    def note(path: Path, *arguments: int, **named: int) -> np.ndarray:
        names.append(path.name)
        return read(path, *arguments, **named)

    monkeypatch.setattr(shards, "read_audio", note)
    return names

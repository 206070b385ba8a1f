"""A small corpus for tests: tones and noise written with soundfile, labels that follow the tones, in any layout."""

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from tagsearch.data.corpus import OpenCorpus
from tagsearch.records import SPLITS, CorpusTable

SAMPLE_RATE = 16_000
TAGS = ("low", "middle", "high", "loud")


def silent(what: str, done: int, total: int) -> None:
    """A progress that shows nothing."""


def make_table(
    *, n_train: int, n_valid: int, n_test: int, tags: Sequence[str] = TAGS, seed: int = 0, suffix: str = "flac"
) -> CorpusTable:
    """Random labels, about one tag in three."""
    n = n_train + n_valid + n_test
    generator = np.random.default_rng(seed)
    return CorpusTable(
        name="fake",
        fingerprint=f"{seed:064d}",
        tags=tuple(tags),
        clip_ids=np.arange(n),
        paths=np.array([f"{i:03d}.{suffix}" for i in range(n)]),
        songs=np.arange(n, dtype=np.int32),
        albums=np.arange(n, dtype=np.int32),
        artists=np.arange(n, dtype=np.int32),
        splits=np.repeat(np.arange(3), [n_train, n_valid, n_test]).astype(np.int8),
        labels=(generator.random((n, len(tags))) < 0.35).astype(np.uint8),
    )


def tone(labels: Sequence[int], seconds: float, generator: np.random.Generator) -> np.ndarray:
    """One sine for each tag a clip has, in noise; float32 mono."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    audio = 0.02 * generator.standard_normal(len(time))
    for tag, present in enumerate(labels):
        audio += 0.1 * present * np.sin(2 * np.pi * 300 * (tag + 1) ** 2 * time)
    return audio.astype(np.float32)


def write_corpus(root: Path, table: CorpusTable, *, seconds: Sequence[float] = (3.5,)) -> OpenCorpus:
    """Audio for every clip of the table; clip i lasts seconds[i % len(seconds)]."""
    root.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(1)
    for i, path in enumerate(table.paths.tolist()):
        audio = tone(table.labels[i].tolist(), seconds[i % len(seconds)], generator)
        soundfile.write(root / path, audio, SAMPLE_RATE)
    return open_written(root, table)


def open_written(root: Path, table: CorpusTable) -> OpenCorpus:
    """What `write_corpus` has written."""
    return OpenCorpus(table=table, root=root, sample_rate=SAMPLE_RATE)


def rows_of(table: CorpusTable, rows: Sequence[int], *, fingerprint: str) -> CorpusTable:
    """Another table of some of its clips, in that order."""
    names = ("clip_ids", "paths", "songs", "albums", "artists", "splits", "labels")
    return replace(table, fingerprint=fingerprint, **{name: getattr(table, name)[list(rows)] for name in names})


def write_label_file(path: Path, table: CorpusTable) -> None:
    """The table as a folder of audio has it: a row a clip, a column a tag."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "split", *table.tags])
        for clip, split, labels in zip(table.paths, table.splits, table.labels, strict=True):
            rows.writerow([clip, SPLITS[split], *labels])

"""Corpora that are labels only, small enough to count by hand, and one with planted synonyms and contradictions."""

from collections.abc import Sequence

import numpy as np

from tagsearch.records import CorpusTable


def table_of(
    rows: Sequence[Sequence[int]] | np.ndarray,
    *,
    tags: Sequence[str] | None = None,
    songs: Sequence[int] | np.ndarray | None = None,
    artists: Sequence[int] | np.ndarray | None = None,
    splits: Sequence[int] | np.ndarray | None = None,
    notes: tuple[str, ...] = (),
) -> CorpusTable:
    """Every clip its own song and artist, all in train, unless said."""
    labels = np.array(rows, dtype=np.uint8)
    n_clips, n_tags = labels.shape
    ids = np.arange(n_clips, dtype=np.int32)
    songs = ids if songs is None else np.array(songs, dtype=np.int32)
    return CorpusTable(
        name="small",
        fingerprint="f" * 16,
        tags=tuple(tags or (f"tag {k}" for k in range(n_tags))),
        clip_ids=ids.astype(np.int64),
        paths=np.array([f"{k}.wav" for k in ids]),
        songs=songs,
        albums=songs,
        artists=songs if artists is None else np.array(artists, dtype=np.int32),
        splits=np.zeros(n_clips, dtype=np.int8) if splits is None else np.array(splits, dtype=np.int8),
        labels=labels,
        notes=notes,
    )


PLANTED = ("wide", "narrow", "word", "other word", "up", "down", *(f"free {k}" for k in range(8)))


def planted(rng: np.random.Generator, *, n_songs: int = 500, clips_a_song: int = 4) -> CorpusTable:
    """What is true of a song, and what listeners say of it. `word` and `other word` are one thing, each said by half of
    the listeners; `narrow` holds for a third of the songs that `wide` holds for; never both `up` and `down`, which keep
    the same company; the free tags know nothing of each other. A listener leaves out 40 % and invents 2 %."""
    thing, wide, side = rng.random(n_songs) < 0.2, rng.random(n_songs) < 0.3, rng.random(n_songs)
    narrow = wide & (rng.random(n_songs) < 1 / 3)
    free = rng.random((n_songs, 8)) < 0.2
    free[:, 0] |= thing & (rng.random(n_songs) < 0.5)  # company for the synonyms
    free[:, 1] |= (side < 0.5) & (rng.random(n_songs) < 0.5)  # company for up and down alike
    true = np.column_stack([wide, narrow, thing, thing, side < 0.25, (side >= 0.25) & (side < 0.5), free])
    songs = np.repeat(np.arange(n_songs), clips_a_song)
    said = np.where(true[songs], rng.random((len(songs), true.shape[1])) < 0.6, False)
    said |= ~true[songs] & (rng.random(said.shape) < 0.005)
    splits = np.repeat(rng.choice(3, n_songs, p=[0.6, 0.2, 0.2]), clips_a_song)
    return table_of(said, tags=PLANTED, songs=songs, splits=splits)

"""Who made which album in which folder: the built-in corpus before any note is written.

Conventions: an album lies in one folder and holds two songs of two or three clips; an artist keeps to one style and
mostly makes one to four albums, dealt over the folders, so that some artists occur in training and in test, as in MTAT.
Everything random comes from `generator(seed, purpose, index)`, so no order of work can change an outcome.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import cycle
from typing import TypeVar

import numpy as np

from tagsearch.data.builtin.styles import STYLES
from tagsearch.data.splits import FOLDERS
from tagsearch.records import SPLITS, Split

CLIP_SECONDS = 8
SHARES: dict[Split, float] = {"train": 0.44, "valid": 0.15, "test": 0.41}  # a large test split: small error bars
ARTIST_ALBUMS = (1, 1, 1, 1, 1, 1, 2, 2, 3, 4)  # as often as they stand here
N_CLIPS = (2, 3)  # of a song
N_SONGS = 2  # of an album


Name = TypeVar("Name", bound=str)


class Purpose(IntEnum):
    """What a stream of random numbers is for."""

    PLAN = 0
    SCORE = 1
    LISTENER = 2
    SOUND = 3
    ARTIST = 4


def generator(seed: int, purpose: Purpose, index: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(purpose, index))))


@dataclass(frozen=True, kw_only=True)
class SongPlan:
    """`index`: of the song in the corpus; clips are numbered on from `first_clip`."""

    index: int
    style: str
    folder: str
    artist: int
    album: str  # "artist-album", as in the file name
    track: int
    title: str
    first_clip: int
    n_clips: int

    @property
    def paths(self) -> tuple[str, ...]:
        """Of the clips, relative to the corpus folder; a song's clips are one clip length apart."""
        stem = f"{self.folder}/{self.album}-{self.track:02d}-{self.title}"
        starts = [2 * CLIP_SECONDS * clip for clip in range(self.n_clips)]
        return tuple(f"{stem}-{start}-{start + CLIP_SECONDS}.flac" for start in starts)


def plan(n_albums: int, seed: int) -> tuple[SongPlan, ...]:
    """All songs of a corpus, about five clips an album, styles and folders mixed."""
    random = generator(seed, Purpose.PLAN)
    albums = list(_albums(n_albums, random))
    songs: list[SongPlan] = []
    first_clip = 1
    for artist, style, folder in (albums[place] for place in random.permutation(n_albums)):
        album = f"{_name(artist, 0)}-{_name(len(songs) // N_SONGS, 1)}"
        for track in range(1, N_SONGS + 1):
            n_clips = int(random.choice(N_CLIPS))
            song = SongPlan(
                index=len(songs), style=style, folder=folder, artist=artist, album=album, track=track,
                title=_name(len(songs), 2), first_clip=first_clip, n_clips=n_clips,
            )  # fmt: skip
            songs.append(song)
            first_clip += n_clips
    return tuple(songs)


def _albums(n_albums: int, random: np.random.Generator) -> Iterator[tuple[int, str, str]]:
    """(artist, style, folder) of every album. Styles come one after the other: every split gets its share of each."""
    folders = {split: cycle(FOLDERS[split]) for split in SPLITS}
    styles = sorted(_deal({name: style.weight for name, style in STYLES.items()}, n_albums))
    artist, left, before = -1, 0, ""
    for style, split in zip(styles, _deal(SHARES, n_albums), strict=True):
        if left == 0 or style != before:
            artist, left = artist + 1, int(random.choice(ARTIST_ALBUMS))
        left, before = left - 1, style
        yield artist, style, next(folders[split])


def _deal(shares: dict[Name, float], n: int) -> list[Name]:
    """n names in proportion to their shares, evenly mixed: each goes to the name that is furthest behind."""
    total = sum(shares.values())
    counts = dict.fromkeys(shares, 0)
    dealt = []
    for i in range(1, n + 1):
        name = max(shares, key=lambda name: i * shares[name] / total - counts[name])
        counts[name] += 1
        dealt.append(name)
    return dealt


_FIRST = "amber azure birch cedar coral ember fern frost golden hazel indigo ivory jade linden maple misty ochre olive"
_SECOND = "anchor arrow bridge candle canyon comet drum feather field garden harbor island kite lantern meadow mirror"
_THIRD = "echo hour letter line march morning night path rain road season shade shore sky song stone story tide"


def _name(number: int, shift: int) -> str:
    """A name in MTAT's manner (lower case, underscores); different numbers give different names."""
    words = [column.split() for column in (_FIRST, _SECOND, _THIRD)]
    columns = words[shift:] + words[:shift]
    parts = []
    for column in columns[:2]:
        number, place = divmod(number, len(column))
        parts.append(column[place])
    return "_".join([*parts, str(number + 1)] if number else parts)

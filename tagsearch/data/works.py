"""What a clip was cut from: song, album and artist, the clusters of the statistics.

MagnaTagATune's file names read `artist-album-track-title-start-end.mp3` (start and end in seconds), each word with
underscores for blanks.
"""

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

_SONG = re.compile(r"(?P<song>.+)-\d+-\d+")
_ALBUM = re.compile(r"(?P<artist>.+?)-(?P<album>.+?)-\d+-(?P<title>.+)")
COMPILATIONS = frozenset({"magnatune_compilation", "various_artists"})  # where a name should be, of MagnaTagATune


@dataclass(frozen=True, kw_only=True)
class Work:
    """Keys, not titles: two clips are of one song, album or artist exactly if the keys are equal."""

    song: str
    album: str
    artist: str


def work_of(path: str) -> Work:
    """Song, album and artist as the path of a MagnaTagATune clip tells them.

    Names may hold hyphens: the artist ends at the first one, the album at the first `-number-` after it. A name of
    another form is its own song, album and artist (less `-start-end`, if there). Songs and albums of different folders
    are different, artists are not. A compilation counts as one artist, as in the published counts (230)."""
    folder, _, name = path.rpartition("/")
    stem = PurePosixPath(name).stem
    cut = _SONG.fullmatch(stem)
    song = cut["song"] if cut else stem
    parts = _ALBUM.fullmatch(song)
    artist, album = (parts["artist"], f"{parts['artist']}-{parts['album']}") if parts else (song, song)
    return Work(song=f"{folder}/{song}", album=f"{folder}/{album}", artist=artist)


def credited(works: Sequence[Work]) -> list[Work]:
    """The works with clips of compilations under their performer's name, which begins or ends the title: the longest
    one that other clips of `works` have as their artist. If there is none the compilation stays the artist."""
    known = {work.artist for work in works} - COMPILATIONS
    return [replace(work, artist=_performer(work, known)) if work.artist in COMPILATIONS else work for work in works]


def _performer(work: Work, known: Set[str]) -> str:
    parts = _ALBUM.fullmatch(work.song.rpartition("/")[2])
    title = f"_{parts['title']}_" if parts else ""
    fitting = [name for name in known if title.startswith(f"_{name}_") or title.endswith(f"_{name}_")]
    return max(fitting, key=lambda name: (len(name), name), default=work.artist)


def numbered(keys: Iterable[str]) -> npt.NDArray[np.int32]:
    """Ids 0, 1, ... in order of first appearance."""
    ids: dict[str, int] = {}
    return np.array([ids.setdefault(key, len(ids)) for key in keys], dtype=np.int32)

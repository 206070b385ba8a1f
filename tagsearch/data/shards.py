"""A shard: the blocks of a few dozen clips of one front end, written once by one process and never changed.

`<name>.bin` holds the blocks one after the other; `<name>.json` says what they are of, each clip's source (path, size,
time of change) and frames, the checksum, and which clips gave no block and why, so that they are not tried again
until there is another version of the decoder.
The .json is renamed into place last: a shard is there when it is.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tagsearch.data.audio import Source, read_audio, unreadable
from tagsearch.data.compute import blocks_of, one_thread
from tagsearch.data.corpus import BadFile
from tagsearch.data.frontend import FrontEnd
from tagsearch.errors import BadAudioError
from tagsearch.files import write_json

FORMAT = 1  # of shards and of what is in them; another number is another store
DECODER = str(soundfile.__libsndfile_version__)  # another one may read what this one refuses, as MP3 since 1.1
_READ_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a clip's block is. `offset`: in values from the shard's beginning."""

    shard: str
    offset: int
    n_frames: int


@dataclass(frozen=True, kw_only=True)
class Shard:
    """What a shard's .json says. `bad`: what is wrong with the audio of sources that gave no block."""

    name: str
    n_bytes: int
    crc32: int
    places: dict[Source, Place]
    bad: dict[Source, BadFile]


@dataclass(frozen=True, kw_only=True)
class ShardTask:
    """A shard to be written into `folder`, from audio under `root`. `npy_rate`: see data.audio."""

    folder: Path
    name: str
    front_end: FrontEnd
    root: Path
    npy_rate: int
    sources: Sequence[Source]


def write_shard(task: ShardTask) -> tuple[BadFile, ...]:
    """Compute and write; what could not be read this time but may be the next, of which nothing is kept.

    Raises OSError if the shard cannot be written. Memory: one clip's."""
    blocks, crc32 = blocks_of(task.front_end), 0
    clips, bad, unread = list[list[Any]](), list[list[Any]](), list[BadFile]()
    temporary = task.folder / f".{task.name}.bin.tmp"
    with temporary.open("wb") as file, one_thread():
        for source in task.sources:
            try:
                audio = read_audio(task.root / source.path, task.front_end.sample_rate, npy_rate=task.npy_rate)
                block = blocks.block(audio)
            except BadAudioError as error:
                bad.append([*source, error.reason, error.detail])
            except OSError as error:
                reason = unreadable(error)
                unread.append(BadFile(path=source.path, reason=reason.reason, detail=reason.detail))
            else:
                content = np.ascontiguousarray(block).data  # a log-mel comes out frame by frame
                file.write(content)
                crc32 = zlib.crc32(content, crc32)
                clips.append([*source, block.shape[1]])
        n_bytes = file.tell()
    if clips or bad:
        temporary.rename(task.folder / f"{task.name}.bin")
        meta = {"n_bytes": n_bytes, "crc32": crc32, "clips": clips, "decoder": DECODER, "bad": bad}
        write_json(task.folder / f"{task.name}.json", _identity(task.front_end) | meta)
    else:
        temporary.unlink()
    return tuple(unread)


def read_shard(meta_file: Path, front_end: FrontEnd) -> Shard | None:
    """None if the file is damaged, or the shard is of something else."""
    try:
        meta = json.loads(meta_file.read_bytes())
        if any(meta[name] != value for name, value in _identity(front_end).items()):
            return None
        places, n_values = _places(meta_file.stem, meta["clips"], front_end.n_rows)
        if n_values * blocks_of(front_end).dtype.itemsize != meta["n_bytes"]:
            return None
        bad = {
            Source(path, size, mtime): BadFile(path=path, reason=reason, detail=detail)
            for path, size, mtime, reason, detail in meta["bad"]
            if meta.get("decoder") == DECODER  # the first shards did not name it
        }
        return Shard(name=meta_file.stem, n_bytes=meta["n_bytes"], crc32=meta["crc32"], places=places, bad=bad)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sources_of(meta_file: Path) -> frozenset[Source] | None:
    """Of a shard of any front end: the files that it holds the blocks of, or says to give none. None if damaged."""
    try:
        meta = json.loads(meta_file.read_bytes())
        return frozenset(Source(*entry[:3]) for entry in (*meta["clips"], *meta["bad"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _places(name: str, clips: list[list[Any]], n_rows: int) -> tuple[dict[Source, Place], int]:
    """And how many values the shard holds."""
    places, offset = dict[Source, Place](), 0
    for path, size, mtime, n_frames in clips:
        places[Source(path, size, mtime)] = Place(shard=name, offset=offset, n_frames=n_frames)
        offset += n_rows * n_frames
    return places, offset


def complaint(folder: Path, shard: Shard) -> str | None:
    """What is wrong with the shard's blocks; None if they are what was written."""
    path, crc32 = folder / f"{shard.name}.bin", 0
    n_bytes = path.stat().st_size if path.exists() else 0
    if n_bytes != shard.n_bytes:
        return f"{path.name} has {n_bytes} bytes instead of {shard.n_bytes}"
    with path.open("rb") as file:
        while content := file.read(_READ_BYTES):
            crc32 = zlib.crc32(content, crc32)
    return None if crc32 == shard.crc32 else f"{path.name} does not match its checksum"


def remove_shard(folder: Path, name: str) -> None:
    """Both files, the one that makes it a shard first."""
    (folder / f"{name}.json").unlink(missing_ok=True)
    (folder / f"{name}.bin").unlink(missing_ok=True)


def _identity(front_end: FrontEnd) -> dict[str, Any]:
    return {"format": FORMAT, "dtype": blocks_of(front_end).dtype.str, "front_end": front_end.to_json()}

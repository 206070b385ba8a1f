"""What trials read: the features of exactly the clips of one corpus table, mapped from the store's shards.

A view is a small .npz in the store's `views/`, named by the table's fingerprint: for each row the shard, the offset and
the frames. Processes that read one need neither the audio nor its folder.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tagsearch.data.compute import Block, blocks_of
from tagsearch.data.frontend import FrontEnd, front_end_from_json
from tagsearch.data.shards import complaint, read_shard
from tagsearch.data.store import Prepared
from tagsearch.errors import CorpusError, RecordError
from tagsearch.files import read_array, read_npz, write_bytes, write_npz
from tagsearch.records import CorpusTable

VIEWS = "views"  # folder of a store


@dataclass(frozen=True, kw_only=True, eq=False)  # the same features are the same object: open_features keeps it
class Features:
    """Opened features. blocks: one a clip, (n_rows, n_frames) in the kind's dtype; n_frames: int64 (n_clips,)"""

    front_end: FrontEnd
    blocks: Sequence[Block]
    n_frames: npt.NDArray[np.int64]

    def block(self, clip: int) -> Block:
        """The clip's block, a view of the memory map."""
        return self.blocks[clip]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.blocks[0].dtype

    @property
    def n_bytes(self) -> int:
        return int(self.n_frames.sum()) * self.front_end.n_rows * self.dtype.itemsize


def write_view(prepared: Prepared, table: CorpusTable) -> Path:
    """The view of the table's clips, for `open_features`. All of them must have been prepared.

    Raises CorpusError if it cannot be written."""
    places = [prepared.places[path] for path in table.paths.tolist()]
    shards = sorted({place.shard for place in places})
    number = {shard: i for i, shard in enumerate(shards)}
    file = prepared.folder / VIEWS / view_name(table.fingerprint)
    content = _content(
        prepared.front_end,
        shards=shards,
        shard=[number[place.shard] for place in places],
        offset=[place.offset for place in places],
        n_frames=[place.n_frames for place in places],
    )
    try:
        write_npz(file, content)
    except OSError as error:
        raise CorpusError(
            f"cannot write {file}: {error.strerror or error}; free space or choose another cache"
        ) from error
    return file


def find_view(cache: Path, front_end: FrontEnd, table: CorpusTable) -> Path | None:
    """A view of the table's clips, from wherever their audio was read; None if no store has one with all of its shards
    undamaged."""
    for view in sorted((cache / "features").glob(f"*-{front_end.key()}/{VIEWS}/{view_name(table.fingerprint)}")):
        store = view.parent.parent
        try:
            shards = [read_shard(file.with_suffix(".json"), front_end) for file in files_of(view)[1:]]
        except RecordError:
            continue
        if all(shard is not None and complaint(store, shard) is None for shard in shards):
            return view
    return None


def view_name(fingerprint: str) -> str:
    """Of the table with that fingerprint."""
    return f"{hashlib.sha256(fingerprint.encode()).hexdigest()[:16]}.npz"


def _content(
    front_end: FrontEnd, *, shards: Sequence[str], shard: Sequence[int], offset: Sequence[int], n_frames: Sequence[int]
) -> dict[str, npt.NDArray[Any]]:
    """Of a view."""
    return {
        "front_end": np.array(json.dumps(front_end.to_json())),
        "shards": np.array(shards, dtype=np.str_),
        "shard": np.array(shard, dtype=np.int32),
        "offset": np.array(offset, dtype=np.int64),
        "n_frames": np.array(n_frames, dtype=np.int64),
    }


def write_random_view(
    folder: Path, front_end: FrontEnd, n_clips: int, *, n_frames: int, n_blocks: int, rng: np.random.Generator
) -> Path:
    """A view of noise for measurements: `n_clips` clips of `n_frames` frames that share `n_blocks` blocks."""
    size = front_end.n_rows * n_frames
    noise = 10 * rng.standard_normal((min(n_blocks, n_clips), size), dtype=np.float32)
    write_bytes(folder / "noise.bin", noise.astype(blocks_of(front_end).dtype).tobytes())
    offset = [clip % len(noise) * size for clip in range(n_clips)]
    content = _content(front_end, shards=["noise"], shard=[0] * n_clips, offset=offset, n_frames=[n_frames] * n_clips)
    write_npz(folder / VIEWS / "noise.npz", content)
    return folder / VIEWS / "noise.npz"


def files_of(view: Path) -> list[Path]:
    """The view and the shards that it maps. Raises RecordError if it is missing or damaged."""
    names = read_array(view, "shards").tolist()
    return [view, *(view.parent.parent / f"{name}.bin" for name in names)]


def open_features(view: Path) -> Features:
    """Map the features of a view into memory; nothing of them is read yet. Raises CorpusError if there are none."""
    try:
        return _open(view, view.stat().st_mtime_ns)
    except (OSError, RecordError, ValueError, RuntimeError) as error:  # or a shard is gone, or shorter than it was
        raise CorpusError(
            f"{view} gives no features; run `tagsearch data prepare`, or any study, to build them"
        ) from error


@lru_cache(maxsize=4)  # a reused process opens the same corpus for every trial
def _open(view: Path, _written: int) -> Features:
    stored = read_npz(view)
    front_end = front_end_from_json(json.loads(str(stored["front_end"])))
    dtype, n_rows = blocks_of(front_end).dtype, front_end.n_rows
    files = [view.parent.parent / f"{name}.bin" for name in stored["shards"].tolist()]
    shards = [_map(file, dtype) for file in files]
    rows = zip(*(stored[name].tolist() for name in ("shard", "offset", "n_frames")), strict=True)
    blocks = [shards[shard][offset : offset + n_rows * n].reshape(n_rows, n) for shard, offset, n in rows]
    return Features(front_end=front_end, blocks=blocks, n_frames=stored["n_frames"])


def _map(file: Path, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """All of the file, flat. Mapped by torch, which keeps no file descriptor open: a large corpus has more shards than
    a process may have files. The map is private, so that it is writable for torch; nobody writes."""
    kept = torch.from_numpy(np.empty(0, dtype)).dtype
    n_values = file.stat().st_size // dtype.itemsize
    flat: npt.NDArray[Any] = torch.from_file(str(file), shared=False, size=n_values, dtype=kept).numpy()
    return flat

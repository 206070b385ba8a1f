"""Chunks of clips as tensors: random crops for training, evenly spaced chunks for evaluation.

Conventions: a chunk is `n_frames` consecutive frames of one clip's block; a batch is float32 (B, n_rows, n_frames);
clips are row numbers of the corpus table; starts are frames. The frames at a crop's two ends see the audio next to it
(a log-mel is of the whole clip), where a front end inside the model would see a mirrored edge. A clip that is shorter
than a chunk is repeated from its first frame on until the chunk is full (a study allows it by `data: {pad: repeat}`,
else `check_lengths` refuses it); it has one chunk, which begins with the clip.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch

from tagsearch.data.compute import Block, blocks_of
from tagsearch.data.features import Features
from tagsearch.errors import CorpusError

Ints = npt.NDArray[np.int64]

_FEATURES_SHARE = 0.5  # of a trial's share of a GPU's memory; the rest is for its network


class Chunks:
    """Gathers chunks of `n_frames` frames from `features` onto `device`.

    `gpu_share`: of the device's memory that is the trial's, as several trials may share a GPU. Where the features fit
    into half of it they are copied there once and gathered there; else they are gathered from the memory map."""

    def __init__(self, features: Features, *, n_frames: int, device: torch.device, gpu_share: float = 1.0) -> None:
        self.features = features
        self.n_frames = n_frames
        self.device = device
        self._to_float = blocks_of(features.front_end).to_float
        self._buffer = np.empty((0, features.front_end.n_rows, n_frames), dtype=features.dtype)
        self._copy = _copy_if_it_fits(features, device, gpu_share)

    def gather(self, clips: Ints, starts: Ints) -> torch.Tensor:
        """float32 (B, n_rows, n_frames) on the device."""
        if self._copy is not None:
            return self._to_float(self._copy.gather(clips, starts, self.n_frames))
        if len(self._buffer) < len(clips):  # reused: fresh memory for every batch costs as much as filling it
            self._buffer = np.empty((len(clips), *self._buffer.shape[1:]), dtype=self._buffer.dtype)
        blocks, buffer = self.features.blocks, self._buffer[: len(clips)]
        for row, (clip, start) in enumerate(zip(clips.tolist(), starts.tolist(), strict=True)):
            buffer[row] = _cut(blocks[clip], start, self.n_frames)
        return self._to_float(torch.from_numpy(buffer).to(self.device))


def _cut(block: Block, start: int, n_frames: int) -> Block:
    """`n_frames` frames from `start` on, beginning again where the block ends; a view if it does not end."""
    if start + n_frames <= block.shape[1]:
        return block[:, start : start + n_frames]
    return block.take(np.arange(start, start + n_frames), axis=1, mode="wrap")


class DeviceCopy:
    """All blocks one after the other in an accelerator's memory; clip i's begins at value offsets[i]."""

    def __init__(self, features: Features, device: torch.device) -> None:
        self._n_rows, self._n_frames = features.front_end.n_rows, features.n_frames
        ends = np.cumsum(features.n_frames * self._n_rows)
        self._offsets: Ints = np.concatenate([[0], ends])[:-1]
        dtype = torch.from_numpy(np.empty(0, features.dtype)).dtype
        self._data = torch.empty(int(ends[-1]), dtype=dtype, device=device)
        for block, begin, end in zip(features.blocks, self._offsets.tolist(), ends.tolist(), strict=True):
            self._data[begin:end].copy_(torch.from_numpy(block).view(-1))  # a clip at a time: the host holds no copy

    def gather(self, clips: Ints, starts: Ints, n_frames: int) -> torch.Tensor:
        """(B, n_rows, n_frames) of what is kept."""
        device = self._data.device
        of_clips = (self._offsets[clips], self._n_frames[clips], starts)
        firsts, lengths, begins = (torch.from_numpy(each).to(device)[:, None] for each in of_clips)
        rows = firsts + lengths * torch.arange(self._n_rows, device=device)  # (B, n_rows): where each begins
        frames = (begins + torch.arange(n_frames, device=device)) % lengths  # (B, n_frames): a short clip is repeated
        return self._data[rows[:, :, None] + frames[:, None, :]]


@lru_cache(maxsize=1)  # the trials of a reused process share one copy
def _copy_if_it_fits(features: Features, device: torch.device, gpu_share: float) -> DeviceCopy | None:
    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    own = min(total * gpu_share, free)  # less is free than the trial's share only where others use more than theirs
    return DeviceCopy(features, device) if features.n_bytes <= own * _FEATURES_SHARE else None


def check_lengths(features: Features, clips: Ints, n_frames: int) -> None:
    """Raises CorpusError if one of `clips` is shorter than a chunk."""
    too_short = clips[features.n_frames[clips] < n_frames]
    if len(too_short):
        first = int(too_short[0])
        raise CorpusError(
            f"a clip must hold a chunk of {n_frames} frames; {len(too_short)} are shorter, the first in row {first} "
            f"with {features.n_frames[first]} frames; remove them, choose a model with a shorter chunk, or repeat them "
            "to fill it: data.pad: repeat"
        )


def random_starts(lengths: Ints, n_frames: int, generator: np.random.Generator) -> Ints:
    """A uniformly random start for a crop of each clip of `lengths` frames, 0 where it is shorter than that; (n,)."""
    places = np.maximum(lengths - n_frames + 1, 1)
    starts: Ints = np.minimum(generator.random(len(lengths)) * places, places - 1).astype(np.int64)
    return starts


def even_starts(length: int, n_frames: int) -> Ints:
    """Starts of the fewest evenly spaced chunks that cover a clip of `length` frames from its first to its last.

    Neighbours overlap where the length is no multiple of the chunk; the last one ends with the clip. A shorter clip has
    one chunk."""
    n_chunks = -(-length // n_frames)
    return np.linspace(0, max(length - n_frames, 0), n_chunks).round().astype(np.int64)


def covering_chunks(features: Features, clips: Ints, n_frames: int) -> tuple[Ints, Ints, Ints]:
    """All chunks of `clips` for evaluation: the clip and start of each, and where each clip's chunks begin in them."""
    starts = [even_starts(int(length), n_frames) for length in features.n_frames[clips]]
    counts = np.array([len(s) for s in starts], dtype=np.int64)
    firsts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.repeat(clips, counts), np.concatenate(starts), firsts


def batch_edges(n: int, batch_size: int) -> list[tuple[int, int]]:
    """Begin and end of each batch of n draws. Nothing is dropped: the last batch may be smaller, but a last batch of
    one goes into the one before it, because batch normalisation has no variance over a single value."""
    edges = [*range(0, n, batch_size), n]
    if n % batch_size == 1 and len(edges) > 2:
        del edges[-2]
    return list(pairwise(edges))

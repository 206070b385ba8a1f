"""Short-chunk CNN with residual connections. Won et al. 2020, arXiv:2006.00751.

Shapes at the default width: log-mel (B, 1, 128, 231) of 3.69 s -> seven residual blocks of stride 2: (B, 128, 64, 116),
(B, 128, 32, 58), (B, 256, 16, 29), (B, 256, 8, 15), (B, 256, 4, 8), (B, 256, 2, 4), (B, 512, 1, 2) -> maximum over the
remaining frames -> a hidden layer (B, 512), the embedding -> dropout, linear head (B, n_tags). 12,104,244 parameters
with 50 tags.
"""

from functools import partial
from itertools import pairwise
from typing import ClassVar

import torch
from torch import nn

from tagsearch.data.frontend import LOG_MEL_128, FrontEnd
from tagsearch.models.blocks import HiddenHead, ResBlock2d, needs_two_clips
from tagsearch.models.published import Published, Size, log_mel_constants


class ShortChunkRes(nn.Module):
    """Takes chunks of any length: `chunk_seconds`; in training at least two clips. `width`: filters of the first
    blocks, a quarter of the last one's and of the embedding's length."""

    front_end: ClassVar[FrontEnd] = LOG_MEL_128
    published: ClassVar[Published] = Published(
        names={"spec_bn": "normalise"}
        | {f"layer{i + 1}": f"blocks.{i}" for i in range(7)}
        | {"dense1": "head.hidden", "bn": "head.bn", "dense2": "head.linear"},
        n_tags=Size(name="dense2.weight"),
        sizes={"width": Size(name="layer1.conv_1.weight")},
        constants=partial(log_mel_constants, LOG_MEL_128),
    )

    def __init__(self, *, n_tags: int, chunk_seconds: float, width: int, dropout: float) -> None:
        super().__init__()
        self.chunk_seconds = chunk_seconds
        self.normalise = nn.BatchNorm2d(1)
        n_filters = [1, width, width, 2 * width, 2 * width, 2 * width, 2 * width, 4 * width]
        self.blocks = nn.Sequential(*(ResBlock2d(n_in, n_out, stride=2) for n_in, n_out in pairwise(n_filters)))
        self.head = HiddenHead(4 * width, 4 * width, n_tags, dropout=dropout)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, n_mels, n_frames) -> logits (B, n_tags), embedding (B, 4 width).

        Raises UsageError, see `needs_two_clips`."""
        needs_two_clips(self, len(batch))  # the last block's batch norms, where the chunk is short
        logits, embedding = self.head(self.blocks(self.normalise(batch[:, None])).amax(dim=(2, 3)))
        return logits, embedding

"""SampleCNN: filters of three samples on the waveform itself. Lee et al. 2017, arXiv:1703.01789, in the form of Won et
al. 2020, arXiv:2006.00751.

Shapes at the default width: waveform (B, 1, 59049), 3^10 samples = 3.69 s -> a convolution with stride 3, (B, 128,
19683) -> nine blocks of convolution, batch norm, ReLU and max-pool by 3, lengths 6561, 2187, ... 3, 1 with 128 filters
in two blocks, 256 in six and 512 in the last -> a convolution of one sample, (B, 512), the embedding -> dropout, linear
head (B, n_tags). 1,869,874 parameters with 50 tags.
"""

from itertools import pairwise
from typing import ClassVar

import torch
from torch import nn

from tagsearch.data.frontend import WAVEFORM, FrontEnd
from tagsearch.models.blocks import ConvBlock1d, LinearHead, needs_two_clips
from tagsearch.models.published import Published, Size


class SampleCNN(nn.Module):
    """Takes 59,047 to 118,095 samples (the pools leave one value); in training at least two clips. `width`: filters of
    the first blocks, a quarter of the last one's and of the embedding's length."""

    front_end: ClassVar[FrontEnd] = WAVEFORM
    chunk_seconds: ClassVar[float] = 59_049 / 16_000  # 3^10 samples
    published: ClassVar[Published] = Published(
        names={f"layer{i + 1}": f"blocks.{i}" for i in range(11)} | {"dense": "head.linear"},
        n_tags=Size(name="dense.weight"),
        sizes={"width": Size(name="layer1.conv.weight")},
    )

    def __init__(self, *, n_tags: int, width: int, dropout: float) -> None:
        super().__init__()
        n_filters = [width] * 3 + [2 * width] * 6 + [4 * width]
        self.blocks = nn.Sequential(
            ConvBlock1d(1, width, kernel=3, stride=3),
            *(ConvBlock1d(n_in, n_out, kernel=3, pool=3) for n_in, n_out in pairwise(n_filters)),
            ConvBlock1d(4 * width, 4 * width, kernel=1),
        )
        self.head = LinearHead(4 * width, n_tags, dropout=dropout)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 1, n_samples) -> logits (B, n_tags), embedding (B, 4 width). Raises UsageError, see `needs_two_clips`."""
        needs_two_clips(self, len(batch))  # the last block's batch norm
        logits, embedding = self.head(self.blocks(batch).squeeze(-1))
        return logits, embedding

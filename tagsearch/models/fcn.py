"""FCN: a fully convolutional network over the log-mel picture. Choi, Fazekas & Sandler 2016, arXiv:1606.00298, in the
form of Won et al. 2020, arXiv:2006.00751.

Shapes at the default width: log-mel (B, 1, 96, 1813) of 29 s -> five blocks of 3 x 3 convolution, batch norm, ReLU and
max-pool: (B, 64, 48, 453), (B, 128, 24, 113), (B, 128, 12, 28), (B, 128, 4, 5), (B, 64, 1, 1) -> the embedding (B, 64)
-> dropout, linear head (B, n_tags). 447,732 parameters with 50 tags.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import nn

from tagsearch.data.frontend import LOG_MEL, FrontEnd
from tagsearch.models.blocks import ConvBlock2d, LinearHead
from tagsearch.models.published import Published, Size, log_mel_constants


class FCN(nn.Module):
    """Takes chunks of 1,280 to 2,559 frames (the pools leave one value). `width`: filters of the first and last block,
    half of the others'; `dropout`: of the embedding's values before the head."""

    front_end: ClassVar[FrontEnd] = LOG_MEL
    chunk_seconds: ClassVar[float] = 29.0
    published: ClassVar[Published] = Published(
        names={"spec_bn": "normalise"} | {f"layer{i + 1}": f"blocks.{i}" for i in range(5)} | {"dense": "head.linear"},
        n_tags=Size(name="dense.weight"),
        sizes={"width": Size(name="layer1.conv.weight")},
        constants=partial(log_mel_constants, LOG_MEL),
    )

    def __init__(self, *, n_tags: int, width: int, dropout: float) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm2d(1)
        self.blocks = nn.Sequential(
            ConvBlock2d(1, width, pool=(2, 4)),
            ConvBlock2d(width, 2 * width, pool=(2, 4)),
            ConvBlock2d(2 * width, 2 * width, pool=(2, 4)),
            ConvBlock2d(2 * width, 2 * width, pool=(3, 5)),
            ConvBlock2d(2 * width, width, pool=(4, 4)),
        )
        self.head = LinearHead(width, n_tags, dropout=dropout)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, n_mels, n_frames) -> logits (B, n_tags), embedding (B, width)."""
        logits, embedding = self.head(self.blocks(self.normalise(batch[:, None])).flatten(start_dim=1))
        return logits, embedding

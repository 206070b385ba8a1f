"""CRNN: a convolutional front end summarised over time by a GRU. Choi et al. 2017, arXiv:1609.04243, in the form of
Won et al. 2020, arXiv:2006.00751.

Shapes at the default sizes: log-mel (B, 1, 96, 1813) of 29 s -> four blocks of 3 x 3 convolution, batch norm, ReLU and
max-pool: (B, 64, 48, 906), (B, 128, 16, 302), (B, 128, 4, 75), (B, 128, 1, 18) -> two layers of GRU over the 18 steps,
the last step of the upper one is the embedding (B, 32) -> dropout, linear head (B, n_tags). 394,100 parameters with
50 tags. The reference has 50 outputs whatever the number of tags; here they are as many as there are tags.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import nn

from tagsearch.data.frontend import LOG_MEL, FrontEnd
from tagsearch.models.blocks import ConvBlock2d, LinearHead
from tagsearch.models.published import Published, Size, log_mel_constants


class CRNN(nn.Module):
    """Takes chunks of 96 frames (1.52 s) and more: `chunk_seconds`. `width`: filters of the first block, half of the
    others'; `hidden`: units of each GRU layer, and the embedding's length."""

    front_end: ClassVar[FrontEnd] = LOG_MEL
    published: ClassVar[Published] = Published(
        names={"spec_bn": "normalise"}
        | {f"layer{i + 1}": f"blocks.{i}" for i in range(4)}
        | {"layer5": "recurrent", "dense": "head.linear"},
        n_tags=Size(name="dense.weight"),
        sizes={
            "width": Size(name="layer1.conv.weight"),
            "hidden": Size(name="dense.weight", axis=1),
        },
        constants=partial(log_mel_constants, LOG_MEL),
    )

    def __init__(self, *, n_tags: int, chunk_seconds: float, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.chunk_seconds = chunk_seconds
        self.normalise = nn.BatchNorm2d(1)
        self.blocks = nn.Sequential(
            ConvBlock2d(1, width, pool=(2, 2)),
            ConvBlock2d(width, 2 * width, pool=(3, 3)),
            ConvBlock2d(2 * width, 2 * width, pool=(4, 4)),
            ConvBlock2d(2 * width, 2 * width, pool=(4, 4)),
        )
        self.recurrent = nn.GRU(2 * width, hidden, num_layers=2, batch_first=True)
        self.head = LinearHead(hidden, n_tags, dropout=dropout)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, n_mels, n_frames) -> logits (B, n_tags), embedding (B, hidden)."""
        steps = self.blocks(self.normalise(batch[:, None])).squeeze(2).transpose(1, 2)
        states, _ = self.recurrent(steps)  # (B, n_steps, hidden)
        logits, embedding = self.head(states[:, -1])
        return logits, embedding

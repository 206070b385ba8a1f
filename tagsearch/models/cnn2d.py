"""2D CNN over the log-mel picture: Question 1 of GCT634 (KAIST) homework 2, completed as specified.

Shapes at the default width: log-mel (B, 1, 96, 188) -> four blocks of convolution, batch norm, ReLU and max-pool:
(B, 64, 24, 47), (B, 128, 8, 15), (B, 128, 2, 5), (B, 64, 1, 1) -> the embedding (B, 64) -> linear head (B, n_tags).
299,892 parameters with 50 tags. The only normalisation of the input is a batch norm of its single channel.
"""

from typing import ClassVar

import torch
from torch import nn

from tagsearch.data.frontend import LOG_MEL, FrontEnd


class CNN2D(nn.Module):
    """Takes chunks of 180 to 359 frames (the pools leave one value). `width`: filters of the first and last block."""

    front_end: ClassVar[FrontEnd] = LOG_MEL
    chunk_seconds: ClassVar[float] = 3.0

    def __init__(self, *, n_tags: int, width: int) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm2d(1)
        self.blocks = nn.Sequential(
            _block(1, width, pool=(4, 4)),
            _block(width, 2 * width, pool=(3, 3)),
            _block(2 * width, 2 * width, pool=(3, 3)),
            _block(2 * width, width, pool=(2, 5)),
        )
        self.head = nn.Linear(width, n_tags)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, n_mels, n_frames) -> logits (B, n_tags), embedding (B, width)."""
        embedding = self.blocks(self.normalise(batch[:, None])).flatten(start_dim=1)
        return self.head(embedding), embedding


def _block(n_in: int, n_out: int, *, pool: tuple[int, int]) -> nn.Sequential:
    """`pool`: how many mel bands and frames become one."""
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(), nn.MaxPool2d(pool))

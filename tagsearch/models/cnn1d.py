"""1D CNN over time with the mel bands as channels: the baseline of GCT634 (KAIST) homework 2.

Shapes at the default width: log-mel (B, 96, 188) -> three blocks of convolution, batch norm, ReLU and max-pool:
(B, 32, 64), (B, 32, 22), (B, 32, 8) -> mean over time (B, 32), the embedding -> linear head (B, n_tags).
17,300 parameters with 50 tags. The only normalisation of the input is a batch norm of its single channel.
"""

from typing import ClassVar

import torch
from torch import nn

from tagsearch.data.frontend import LOG_MEL, FrontEnd


class CNN1D(nn.Module):
    """Takes any number of frames >= 2. `width`: filters of each block, and the embedding's length."""

    front_end: ClassVar[FrontEnd] = LOG_MEL
    chunk_seconds: ClassVar[float] = 3.0

    def __init__(self, *, n_tags: int, width: int) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm2d(1)
        self.blocks = nn.Sequential(_block(self.front_end.n_rows, width), _block(width, width), _block(width, width))
        self.head = nn.Linear(width, n_tags)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, n_mels, n_frames) -> logits (B, n_tags), embedding (B, width)."""
        hidden = self.blocks(self.normalise(batch[:, None]).squeeze(1))
        embedding = hidden.mean(dim=-1)
        return self.head(embedding), embedding


def _block(n_in: int, n_out: int) -> nn.Sequential:
    # Padding 3 with a kernel of 3 adds four frames a block: odd, but it is what the homework's baseline does.
    return nn.Sequential(nn.Conv1d(n_in, n_out, 3, padding=3), nn.BatchNorm1d(n_out), nn.ReLU(), nn.MaxPool1d(3))

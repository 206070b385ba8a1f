"""Blocks shared by the networks of Won et al. 2020 (arXiv:2006.00751) and by their published weights.

Conventions: pictures are (B, channels, rows, frames), sequences (B, channels, frames). `pool` and `stride` are of rows
and frames; one number stands for both. Parameters are named as in the published weights (conv, bn, conv_1, ...).

A head gives (logits, embedding). The embedding is what its last linear layer hears *before* dropout: in evaluation
the two are the same, and in training a metric loss compares clips, not two random halves of their coordinates.
"""

import torch
from torch import nn

from tagsearch.errors import UsageError

Pair = int | tuple[int, int]


class ConvBlock2d(nn.Module):
    """3 x 3 convolution, batch norm, ReLU, max-pool."""

    def __init__(self, n_in: int, n_out: int, *, pool: Pair = 2) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, 3, padding=1)
        self.bn = nn.BatchNorm2d(n_out)
        self.pool = nn.MaxPool2d(pool)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """(B, n_in, rows, frames) -> (B, n_out, rows // pool, frames // pool)."""
        pooled: torch.Tensor = self.pool(self.bn(self.conv(picture)).relu())
        return pooled


class ConvBlock1d(nn.Module):
    """Convolution that keeps the length but for its stride, batch norm, ReLU, max-pool."""

    def __init__(self, n_in: int, n_out: int, *, kernel: int, stride: int = 1, pool: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_in, n_out, kernel, stride=stride, padding=kernel // 2)
        self.bn = nn.BatchNorm1d(n_out)
        self.pool = nn.MaxPool1d(pool)

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        """(B, n_in, frames) -> (B, n_out, frames // stride // pool)."""
        pooled: torch.Tensor = self.pool(self.bn(self.conv(sequence)).relu())
        return pooled


class ResBlock2d(nn.Module):
    """Two 3 x 3 convolutions, the first with the stride, and a shortcut added before the last ReLU.

    The shortcut (conv_3, bn_3) is a 3 x 3 convolution too, where He et al. 2016 (arXiv:1512.03385) have 1 x 1."""

    def __init__(self, n_in: int, n_out: int, *, stride: Pair) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1)
        self.bn_1 = nn.BatchNorm2d(n_out)
        self.conv_2 = nn.Conv2d(n_out, n_out, 3, padding=1)
        self.bn_2 = nn.BatchNorm2d(n_out)
        self.conv_3 = nn.Conv2d(n_in, n_out, 3, stride=stride, padding=1)
        self.bn_3 = nn.BatchNorm2d(n_out)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """(B, n_in, rows, frames) -> (B, n_out, ceil(rows / stride), ceil(frames / stride))."""
        hidden = self.bn_2(self.conv_2(self.bn_1(self.conv_1(picture)).relu()))
        out: torch.Tensor = (self.bn_3(self.conv_3(picture)) + hidden).relu()
        return out


class ResPoolBlock2d(nn.Module):
    """Two 3 x 3 convolutions, the input added before the last ReLU, max-pool."""

    def __init__(self, n_channels: int, *, pool: Pair = 2) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(n_channels, n_channels, 3, padding=1)
        self.bn_1 = nn.BatchNorm2d(n_channels)
        self.conv_2 = nn.Conv2d(n_channels, n_channels, 3, padding=1)
        self.bn_2 = nn.BatchNorm2d(n_channels)
        self.pool = nn.MaxPool2d(pool)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """(B, n_channels, rows, frames) -> (B, n_channels, rows // pool, frames // pool)."""
        hidden = self.bn_2(self.conv_2(self.bn_1(self.conv_1(picture)).relu()))
        pooled: torch.Tensor = self.pool((picture + hidden).relu())
        return pooled


class LinearHead(nn.Module):
    """Dropout and a linear layer."""

    def __init__(self, n_in: int, n_tags: int, *, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(n_in, n_tags)

    def forward(self, embedding: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, n_in) -> logits (B, n_tags), embedding (B, n_in)."""
        return self.linear(self.dropout(embedding)), embedding


class HiddenHead(nn.Module):
    """A hidden layer with batch norm and ReLU, whose values are the embedding, then dropout and a linear layer."""

    def __init__(self, n_in: int, n_hidden: int, n_tags: int, *, dropout: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_in, n_hidden)
        self.bn = nn.BatchNorm1d(n_hidden)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(n_hidden, n_tags)

    def forward(self, pooled: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, n_in) -> logits (B, n_tags), embedding (B, n_hidden). Raises UsageError, see `needs_two_clips`."""
        needs_two_clips(self, len(pooled))
        embedding = self.bn(self.hidden(pooled)).relu()
        return self.linear(self.dropout(embedding)), embedding


def needs_two_clips(module: nn.Module, n_clips: int) -> None:
    """For a batch norm that has one value a clip: the variance of a single value would make every output the same.

    Raises UsageError in training with one clip; in evaluation the running statistics serve."""
    if module.training and n_clips == 1:
        raise UsageError(
            "this model's batch norm needs at least 2 clips in a training batch, not 1; set batch_size to 2 or more"
        )

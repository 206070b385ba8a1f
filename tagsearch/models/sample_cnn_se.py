"""SampleCNN with residual connections and squeeze-and-excitation (ReSE-2). Kim et al. 2018, arXiv:1710.10451, in the
form of Won et al. 2020, arXiv:2006.00751.

Shapes at the default width as in `sample_cnn`: waveform (B, 1, 59049), 3^10 samples = 3.69 s -> eleven blocks, lengths
19683, 6561, ... 3, 1, 1 with 128 filters in three blocks, 256 in six and 512 in two -> a hidden layer (B, 512), the
embedding -> dropout, linear head (B, n_tags). 6,951,858 parameters with 50 tags.
"""

from itertools import pairwise
from typing import ClassVar

import torch
from torch import nn

from tagsearch.data.frontend import WAVEFORM, FrontEnd
from tagsearch.models.blocks import HiddenHead, needs_two_clips
from tagsearch.models.published import Published, Size


class SampleCNNSE(nn.Module):
    """Takes 59,047 to 118,095 samples (the pools leave one value); in training at least two clips. `width`: filters of
    the first blocks, a quarter of the last one's and of the embedding's length."""

    front_end: ClassVar[FrontEnd] = WAVEFORM
    chunk_seconds: ClassVar[float] = 59_049 / 16_000  # 3^10 samples
    published: ClassVar[Published] = Published(
        names={f"layer{i + 1}": f"blocks.{i}" for i in range(11)}
        | {"dense1": "head.hidden", "bn": "head.bn", "dense2": "head.linear"},
        n_tags=Size(name="dense2.weight"),
        sizes={"width": Size(name="layer1.conv_1.weight")},
    )

    def __init__(self, *, n_tags: int, width: int, dropout: float) -> None:
        super().__init__()
        n_filters = [width] * 3 + [2 * width] * 6 + [4 * width]
        self.blocks = nn.Sequential(
            _Block(1, width, kernel=3, stride=3, pool=1),
            *(_Block(n_in, n_out, kernel=3, stride=1, pool=3) for n_in, n_out in pairwise(n_filters)),
            _Block(4 * width, 4 * width, kernel=1, stride=1, pool=1),
        )
        self.head = HiddenHead(4 * width, 4 * width, n_tags, dropout=dropout)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 1, n_samples) -> logits (B, n_tags), embedding (B, 4 width). Raises UsageError, see `needs_two_clips`."""
        needs_two_clips(self, len(batch))  # the last block's batch norms
        logits, embedding = self.head(self.blocks(batch).squeeze(-1))
        return logits, embedding


class _Block(nn.Module):
    """Two convolutions, their channels weighted by what the whole sequence holds, a shortcut, ReLU, max-pool.

    The weights have no bottleneck: dense1 and dense2 are square. The shortcut is a convolution (conv_3, bn_3) where
    the shape changes, else the input itself."""

    def __init__(self, n_in: int, n_out: int, *, kernel: int, stride: int, pool: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(n_in, n_out, kernel, stride=stride, padding=kernel // 2)
        self.bn_1 = nn.BatchNorm1d(n_out)
        self.conv_2 = nn.Conv1d(n_out, n_out, kernel, padding=kernel // 2)
        self.bn_2 = nn.BatchNorm1d(n_out)
        self.dense1 = nn.Linear(n_out, n_out)
        self.dense2 = nn.Linear(n_out, n_out)
        self.changes_shape = stride != 1 or n_in != n_out
        if self.changes_shape:
            self.conv_3 = nn.Conv1d(n_in, n_out, kernel, stride=stride, padding=kernel // 2)
            self.bn_3 = nn.BatchNorm1d(n_out)
        self.pool = nn.MaxPool1d(pool)

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        """(B, n_in, n_samples) -> (B, n_out, n_samples // stride // pool)."""
        hidden = self.bn_2(self.conv_2(self.bn_1(self.conv_1(sequence)).relu()))
        weights = self.dense2(self.dense1(hidden.mean(dim=-1)).relu()).sigmoid()
        shortcut = self.bn_3(self.conv_3(sequence)) if self.changes_shape else sequence
        pooled: torch.Tensor = self.pool((shortcut + hidden * weights[..., None]).relu())
        return pooled

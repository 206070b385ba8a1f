"""Cross-entropy whose positives count more, the rarer their tag.

L = mean over clips and tags of -[w_c y log p + (1 - y) log(1 - p)], w_c = min(cap, ((N - n_c) / n_c)^power) for a tag
with n_c positives among N training clips. Power 1 gives the positives and the negatives of a tag the same weight in
all, 0 is plain cross-entropy; the cap keeps a tag of a few clips from drowning the others, and is the weight of a tag
without positives. Common practice (torch calls w_c `pos_weight`).
"""

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits


class WeightedBCE:
    def __init__(self, *, power: float, cap: float) -> None:
        self.power = power
        self.cap = cap

    def begin(self, *, train_counts: npt.NDArray[np.int64], n_clips: int) -> None:
        odds_against = (n_clips - train_counts) / np.maximum(train_counts, 1)
        weights = np.minimum(odds_against**self.power, self.cap)
        if self.power > 0:
            weights[train_counts == 0] = self.cap
        self.weights = torch.from_numpy(weights).float()

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def __call__(self, logits: torch.Tensor, embedding: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.weights = self.weights.to(logits.device)
        return binary_cross_entropy_with_logits(logits, labels, pos_weight=self.weights)

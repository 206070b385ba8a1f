"""Cross-entropy in which a tag counts by the inverse of its effective number of clips.

L = mean over clips and tags of w_c BCE, w_c proportional to (1 - beta) / (1 - beta^n_c), scaled so that the weights
average 1; n_c are the positives of tag c in the training split. beta 0 is plain cross-entropy, beta towards 1 weights
by 1 / n_c. A tag without positives counts like one with a single one. Source: Cui et al. 2019, arXiv:1901.05555.

The weight falls on positives and negatives of a tag alike. With one sigmoid per tag it therefore does not shift a tag's
scores, as it would between the classes of a softmax: it shifts how much each tag has to say about the shared layers.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits


class ClassBalanced:
    def __init__(self, *, beta: float) -> None:
        self.beta = beta

    def begin(self, *, train_counts: npt.NDArray[np.int64], n_clips: int) -> None:
        counts = np.maximum(train_counts, 1).astype(np.float64)
        weights = (1 - self.beta) / (1 - self.beta**counts)
        self.weights = torch.from_numpy(weights / weights.mean()).float()

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def __call__(self, logits: torch.Tensor, embedding: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.weights = self.weights.to(logits.device)
        return binary_cross_entropy_with_logits(logits, labels, weight=self.weights)

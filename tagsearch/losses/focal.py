"""Focal loss: what the network already gets right counts less.

L = mean over clips and tags of -a_t (1 - q)^gamma log q, where q is the probability given to the true answer, a_t is
alpha for positives and 1 - alpha for negatives. Source: Lin et al. 2017, arXiv:1708.02002, equation 5 (there summed
over anchors and divided by the positives; here a mean, so that its size does not depend on the batch).
gamma 0 and alpha 0.5 give half the binary cross-entropy.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import softplus


class Focal:
    def __init__(self, *, gamma: float, alpha: float) -> None:
        self.gamma = gamma
        self.alpha = alpha

    def begin(self, *, train_counts: npt.NDArray[np.int64], n_clips: int) -> None:
        """Uses neither the positives per tag nor the size of the training split."""

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def __call__(self, logits: torch.Tensor, embedding: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        positive = self._term(logits, balance=self.alpha)
        negative = self._term(-logits, balance=1 - self.alpha)
        return (labels * positive + (1 - labels) * negative).mean()

    def _term(self, right: torch.Tensor, *, balance: float) -> torch.Tensor:
        """-balance (1 - q)^gamma log q, q = sigmoid(right)."""
        # (1 - q)^gamma as exp(gamma log(1 - q)): a power's gradient is infinite at 0 where gamma < 1, this one's is not
        return balance * torch.exp(-self.gamma * softplus(right)) * softplus(-right)

"""Binary cross-entropy, the baseline: each tag is a yes-or-no question of its own.

L = mean over clips and tags of -[t log p + (1 - t) log(1 - p)], p = sigmoid(logit), t = (1 - smoothing) y + smoothing
/ 2. Source of label smoothing: Szegedy et al. 2016, arXiv:1512.00567, section 7, with the two classes of a yes-or-no
question.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits


class BCE:
    def __init__(self, *, smoothing: float) -> None:
        self.smoothing = smoothing

    def begin(self, *, train_counts: npt.NDArray[np.int64], n_clips: int) -> None:
        """Uses neither the positives per tag nor the size of the training split."""

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def __call__(self, logits: torch.Tensor, embedding: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return binary_cross_entropy_with_logits(logits, (1 - self.smoothing) * labels + self.smoothing / 2)

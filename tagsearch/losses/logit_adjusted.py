"""Cross-entropy on logits shifted by the tags' prior log-odds: a rare tag must be told from a lower starting point.

L = BCE of logit + tau log(pi_c / (1 - pi_c)), pi_c the share of training clips with tag c. The shift exists in
training only; the network puts out the plain logit, and that is what is validated and tested. tau 0 is plain
cross-entropy. A tag of no or of all training clips counts as half a clip away from it. Source: Menon et al. 2021,
arXiv:2007.07314, here for one sigmoid per tag.

What to expect: ROC AUC and PR AUC per tag do not see a constant added to a tag's scores, and the bias of a network's
last layer can take the shift back. What differs is the way there: at the start the network needs no steps to learn the
priors. The validation loss is that of the plain logits, whose probabilities are too high for rare tags by construction;
it does not compare with other losses', and a schedule that waits for it to fall (`plateau`) is told little.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits


class LogitAdjusted:
    def __init__(self, *, tau: float) -> None:
        self.tau = tau

    def begin(self, *, train_counts: npt.NDArray[np.int64], n_clips: int) -> None:
        counts = np.clip(train_counts, 0.5, n_clips - 0.5)
        self.shift = torch.from_numpy(self.tau * np.log(counts / (n_clips - counts))).float()

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def __call__(self, logits: torch.Tensor, embedding: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.shift = self.shift.to(logits.device)
        return binary_cross_entropy_with_logits(logits + self.shift, labels)

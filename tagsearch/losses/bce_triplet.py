"""Cross-entropy for the head, plus a triplet loss that arranges the embedding by how much clips' tags overlap.

L = BCE + weight * T. A triplet (anchor a, positive p, negative n) of three clips of the batch is valid if J_ap > J_an:
p shares relatively more tags with a than n does, J_ij being the Jaccard similarity of two clips' tag sets (0 if both
are empty). Its violation is v = max(0, margin (J_ap - J_an) - cos(a, p) + cos(a, n)). The margin shrinks with the
difference, because clips that are almost equally similar to the anchor should not be torn apart. T is a mean of
violations, and `mining` says over what:

`all`        every valid triplet of the batch (Hermans et al. 2017's "batch all").
`semi_hard`  the valid triplets in the right order, but by less than the margin: cos(a, n) < cos(a, p) and v > 0
             (Schroff et al. 2015). Those in the wrong order are often labelled wrong, and can collapse the embedding.
`hard`       the worst triplet of each anchor that has a valid one (Hermans et al. 2017's "batch hard").

Sources: triplet loss, Schroff et al. 2015, arXiv:1503.03832; on cosines for music tags, Lee et al. 2020,
arXiv:2008.03729; triplets of a batch, Hermans et al. 2017, arXiv:1703.07737. The label-dependent margin is the
multi-label form of their fixed one.
Memory grows with the cube of the batch size: 16 clips have 4,096 triplets, 256 have 17 million.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, relu

from tagsearch.losses.similarity import ROUNDING, cosine, jaccard, others


class BCETriplet:
    def __init__(self, *, weight: float, margin: float, mining: str) -> None:
        self.weight = weight
        self.margin = margin
        self.mean = MINING[mining]

    def begin(self, *, train_counts: npt.NDArray[np.int64], n_clips: int) -> None:
        """Uses neither the positives per tag nor the size of the training split."""

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def __call__(self, logits: torch.Tensor, embedding: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        triplet = self.mean(*triplets(embedding, labels, margin=self.margin))
        return binary_cross_entropy_with_logits(logits, labels) + self.weight * triplet


def triplets(
    embedding: torch.Tensor, labels: torch.Tensor, *, margin: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of every triplet (a, p, n), each (B, B, B): its violation, whether its order is right, whether it is valid."""
    similarity, angle = jaccard(labels), cosine(embedding)
    gap = similarity[:, :, None] - similarity[:, None, :]  # J_ap - J_an
    violation = relu(margin * gap - angle[:, :, None] + angle[:, None, :])
    in_order = angle[:, :, None] > angle[:, None, :]
    other = others(len(labels), labels.device)
    return violation, in_order, (gap > ROUNDING) & other[:, :, None] & other[:, None, :]  # a gap keeps p and n apart


def _mean_of_all(violation: torch.Tensor, in_order: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """0 where no triplet is valid."""
    return (violation * valid).sum() / valid.sum().clamp(min=1)


def _mean_of_semi_hard(violation: torch.Tensor, in_order: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    return _mean_of_all(violation, in_order, valid & in_order & (violation > 0))


def _mean_of_hardest(violation: torch.Tensor, in_order: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    worst = (violation * valid).flatten(start_dim=1).amax(dim=1)  # violations are never negative
    return worst.sum() / valid.flatten(start_dim=1).any(dim=1).sum().clamp(min=1)


MINING: dict[str, Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "all": _mean_of_all,
    "semi_hard": _mean_of_semi_hard,
    "hard": _mean_of_hardest,
}

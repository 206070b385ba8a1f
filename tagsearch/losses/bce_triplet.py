"""Cross-entropy for the head, plus a triplet loss that arranges the embedding by how much clips' tags overlap.

L = BCE + weight * T.
T = mean over valid triplets of max(0, margin (J_ap - J_an) - cos(a, p) + cos(a, n)), where J_ij = |y_i and y_j| /
|y_i or y_j| is the Jaccard similarity of two clips' tag sets (0 if both are empty). A triplet (anchor a, positive p,
negative n) of three clips of the batch is valid if J_ap > J_an: p shares relatively more tags with a than n does.
All valid triplets of the batch are used. The margin shrinks with the difference, because clips that are almost equally
similar to the anchor should not be torn apart.

Sources: triplet loss, Schroff et al. 2015, arXiv:1503.03832; on cosines for music tags, Lee et al. 2020,
arXiv:2008.03729; all triplets of a batch, Hermans et al. 2017, arXiv:1703.07737. The label-dependent margin is the
multi-label form of their fixed one.
Memory grows with the cube of the batch size: 16 clips have 4,096 triplets, 256 have 17 million.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, relu

_TINY = 1e-6  # keeps the cosine's gradient bounded at an embedding of zeros, which ReLU networks produce


class BCETriplet:
    def __init__(self, *, weight: float, margin: float) -> None:
        self.weight = weight
        self.margin = margin

    def begin(self, *, train_counts: npt.NDArray[np.int64], n_clips: int) -> None:
        """Uses neither the positives per tag nor the size of the training split."""

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def __call__(self, logits: torch.Tensor, embedding: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        triplet = jaccard_triplet(embedding, labels, margin=self.margin)
        return binary_cross_entropy_with_logits(logits, labels) + self.weight * triplet


def jaccard_triplet(embedding: torch.Tensor, labels: torch.Tensor, *, margin: float) -> torch.Tensor:
    """T of the module's formula; embedding (B, D), labels (B, n_tags) -> scalar, 0 where no triplet is valid."""
    direction = embedding * torch.rsqrt(embedding.square().sum(dim=1, keepdim=True) + _TINY)
    cosine = direction @ direction.T
    similarity = jaccard(labels)
    gap = similarity[:, :, None] - similarity[:, None, :]  # (a, p, n): J_ap - J_an
    other = ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    valid = (gap > 0) & other[:, :, None] & other[:, None, :]  # gap > 0 keeps p and n apart
    violation = relu(margin * gap - cosine[:, :, None] + cosine[:, None, :])
    return (violation * valid).sum() / valid.sum().clamp(min=1)


def jaccard(labels: torch.Tensor) -> torch.Tensor:
    """Similarity of the tag sets of every two clips, (B, B); 0 where both have no tags."""
    common = labels @ labels.T
    count = labels.sum(dim=1)
    return common / (count[:, None] + count - common).clamp(min=1)

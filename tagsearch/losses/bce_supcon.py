"""Cross-entropy for the head, plus a contrastive loss that draws clips together by how much their tags overlap.

L = BCE + weight * S.
S = mean over the anchors i of the batch that share a tag with another clip of
    -sum over p != i of (J_ip / sum_k J_ik) log( e^(s_ip / temperature) / sum over a != i of e^(s_ia / temperature) ),
where J is the Jaccard similarity of two clips' tag sets and s the cosine of their embeddings. 0 where no two clips
share a tag.

Sources: supervised contrastive loss, Khosla et al. 2020, arXiv:2004.11362, equation 2; weighting pairs by the Jaccard
similarity of their labels, Lin et al. 2023, arXiv:2212.00552 ("JSCL"). An anchor's weights sum to 1, so that with one
tag a clip it is Khosla's loss. The embedding is the one that the head reads: no projection head of its own, no second
view of a clip.

A weight of 1 would be far too much: BCE is a mean over tags, so that its gradient shrinks with their number, and that
of S grows as the temperature falls. With 50 tags and temperature 0.1, S pulls at the embedding 35 to 50 times as hard
as BCE does (benchmarks/auxiliary_weight.py), where a triplet loss does so two to four times. The default weight makes
the two about equally strong.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax

from tagsearch.losses.similarity import cosine, jaccard, others


class BCESupCon:
    def __init__(self, *, weight: float, temperature: float) -> None:
        self.weight = weight
        self.temperature = temperature

    def begin(self, *, train_counts: npt.NDArray[np.int64], n_clips: int) -> None:
        """Uses neither the positives per tag nor the size of the training split."""

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def __call__(self, logits: torch.Tensor, embedding: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        contrast = jaccard_supcon(embedding, labels, temperature=self.temperature)
        return binary_cross_entropy_with_logits(logits, labels) + self.weight * contrast


def jaccard_supcon(embedding: torch.Tensor, labels: torch.Tensor, *, temperature: float) -> torch.Tensor:
    """S of the module's formula; embedding (B, D), labels (B, n_tags) -> scalar."""
    other = others(len(labels), labels.device)
    similarity = jaccard(labels) * other
    mass = similarity.sum(dim=1, keepdim=True)
    share = torch.where(mass > 0, similarity / mass, 0.0)
    # finite instead of -inf on the diagonal: 0 * -inf would be NaN, and so would the softmax of a single clip
    closeness = (cosine(embedding) / temperature).masked_fill(~other, torch.finfo(embedding.dtype).min)
    terms = -(share * log_softmax(closeness, dim=1)).sum(dim=1)
    return terms.sum() / (mass > 0).sum().clamp(min=1)

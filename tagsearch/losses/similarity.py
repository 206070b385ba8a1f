"""How alike two clips of a batch are: by their embeddings and by their tags. What the metric-learning losses share."""

import torch

ROUNDING = 1e-5  # a difference of Jaccard similarities that is none; those of whole labels differ by more
_TINY = 1e-6  # keeps the cosine's gradient bounded at an embedding of zeros, which ReLU networks produce


def cosine(embedding: torch.Tensor) -> torch.Tensor:
    """(B, D) -> (B, B)."""
    direction = embedding * torch.rsqrt(embedding.square().sum(dim=1, keepdim=True) + _TINY)
    return direction @ direction.T


def jaccard(labels: torch.Tensor) -> torch.Tensor:
    """Similarity of the tag sets of every two clips, (B, n_tags) -> (B, B); 0 where both have no tags.

    |common| / |union|. For labels between 0 and 1, of mixed clips, it is the sum of their minima over the sum of their
    maxima (Ruzicka's index), which for 0 and 1 is the same; what rounding leaves of a sum over no common tag is 0."""
    count = labels.sum(dim=1)
    total = count[:, None] + count
    common = (total - torch.cdist(labels, labels, p=1)) / 2
    union = total - common
    return torch.where(common > ROUNDING * union, common / union, 0.0)


def others(n: int, device: torch.device) -> torch.Tensor:
    """bool (n, n): True off the diagonal."""
    return ~torch.eye(n, dtype=torch.bool, device=device)

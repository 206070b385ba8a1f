"""Mixup: each chunk is laid over another one of its batch, and so are their labels.

chunk_i <- lambda chunk_i + (1 - lambda) chunk_j, labels alike, with j a random partner and lambda ~ Beta(alpha,
alpha), one for the whole batch or one for each clip. Log-mel chunks are mixed in decibels, as the network hears them.
Source: Zhang et al. 2018, arXiv:1710.09412.

Losses take labels between 0 and 1: the cross-entropies by interpolation, the Jaccard similarity of the metric losses
by its extension to fractions (losses.similarity).
"""

import torch
from torch.distributions import Beta


class Mixup:
    def __init__(self, *, alpha: float, per: str) -> None:
        self.alpha = alpha
        self.is_per_clip = per == "clip"

    def __call__(self, chunks: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        n = len(chunks)
        # drawn on the CPU: the same on every device
        share = Beta(self.alpha, self.alpha).sample((n if self.is_per_clip else 1,)).to(chunks.device)
        partner = torch.randperm(n).to(chunks.device)
        mixed = torch.lerp(chunks[partner], chunks, share[:, None, None])
        return mixed, torch.lerp(labels[partner], labels, share[:, None])

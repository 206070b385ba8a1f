"""Asymmetric loss: easy negatives count less than easy positives, and very easy negatives not at all.

L = mean over clips and tags of
    -y (1 - p)^gamma_pos log p  -  (1 - y) p_m^gamma_neg log(1 - p_m),   p_m = max(p - clip, 0), p = sigmoid(logit).
Source: Ridnik et al. 2021, arXiv:2009.14119. gamma_pos = gamma_neg = clip = 0 is binary cross-entropy; equal gammas and
clip 0 are focal loss without its balance.

Two departures from the authors' code. They sum over clips and tags where this is the mean: a sum is n_clips x n_tags
times as large, and a learning rate would mean something else than under every other loss. They clamp probabilities at
1e-8 inside the logarithm, which takes the gradient from answers that are wrong with certainty; here the logarithms are
taken without leaving the log domain, and only the base of the negatives' power is clamped, where the term is below
1e-8.
"""

import math

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import logsigmoid, softplus

_TINY = 1e-8  # the authors' clamp


class Asymmetric:
    def __init__(self, *, gamma_neg: float, gamma_pos: float, clip: float) -> None:
        self.gamma_neg = gamma_neg
        self.gamma_pos = gamma_pos
        self.log_clip = math.log(clip) if clip > 0 else -math.inf
        self.clip = clip

    def begin(self, *, train_counts: npt.NDArray[np.int64], n_clips: int) -> None:
        """Uses neither the positives per tag nor the size of the training split."""

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def __call__(self, logits: torch.Tensor, embedding: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        positive = torch.exp(-self.gamma_pos * softplus(logits)) * softplus(-logits)
        # log(1 - p_m) = min(0, log((1 - p) + clip))
        log_right = torch.logaddexp(logsigmoid(-logits), logits.new_full((), self.log_clip)).clamp(max=0)
        shifted = (torch.sigmoid(logits) - self.clip).clamp(min=_TINY)
        negative = shifted**self.gamma_neg * -log_right
        return (labels * positive + (1 - labels) * negative).mean()

"""Optimizers by name: torch's own, with the knobs of the registry and its fused kernels (one pass over each tensor
instead of several; the same result in every run)."""

from collections.abc import Iterable

import torch

Parameters = Iterable[torch.nn.Parameter]


def sgd(parameters: Parameters, *, lr: float, momentum: float, weight_decay: float) -> torch.optim.Optimizer:
    """Nesterov momentum; without momentum there is nothing for Nesterov to look ahead with."""
    nesterov = momentum > 0
    return torch.optim.SGD(
        parameters, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov, fused=True
    )


def adam(
    parameters: Parameters, *, lr: float, beta1: float, beta2: float, weight_decay: float
) -> torch.optim.Optimizer:
    """`weight_decay` is added to the gradient, as in the paper's L2 penalty."""
    return torch.optim.Adam(parameters, lr=lr, betas=(beta1, beta2), weight_decay=weight_decay, fused=True)


def adamw(
    parameters: Parameters, *, lr: float, beta1: float, beta2: float, weight_decay: float
) -> torch.optim.Optimizer:
    """`weight_decay` shrinks the weights themselves."""
    return torch.optim.AdamW(parameters, lr=lr, betas=(beta1, beta2), weight_decay=weight_decay, fused=True)

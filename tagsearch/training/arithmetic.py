"""How a network computes in training: the number format of its forward pass and the layout of its pictures in memory.

Under "bf16" torch's autocast runs convolutions and matrix products of the forward pass (and so of the backward pass) in
bfloat16; weights, their gradients, optimizer and loss stay float32. Evaluation computes in float32 for every arm: the
eight bits of a bfloat16 logit would tie clips that a ranking metric must tell apart.
"""

from contextlib import AbstractContextManager

import torch

DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16}


def forward_pass(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Around a forward pass; the backward pass belongs outside."""
    dtype = DTYPES[precision]
    return torch.autocast(device.type, dtype=dtype, enabled=dtype is not torch.float32)


def laid_out(model: torch.nn.Module, *, channels_last: bool) -> torch.nn.Module:
    """`model` itself, the weights of its 2-D convolutions as (out, height, width, in) in memory if `channels_last`.

    Shapes stay; only the order of sums changes. The convolutions give their outputs the layout of their weights."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return model.to(memory_format=layout)  # type: ignore[call-overload,no-any-return]

"""Self-attention: a residual front end summarised over time by a transformer encoder. Won, Chun & Serra 2019,
arXiv:1906.04972, in the form of Won et al. 2020, arXiv:2006.00751.

Shapes at the default sizes: log-mel (B, 1, 128, 938) of 15 s -> three residual blocks of stride 2 and four of stride
(2, 1): (B, 128, 64, 469), (B, 128, 32, 235), then 256 filters: (B, 256, 16, 118), ... (B, 256, 1, 118) -> the 118 steps
with a classification vector (CLS) before them, (B, 119, 256) -> two encoder layers -> what they make of the CLS vector,
through a linear layer and tanh, is the embedding (B, 256) -> dropout, linear head (B, n_tags). 10,521,652 parameters
with 50 tags.

Two oddities of the reference are knobs here, its way the default, so that results compare with published ones:
`position` "none": no positional encoding, so the encoder sees a set of steps, not a sequence. "sinusoidal" adds that of
Vaswani et al. 2017 (arXiv:1706.03762) to CLS and steps.
`cls` "constant": CLS is a vector of random numbers in [0, 1) that is never trained. "learned" starts there and is.
The reference draws it by reseeding NumPy's global generator and holds 64 copies, which limits the batch; here it is the
same vector from a generator of its own, for any batch.
"""

import math
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from torch import nn
from torch.nn.functional import gelu

from tagsearch.data.frontend import LOG_MEL_128, FrontEnd
from tagsearch.models.blocks import LinearHead, ResBlock2d
from tagsearch.models.published import Published, Size, log_mel_constants

_ENCODER_NAMES = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "output",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "expand",
    "output.dense": "contract",
    "output.LayerNorm": "norm",
}


class SelfAttention(nn.Module):
    """Takes chunks of 9 frames (0.13 s) and more: `chunk_seconds`. `width`: filters of the first blocks, half of the
    others' and of the encoder's size; `dropout`: before the head; `hidden_dropout`: of what attention and feed-forward
    add to a step; `attention_dropout`: of attention weights."""

    front_end: ClassVar[FrontEnd] = LOG_MEL_128
    published: ClassVar[Published] = Published(
        names={"spec_bn": "normalise"}
        | {f"layer{i + 1}": f"blocks.{i}" for i in range(7)}
        | {
            f"encoder.layer.{i}.{theirs}": f"encoder.{i}.{ours}"
            for i in (0, 1)
            for theirs, ours in _ENCODER_NAMES.items()
        }
        | {"pooler.dense": "pooler", "dense": "head.linear"},
        n_tags=Size(name="dense.weight"),
        sizes={"width": Size(name="layer1.conv_1.weight")},
        constants=partial(log_mel_constants, LOG_MEL_128),
    )
    cls: torch.Tensor  # (encoder size,)

    def __init__(
        self,
        *,
        n_tags: int,
        chunk_seconds: float,
        width: int,
        cls: str,
        position: str,
        dropout: float,
        hidden_dropout: float,
        attention_dropout: float,
    ) -> None:
        super().__init__()
        self.chunk_seconds = chunk_seconds
        self.normalise = nn.BatchNorm2d(1)
        self.blocks = nn.Sequential(
            ResBlock2d(1, width, stride=2),
            ResBlock2d(width, width, stride=2),
            ResBlock2d(width, 2 * width, stride=2),
            *(ResBlock2d(2 * width, 2 * width, stride=(2, 1)) for _ in range(4)),
        )
        start = torch.tensor(np.random.RandomState(0).random_sample(2 * width), dtype=torch.float32)
        if cls == "learned":
            self.cls = nn.Parameter(start)
        else:
            self.register_buffer("cls", start, persistent=False)
        self.has_positions = position == "sinusoidal"
        self.encoder = nn.Sequential(
            *(_Layer(2 * width, dropout=hidden_dropout, attention_dropout=attention_dropout) for _ in range(2))
        )
        self.pooler = nn.Linear(2 * width, 2 * width)
        self.head = LinearHead(2 * width, n_tags, dropout=dropout)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, n_mels, n_frames) -> logits (B, n_tags), embedding (B, 2 width)."""
        steps = self.blocks(self.normalise(batch[:, None])).squeeze(2).transpose(1, 2)
        steps = torch.cat([self.cls.to(steps.dtype).expand(len(steps), 1, -1), steps], dim=1)
        if self.has_positions:
            steps = steps + sinusoids(steps.shape[1], steps.shape[2]).to(steps)
        logits, embedding = self.head(self.pooler(self.encoder(steps)[:, 0]).tanh())
        return logits, embedding


class _Layer(nn.Module):
    """A layer of BERT's encoder (Devlin et al. 2019, arXiv:1810.04805): attention, then two linear layers with GELU,
    each added to its input and normalised after that."""

    n_heads: ClassVar[int] = 8
    epsilon: ClassVar[float] = 1e-12

    def __init__(self, size: int, *, dropout: float, attention_dropout: float) -> None:
        super().__init__()
        self.query, self.key, self.value, self.output = (nn.Linear(size, size) for _ in range(4))
        self.attention_norm = nn.LayerNorm(size, eps=self.epsilon)
        self.expand, self.contract = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)
        self.norm = nn.LayerNorm(size, eps=self.epsilon)
        self.dropout = nn.Dropout(dropout)
        self.attention_dropout = nn.Dropout(attention_dropout)

    def forward(self, steps: torch.Tensor) -> torch.Tensor:
        """(B, n_steps, size) -> the same shape."""
        steps = self.attention_norm(steps + self.dropout(self.output(self.attend(steps))))
        out: torch.Tensor = self.norm(steps + self.dropout(self.contract(gelu(self.expand(steps)))))
        return out

    def attend(self, steps: torch.Tensor) -> torch.Tensor:
        """Written out: a hundred steps are few, and torch's fused attention is not reproducible on a GPU."""
        query, key, value = (
            layer(steps).unflatten(2, (self.n_heads, -1)).transpose(1, 2)  # (B, n_heads, n_steps, size / n_heads)
            for layer in (self.query, self.key, self.value)
        )
        weights = (query @ key.transpose(2, 3) / math.sqrt(query.shape[3])).softmax(dim=-1)
        heads: torch.Tensor = self.attention_dropout(weights) @ value
        return heads.transpose(1, 2).flatten(start_dim=2)


def sinusoids(n_steps: int, size: int) -> torch.Tensor:
    """(n_steps, size): sines in the even columns, cosines in the odd ones, of wavelengths 2 pi to 10,000 * 2 pi."""
    frequencies = torch.exp(-math.log(10_000) * torch.arange(0, size, 2) / size)
    angles = torch.arange(n_steps)[:, None] * frequencies
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(start_dim=1)

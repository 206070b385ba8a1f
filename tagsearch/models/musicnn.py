"""Musicnn: filters shaped like musical events, then a convolutional back end. Pons et al. 2018, arXiv:1711.02520, and
Pons & Serra 2019, arXiv:1909.06654, in the form of Won et al. 2020, arXiv:2006.00751.

Shapes at the default sizes, log-mel (B, 1, 96, 188) of 3 s:
timbre    2 x (B, 204, 188)   filters of 67 and 38 bands (0.7 and 0.4 of them) by 7 frames, maximum over the bands
rhythm    3 x (B, 51, 188)    mean over the bands, filters of 129, 65 and 33 frames
front     (B, 561, 188)       the five together
back end  3 x (B, 64, 188)    filters of 7 frames; the second and third add their input
pooled    (B, 1506)           maximum and mean over time of the front and the three layers of the back end
hidden    (B, 200)            the embedding, -> dropout, linear head (B, n_tags)
784,300 parameters with 50 tags; 7,972,000 with back_end 512 and hidden 500, as used for the Million Song Dataset.
"""

from functools import partial
from typing import ClassVar

import torch
from torch import nn

from tagsearch.data.frontend import LOG_MEL, FrontEnd
from tagsearch.models.blocks import ConvBlock1d, HiddenHead
from tagsearch.models.published import Published, Size, log_mel_constants


class Musicnn(nn.Module):
    """Takes chunks of any length: `chunk_seconds`; in training at least two clips. `width`: filters of each rhythm
    layer, a quarter of a timbre layer's; `back_end`: filters of the back end; `hidden`: length of the embedding."""

    front_end: ClassVar[FrontEnd] = LOG_MEL
    published: ClassVar[Published] = Published(
        names={"spec_bn": "normalise", "layers.0": "timbre.0", "layers.1": "timbre.1"}
        | {f"layers.{i + 2}": f"rhythm.{i}" for i in range(3)}
        | {f"layer{i + 1}": f"back_end.{i}" for i in range(3)}
        | {"dense1": "head.hidden", "bn": "head.bn", "dense2": "head.linear"},
        n_tags=Size(name="dense2.weight"),
        sizes={
            "width": Size(name="layers.2.conv.weight"),
            "back_end": Size(name="layer1.conv.weight"),
            "hidden": Size(name="dense1.weight"),
        },
        constants=partial(log_mel_constants, LOG_MEL),
    )

    def __init__(
        self, *, n_tags: int, chunk_seconds: float, width: int, back_end: int, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        self.chunk_seconds = chunk_seconds
        n_rows, n_front = self.front_end.n_rows, 2 * 4 * width + 3 * width
        self.normalise = nn.BatchNorm2d(1)
        self.timbre = nn.ModuleList([_Timbre(4 * width, n_rows=int(share * n_rows)) for share in (0.7, 0.4)])
        self.rhythm = nn.ModuleList([ConvBlock1d(1, width, kernel=kernel) for kernel in (129, 65, 33)])
        self.back_end = nn.ModuleList([ConvBlock1d(n_in, back_end, kernel=7) for n_in in (n_front, back_end, back_end)])
        self.head = HiddenHead(2 * (n_front + 3 * back_end), hidden, n_tags, dropout=dropout)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, n_mels, n_frames) -> logits (B, n_tags), embedding (B, hidden)."""
        picture = self.normalise(batch[:, None])
        bands = picture.mean(dim=2)
        front = torch.cat([layer(picture) for layer in self.timbre] + [layer(bands) for layer in self.rhythm], dim=1)
        first, second, third = self.back_end
        one = first(front)
        two = second(one) + one
        three = third(two) + two
        every = torch.cat([front, one, two, three], dim=1)
        logits, embedding = self.head(torch.cat([every.amax(dim=-1), every.mean(dim=-1)], dim=1))
        return logits, embedding


class _Timbre(nn.Module):
    """Filters of `n_rows` bands by 7 frames, at the bands where they fit best: a shift in pitch changes little."""

    def __init__(self, n_filters: int, *, n_rows: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, n_filters, (n_rows, 7), padding=(0, 3))
        self.bn = nn.BatchNorm2d(n_filters)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """(B, 1, n_mels, n_frames) -> (B, n_filters, n_frames)."""
        best: torch.Tensor = self.bn(self.conv(picture)).relu().amax(dim=2)
        return best

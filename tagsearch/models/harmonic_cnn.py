"""Harmonic CNN: a learnable harmonic filter bank on the waveform, then a residual network. Won et al. 2020 (ICASSP),
"Data-driven harmonic filters for audio representation learning", in the form of arXiv:2006.00751.

Shapes at the default sizes, waveform (B, 1, 80000) of 5 s:
filters   (B, 6, 128, 313)    power spectrogram -> for each of 6 harmonics 128 triangular bands, in decibels
blocks    (B, 128, 64, 156), (B, 128, 32, 78), (B, 128, 16, 39), (B, 128, 8, 19), (B, 256, 4, 9), (B, 256, 2, 3),
          (B, 256, 1, 1)      convolution or residual block, each with a max-pool
hidden    (B, 256)            the embedding, -> dropout, linear head (B, n_tags)
3,631,551 parameters with 50 tags, one of them the filters' quality Q.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import ClassVar

import torch
from torch import nn
from torch.amp.autocast_mode import is_autocast_available

from tagsearch.data.frontend import WAVEFORM, FrontEnd
from tagsearch.models.blocks import ConvBlock2d, HiddenHead, ResPoolBlock2d
from tagsearch.models.published import Published, Size, State

N_FFT = 512  # samples; the hop is half of it
N_BANDS = (
    128  # half semitones from C1 (32.7 Hz): 64 semitones, so that the sixth harmonic of the last stays below 8 kHz
)
LOWEST_NOTE = 24  # MIDI number of C1
BANDWIDTH = (0.1079, 24.7)  # Hz per Hz, Hz: equivalent rectangular bandwidths of hearing, Glasberg & Moore 1990
FLOOR = 1e-10  # power, -100 dB


def _constants() -> State:
    return {"hstft.spec.window": torch.hann_window(N_FFT)}


class HarmonicCNN(nn.Module):
    """Takes chunks of 4.592 s and more: `chunk_seconds`; in training at least two clips. `width`: filters of the first
    blocks, half of the last ones' and of the embedding's length; `n_harmonics`: channels of the picture."""

    front_end: ClassVar[FrontEnd] = WAVEFORM
    published: ClassVar[Published] = Published(
        names={"hstft.bw_Q": "filters.quality", "hstft_bn": "normalise"}
        | {f"layer{i + 1}": f"blocks.{i}" for i in range(7)}
        | {"dense1": "head.hidden", "bn": "head.bn", "dense2": "head.linear"},
        n_tags=Size(name="dense2.weight"),
        sizes={"width": Size(name="layer1.conv.weight"), "n_harmonics": Size(name="hstft_bn.weight")},
        constants=_constants,
    )

    def __init__(self, *, n_tags: int, chunk_seconds: float, width: int, n_harmonics: int, dropout: float) -> None:
        super().__init__()
        self.chunk_seconds = chunk_seconds
        self.filters = HarmonicFilters(sample_rate=self.front_end.sample_rate, n_harmonics=n_harmonics)
        self.normalise = nn.BatchNorm2d(n_harmonics)
        self.blocks = nn.Sequential(
            ConvBlock2d(n_harmonics, width),
            ResPoolBlock2d(width),
            ResPoolBlock2d(width),
            ResPoolBlock2d(width),
            ConvBlock2d(width, 2 * width),
            ResPoolBlock2d(2 * width, pool=(2, 3)),
            ResPoolBlock2d(2 * width, pool=(2, 3)),
        )
        self.head = HiddenHead(2 * width, 2 * width, n_tags, dropout=dropout)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 1, n_samples) -> logits (B, n_tags), embedding (B, 2 width). Raises UsageError, see `HiddenHead`."""
        picture = self.normalise(self.filters(batch.squeeze(1)))
        logits, embedding = self.head(self.blocks(picture).amax(dim=(2, 3)))
        return logits, embedding


class HarmonicFilters(nn.Module):
    """Band k of harmonic n is a triangle around n times the k-th fundamental f, of width (0.1079 n f + 24.7) / Q Hz.

    Q (`quality`) is learned. Several of the lowest bands are narrower than the distance between two bins of the
    spectrogram and lie between them: they hold nothing, -100 dB, in the reference too."""

    centres: torch.Tensor  # (n_harmonics * N_BANDS,) in Hz
    bins: torch.Tensor  # (N_FFT / 2 + 1,) in Hz
    window: torch.Tensor  # (N_FFT,)

    def __init__(self, *, sample_rate: int, n_harmonics: int) -> None:
        super().__init__()
        self.n_harmonics = n_harmonics
        self.quality = nn.Parameter(torch.ones(1))
        notes = LOWEST_NOTE + torch.arange(N_BANDS, dtype=torch.float64) / 2
        fundamentals = 440 * 2 ** ((notes - 69) / 12)
        centres = torch.cat([harmonic * fundamentals for harmonic in range(1, n_harmonics + 1)])
        self.register_buffer("centres", centres.float(), persistent=False)
        self.register_buffer("bins", torch.linspace(0, sample_rate / 2, N_FFT // 2 + 1), persistent=False)
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        """(B, n_samples) -> (B, n_harmonics, N_BANDS, n_frames) in decibels."""
        with _full_precision(waveform.device.type):
            spectrum = torch.stft(waveform, N_FFT, N_FFT // 2, window=self.window, return_complex=True)
            power = spectrum.real.square() + spectrum.imag.square()
            bands = torch.einsum("bft,fk->bkt", power, self.bank())
            return 10 * bands.clamp(min=FLOOR).log10().reshape(len(waveform), self.n_harmonics, N_BANDS, -1)

    def bank(self) -> torch.Tensor:
        """(N_FFT / 2 + 1, n_harmonics * N_BANDS): the weight of each bin in each band."""
        slope, least = BANDWIDTH
        half_widths = (slope * self.centres + least) / self.quality / 2
        weights: torch.Tensor = (1 - ((self.bins[:, None] - self.centres) / half_widths).abs()).clamp(min=0)
        return weights


def _full_precision(device_type: str) -> AbstractContextManager[object]:
    """Half precision would drown quiet bands."""
    if is_autocast_available(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()

"""SpecAugment: hide a few ranges of mel bands and of frames of each log-mel chunk. Labels stay.

Each mask has a uniformly random width, from nothing up to its share of the bands (frames), at a uniformly random
place; each chunk has its own masks (torchaudio's mask_along_axis_iid). The paper's time warping is left out, as it was
there of little use. Source: Park et al. 2019, arXiv:1904.08779.

Hidden places get the mean of their chunk. The paper puts zero into spectrograms of zero mean; in decibels zero would
be a loud sound, while the mean is what a network's normalisation brings close to zero. It is the chunk's own mean, not
the batch's, so that a mask makes a quiet piece neither louder nor softer and clips know nothing of each other.
"""

import torch
from torchaudio.functional import mask_along_axis_iid


class SpecAugment:
    def __init__(self, *, freq_masks: int, freq_width: float, time_masks: int, time_width: float) -> None:
        self.freq_masks = freq_masks
        self.freq_width = freq_width
        self.time_masks = time_masks
        self.time_width = time_width

    def __call__(self, chunks: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        n, n_bands, n_frames = chunks.shape
        bands, frames = chunks.new_ones(n, n_bands, 1), chunks.new_ones(n, 1, n_frames)
        for _ in range(self.freq_masks):
            bands = mask_along_axis_iid(bands, round(self.freq_width * n_bands), 0.0, axis=1)
        for _ in range(self.time_masks):
            frames = mask_along_axis_iid(frames, round(self.time_width * n_frames), 0.0, axis=2)
        return torch.where(bands * frames > 0, chunks, chunks.mean(dim=(1, 2), keepdim=True)), labels

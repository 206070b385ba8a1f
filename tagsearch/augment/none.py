"""No augmentation: the baseline."""

import torch


class NoAugmentation:
    def __call__(self, chunks: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return chunks, labels

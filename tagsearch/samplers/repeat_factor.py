"""Repeat the clips that have a rare tag; a clip without one is drawn like any other common clip.

f_c = n_c / n_train is the share of training clips with tag c, r_c = max(1, sqrt(threshold / f_c)) its repeat factor,
and r_i = max over the tags of clip i of r_c that of a clip, 1 without tags. Source: Gupta et al. 2019 (LVIS),
arXiv:1908.03195, section on "repeat factor sampling"; made for images with several labels.

There an epoch holds each image floor(r_i) times, and once more with the probability that is left, so it grows with the
repeats. Here an epoch keeps its n_train draws, the same budget as under every sampler: clip i is drawn n_train r_i /
sum(r) times, rounded up or down (samplers.even), so a clip of factor 1 is left out of some epochs. Where no tag is
rarer than the threshold an epoch holds every clip once, as under `shuffle`.
"""

import numpy as np
import numpy.typing as npt

from tagsearch.samplers.even import draw_evenly


class RepeatFactor:
    def __init__(self, *, threshold: float) -> None:
        self.threshold = threshold

    def begin(self, *, labels: npt.NDArray[np.uint8]) -> None:
        """labels: (n_train, n_tags)."""
        shares = np.maximum(labels.sum(axis=0, dtype=np.int64), 1) / len(labels)  # a tag of no clip meets none
        factors = np.maximum(np.sqrt(self.threshold / shares), 1.0)
        self.repeats: npt.NDArray[np.float64] = np.max(labels * factors, axis=1, initial=1.0)

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def draw(self, n: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
        """(n,) rows of the training split."""
        return draw_evenly(self.repeats, n, generator)

"""Every clip once an epoch, in random order: the baseline. A clip is drawn with probability 1 / n_clips."""

import numpy as np
import numpy.typing as npt


class Shuffle:
    def begin(self, *, labels: npt.NDArray[np.uint8]) -> None:
        """labels: (n_train, n_tags)."""
        self.n_clips = len(labels)

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def draw(self, n: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
        """(n,) rows of the training split; beyond n_clips draws another permutation begins."""
        rounds = [generator.permutation(self.n_clips) for _ in range(-(-n // self.n_clips))]
        return np.concatenate(rounds).astype(np.int64)[:n]

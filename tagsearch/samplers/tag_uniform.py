"""Draw a tag uniformly, then a clip that has it, both with replacement: rare tags are seen as often as common ones.

A clip is drawn with probability p(i) = mean over tags c of y_ic / n_c. Clips without tags are never drawn; tags without
a positive in the training split are passed over. Common tags still come along with the rare ones, so tag rates grow
more even, not equal. Sources: GCT634 (KAIST) homework 2, 2021 edition (its triplet sampler); Shen et al. 2016 (ECCV).
"""

import numpy as np
import numpy.typing as npt

from tagsearch.errors import CorpusError


class TagUniform:
    def begin(self, *, labels: npt.NDArray[np.uint8]) -> None:
        """labels: (n_train, n_tags). Raises CorpusError if there is no positive at all."""
        tags, self.clips = np.nonzero(labels.T)  # the positives, tag after tag
        _, self.firsts, self.counts = np.unique(tags, return_index=True, return_counts=True)
        if not len(self.counts):
            raise CorpusError("tag_uniform needs a training clip with a tag, and there is none; check the corpus")

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def draw(self, n: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
        """(n,) rows of the training split."""
        tags = generator.integers(len(self.counts), size=n)
        places = generator.integers(self.counts[tags])
        drawn: npt.NDArray[np.int64] = self.clips[self.firsts[tags] + places].astype(np.int64)
        return drawn

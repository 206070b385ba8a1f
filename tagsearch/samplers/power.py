"""One exponent from drawing clips alike (1) over the square root (1/2) to drawing tags alike (0).

Where every clip has one tag the literature's rule is: draw tag c with a probability proportional to n_c^q, then one of
its n_c clips. With q 1 every clip is as likely as any other, with q 0 every tag is (Mahajan et al. 2018,
arXiv:1805.00932; Kang et al. 2020, arXiv:1910.09217). A music clip has several tags, and the plain rule would draw it,
at q 1, in proportion to their number. So here a clip of k tags counts k^-q in each of them:

    m_c = sum over the clips i with tag c of k_i^-q,   P(c) proportional to m_c^q,   P(i given c) = k_i^-q / m_c.

At q 1 every clip with a tag is exactly as likely as any other; at q 0 tags are drawn uniformly and then their clips,
as under `tag_uniform`; with one tag a clip it is the literature's rule for every q. Clips without tags are never
drawn; tags without a positive in the training split are passed over. Draws are even (samplers.even): at q 1 and no
clip without tags an epoch holds every clip once, as under `shuffle`.
"""

import numpy as np
import numpy.typing as npt

from tagsearch.errors import CorpusError
from tagsearch.samplers.even import draw_evenly


class Power:
    def __init__(self, *, exponent: float) -> None:
        self.exponent = exponent

    def begin(self, *, labels: npt.NDArray[np.uint8]) -> None:
        """labels: (n_train, n_tags). Raises CorpusError if there is no positive at all."""
        if not labels.any():
            raise CorpusError("power needs a training clip with a tag, and there is none; check the corpus")
        n_tags = labels.sum(axis=1, keepdims=True, dtype=np.int64)
        shares = labels * np.maximum(n_tags, 1.0) ** -self.exponent
        masses = shares.sum(axis=0)
        chances = np.where(masses > 0, masses, np.inf) ** (self.exponent - 1)  # P(c) / m_c; inf^0 meets a share of 0
        self.weights: npt.NDArray[np.float64] = shares @ chances

    def on_epoch(self, epoch: int, n_epochs: int) -> None:
        """The same in every epoch."""

    def draw(self, n: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
        """(n,) rows of the training split."""
        return draw_evenly(self.weights, n, generator)

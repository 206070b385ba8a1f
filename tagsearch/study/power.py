"""What a contrast of arms can show before anything is trained, by the very rule of the verdict.

A gain is called where lower > 0 and estimate >= margin, with the interval of analysis.verdict.intervals:

    estimate ~ N(effect, s^2 sum c^2 / K + V)        h^2 = t^2(df) sum c^2 S^2 / K + t^2(C - 1) V

for K seeds an arm, weights c, s the SD of one run, C test artists, V the artists' variance of the contrast. Every arm's
S^2 is s^2 chi^2(K - 1) / (K - 1), and df is Welch's of these S^2, so that K = 2 and 3 come out as bad as they are; for
paired seeds (arms of one architecture) it is one S^2 with K - 1. Given the S^2 the chance of a gain is a normal tail,
averaged here over N_DRAWS points that fill the quantiles of the S^2 evenly (Roberts' R sequence): nothing is random.

Two simplifications: the interval's V is taken as known (chances are within 0.03 of the simulated rule's down to 20
artists), and paired seeds as uncorrelated: what pairing gains is not known before it is tried and is not counted on.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri, ndtr, ndtri, stdtrit  # scipy.stats takes ten times as long to import

Floats = npt.NDArray[np.float64]
POWER = 0.8  # the convention: a true effect is missed once in five studies
MOST_SEEDS = 1000  # beyond this, "more seeds" is no advice
N_DRAWS = 256  # the chance is within 0.01 of its limit


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Of one metric. `seed_sd`: of one run; `clip_variance`: by the artists, of the difference of two arms' means;
    `n_artists` None: unknown, so that claims are about this test set only."""

    seed_sd: float
    clip_variance: float
    n_artists: int | None


@dataclass(frozen=True, kw_only=True)
class Power:
    """Of one contrast on one metric. `alpha`: two-sided level of its lower limit; `wanted`: the power asked for."""

    weights: tuple[float, ...]
    paired: bool
    noise: Noise
    alpha: float
    wanted: float = POWER

    def chance(self, effect: float, *, n_seeds: int, margin: float = 0.0) -> float:
        """That a true effect of this size is called a gain. 0 with one seed: it says nothing about the others."""
        if n_seeds < 2:
            return 0.0
        limits = np.maximum(self._half_widths(n_seeds), margin)
        return float(ndtr((effect - limits) / self._sd(n_seeds)).mean())

    def smallest_effect(self, n_seeds: int) -> float:
        """Whose sign is established with the power wanted, whatever the margin; infinite with one seed.

        The margin to compare it with is the declared one. A true effect of just the margin is called a gain half of the
        time at best, since the estimate must reach it; but where the margin is larger than this effect, an effect of
        twice the margin is found and, by the symmetry of the interval, the absence of any is found too."""
        if n_seeds < 2:
            return math.inf
        low, high = 0.0, float(self._half_widths(n_seeds).max()) + 10 * self._sd(n_seeds)
        while high - low > 1e-6 * high:
            middle = (low + high) / 2
            low, high = (low, middle) if self.chance(middle, n_seeds=n_seeds) >= self.wanted else (middle, high)
        return high

    @property
    def floor(self) -> float:
        """The smallest effect of endless seeds."""
        return (self._artist_quantile + float(ndtri(self.wanted))) * math.sqrt(self._clip_variance)

    def seeds_for(self, effect: float) -> int | None:
        """Seeds an arm needs for `effect` to be its smallest effect; None if not even MOST_SEEDS would do."""
        if self.chance(effect, n_seeds=MOST_SEEDS) < self.wanted:
            return None
        few, many = 1, 2
        while self.chance(effect, n_seeds=many) < self.wanted:
            few, many = many, min(2 * many, MOST_SEEDS)
        while many - few > 1:
            middle = (few + many) // 2
            few, many = (few, middle) if self.chance(effect, n_seeds=middle) >= self.wanted else (middle, many)
        return many

    @property
    def _squares(self) -> Floats:
        """Of the weights that take part in the seed variance: paired seeds are one arm's, of their differences."""
        squares = np.array([weight**2 for weight in self.weights if weight])
        return squares.sum(keepdims=True) if self.paired else squares

    @property
    def _clip_variance(self) -> float:
        """Of the contrast: arms' test errors are taken as exchangeable, so it grows as the squared weights."""
        return 0.0 if self.noise.n_artists is None else float(self._squares.sum()) / 2 * self.noise.clip_variance

    @property
    def _artist_quantile(self) -> float:
        """Infinite for a single artist."""
        if self.noise.n_artists is None:
            return 0.0
        return float(stdtrit(self.noise.n_artists - 1, 1 - self.alpha / 2)) if self.noise.n_artists > 1 else math.inf

    def _sd(self, n_seeds: int) -> float:
        """Of the estimate."""
        return math.sqrt(self._squares.sum() * self.noise.seed_sd**2 / n_seeds + self._clip_variance)

    def _half_widths(self, n_seeds: int) -> Floats:
        """(N_DRAWS,)."""
        parts = self._squares * self.noise.seed_sd**2 / n_seeds
        quantiles, spread = _drawn(tuple(parts / parts.sum()), n_seeds, self.alpha)
        clips = 0.0 if self.noise.n_artists is None else self._artist_quantile**2 * self._clip_variance
        return np.asarray(np.sqrt(quantiles**2 * spread * parts.sum() + clips))


@cache
def _drawn(shares: tuple[float, ...], n_seeds: int, alpha: float) -> tuple[Floats, Floats]:
    """t quantiles and sums of drawn variances, each (N_DRAWS,), where the arms' expected ones are `shares` of 1."""
    drawn = np.array(shares) * _variances(len(shares), n_seeds - 1)
    df = drawn.sum(axis=1) ** 2 / (drawn**2 / (n_seeds - 1)).sum(axis=1)  # Welch 1947
    return stdtrit(df, 1 - alpha / 2), drawn.sum(axis=1)


@cache
def _variances(n_arms: int, df: int) -> Floats:
    """Quantiles of chi^2(df) / df, (N_DRAWS, n_arms), evenly over the unit cube (Roberts 2018, "The unreasonable
    effectiveness of quasirandom sequences"): multiples of the powers of the root of x^(d + 1) = x + 1."""
    ratio = 2.0
    for _ in range(40):
        ratio = (1 + ratio) ** (1 / (n_arms + 1))
    steps = ratio ** -np.arange(1.0, n_arms + 1)
    points = (0.5 + steps * np.arange(1.0, N_DRAWS + 1)[:, None]) % 1.0
    return np.asarray(chdtri(df, points) / df)

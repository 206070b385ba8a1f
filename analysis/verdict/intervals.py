"""The one engine of all claims: a linear contrast of arms, uncertain by seeds and by test clusters (artists).

Model: the contrast of seed k is theta_k = theta + u_k + v + w_k with u the seed, v the test sample all seeds share, w
the interaction of both. The sample variance s^2 of theta_k holds u and w; the cluster variance V of the mean effect
holds v and w / K. So w is taken out of V once: V_corr = max(0, V - (V1 - V) / (K - 1)), with V1 the mean cluster
variance of single seeds. The interval joins both parts by MOVER (Zou & Donner 2008):

    theta +- h,   h^2 = t^2(seed_df) s^2 / K + t^2(C - 1) V_corr

C is the effective number of clusters: (sum of sizes)^2 / sum of squared sizes.

`alpha` is two-sided everywhere: lower and upper limit each leave alpha / 2. Scope "population" (new songs by new
artists) uses both terms, "benchmark" (this test set, new seeds) the first only. With one seed the first is infinite.
Scope "point" takes the estimate as if it were exact: what summary numbers alone can say, a description.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri, ndtri, stdtrit  # scipy.stats takes ten times as long to import

from tagsearch.study.power import MOST_SEEDS, POWER

Floats = npt.NDArray[np.float64]
Scope = Literal["population", "benchmark", "point"]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One arm's finished confirm trials on one endpoint.

    values: (K,); influence: (K, n_clusters), derivative of each value by the weight of each cluster; effective: how
    many clusters of equal size would tell as much (Kish 1965), None where they are equal."""

    seeds: tuple[int, ...]
    values: Floats
    influence: Floats
    effective: float | None = None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A contrast and where its uncertainty comes from. Variances are of the mean effect, in squared metric units."""

    value: float
    per_seed: tuple[float, ...]  # one dot a seed; unpaired: of the first arm, against the means of the others
    n_seeds: int  # smallest number of seeds of an arm
    n_clusters: int
    paired: bool
    seed_variance: float  # s^2 / K; infinite for one seed
    seed_df: float
    clip_variance: float  # V_corr
    model_variance: float  # V, of these very checkpoints
    squared_weights: float = 2.0  # their sum over the arms: 2 for a difference
    effective_clusters: float | None = None  # see Sample

    @property
    def cluster_df(self) -> float:
        return (self.effective_clusters or self.n_clusters) - 1

    def half_width(self, alpha: float, scope: Scope = "population") -> float:
        if scope == "point":
            return 0.0
        if math.isinf(self.seed_variance):
            return math.inf
        squared = t_quantile(self.seed_df, alpha) ** 2 * self.seed_variance
        if scope == "population":
            squared += self._clip_term(alpha, self.clip_variance)
        return math.sqrt(squared)

    def interval(self, alpha: float, scope: Scope = "population") -> tuple[float, float]:
        half = self.half_width(alpha, scope)
        return self.value - half, self.value + half

    def model_interval(self, alpha: float) -> tuple[float, float]:
        """For these trained models on new artists: says nothing about the method, as it leaves the seeds out."""
        half = math.sqrt(self._clip_term(alpha, self.model_variance))
        return self.value - half, self.value + half

    def floor(self, alpha: float) -> float:
        """Smallest effect that any number of seeds could show with 80 % power on this many test clusters."""
        if self.n_clusters < 2:
            return math.inf
        return float((t_quantile(self.cluster_df, alpha) + ndtri(POWER)) * math.sqrt(self.clip_variance))

    def _clip_term(self, alpha: float, variance: float) -> float:
        if self.n_clusters < 2:
            return math.inf
        return t_quantile(self.cluster_df, alpha) ** 2 * variance

    @property
    def tipping_sd(self) -> float:
        """The seed SD of one run above which, with one seed an arm, the sign would not be established; 0 if never."""
        return math.sqrt(max(0.0, (self.value**2 / 3.84 - self.model_variance) / self.squared_weights))

    def seeds_needed(self, distance: float, *, alpha: float, scope: Scope = "population") -> int | None:
        """Seeds an arm needs so that the half width falls below `distance`, with 80 % assurance for the seed SD.

        None: no number up to MOST_SEEDS does, or one seed tells nothing about the SD."""
        if math.isinf(self.seed_variance) or distance <= 0:
            return None
        rest = distance**2 - (self._clip_term(alpha, self.clip_variance) if scope == "population" else 0.0)
        spread = self.seed_variance * self.n_seeds * self.seed_df / float(chdtri(self.seed_df, POWER))
        df_per_seed = self.seed_df / (self.n_seeds - 1)  # Welch's df grow with the seeds

        def too_few(n: int) -> bool:
            return t_quantile((n - 1) * df_per_seed, alpha) ** 2 * spread / n > rest

        found = bisect_left(range(MOST_SEEDS + 1), True, lo=2, key=lambda n: not too_few(n))
        return found if found <= MOST_SEEDS else None

    def clusters_needed(self, distance: float, *, alpha: float) -> int | None:
        """Test clusters needed where seeds alone cannot do it; None if the present ones suffice for endless seeds."""
        term = self._clip_term(alpha, self.clip_variance)
        if math.isinf(term) or distance <= 0 or term < distance**2:
            return None
        return math.ceil(self.n_clusters * term / distance**2)


def t_quantile(df: float, alpha: float) -> float:
    """Two-sided: leaves alpha / 2 above."""
    return float(stdtrit(df, 1 - alpha / 2))


def cluster_variance(influence: Floats, effective: float | None = None) -> Floats:
    """Sandwich variance from influences (..., n_clusters); infinite for one cluster. Large clusters pull the mean
    towards themselves, so that the correction is that of the `effective` number."""
    if influence.shape[-1] < 2:
        return np.full(influence.shape[:-1], np.inf)
    n = effective or influence.shape[-1]
    return np.asarray(n / (n - 1) * (influence**2).sum(axis=-1))


def contrast(samples: Sequence[Sample], weights: Sequence[float], *, paired: bool) -> Estimate:
    """Estimate sum over arms of weight x mean. `paired`: the arms share seeds by design; only shared seeds count. An
    arm of weight 0, the middle one of a line through three, adds nothing, not even the doubt of a single seed."""
    kept = [(sample, weight) for sample, weight in zip(samples, weights, strict=True) if weight != 0.0]
    samples, weights = [sample for sample, _ in kept], [weight for _, weight in kept]
    estimate = _paired(samples, weights) if paired else _unpaired(samples, weights)
    return replace(estimate, squared_weights=sum(weight**2 for weight in weights))


def _paired(samples: Sequence[Sample], weights: Sequence[float]) -> Estimate:
    shared = sorted(set.intersection(*(set(sample.seeds) for sample in samples)))
    rows = [[sample.seeds.index(seed) for seed in shared] for sample in samples]
    effect = sum(c * sample.values[row] for c, sample, row in zip(weights, samples, rows, strict=True))
    influence = sum(c * sample.influence[row] for c, sample, row in zip(weights, samples, rows, strict=True))
    one = Sample(
        seeds=tuple(shared), values=np.asarray(effect), influence=np.asarray(influence), effective=samples[0].effective
    )
    return _unpaired([one], [1.0], paired=True)


def _unpaired(samples: Sequence[Sample], weights: Sequence[float], *, paired: bool = False) -> Estimate:
    means = np.array([sample.values.mean() for sample in samples])
    value = float(np.dot(weights, means))
    mean_influence = sum(c * sample.influence.mean(axis=0) for c, sample in zip(weights, samples, strict=True))
    model_variance = float(cluster_variance(np.asarray(mean_influence), samples[0].effective))
    parts = np.array([c**2 * _seed_variance(sample) for c, sample in zip(weights, samples, strict=True)])
    twice = sum(c**2 * _interaction(sample) for c, sample in zip(weights, samples, strict=True))
    return Estimate(
        value=value,
        per_seed=tuple(float(value + weights[0] * (one - means[0])) for one in samples[0].values),
        n_seeds=min(len(sample.seeds) for sample in samples),
        n_clusters=samples[0].influence.shape[-1],
        paired=paired,
        seed_variance=float(parts.sum()),
        seed_df=_welch(parts, [len(sample.seeds) for sample in samples]),
        clip_variance=max(0.0, model_variance - twice),
        model_variance=model_variance,
        effective_clusters=samples[0].effective,
    )


def _seed_variance(sample: Sample) -> float:
    """Of the arm's mean."""
    n = len(sample.seeds)
    return float(sample.values.var(ddof=1) / n) if n > 1 else math.inf


def _interaction(sample: Sample) -> float:
    """The part of the clip variance that the seed variance holds already."""
    n = len(sample.seeds)
    if n < 2 or sample.influence.shape[-1] < 2:
        return 0.0
    single = float(cluster_variance(sample.influence, sample.effective).mean())
    return (single - float(cluster_variance(sample.influence.mean(axis=0), sample.effective))) / (n - 1)


def _welch(parts: Floats, counts: Sequence[int]) -> float:
    """Degrees of freedom of a sum of variances (Welch 1947); the smallest arm's where they are all zero."""
    df = np.array(counts) - 1.0
    if not np.isfinite(parts).all() or parts.sum() == 0.0:
        return float(df.min())
    return float(parts.sum() ** 2 / (parts**2 / df).sum())

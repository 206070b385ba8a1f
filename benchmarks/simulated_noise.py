"""Crossed noise of seeds and artists on the macro scores of every arm: the model behind the verdict's interval.

    value of arm i at seed k = mean_i + u_ik + sum over artists a of share_a (c_a + v_ia + w_ika)

with u the seed's luck, c an artist's difficulty (the same for all arms), v what an artist does to one arm, w to one
training run, all for ROC AUC and PR AUC at once. An artist's influence on a value is share_a (its effect - their
mean). The default SDs are those of the shipped studies `losses` and `architectures` on the built-in corpus (189
artists); MagnaTagATune's test split has 75 artists, whose sizes are as unequal as SIZES here.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Tails = Literal["normal", "t3", "both collapse", "new arm collapses"]
SCALE = np.array([1.0, 2.0])  # SDs of ROC AUC and PR AUC; the default margins are in the same proportion
SEED_CORRELATION, ARTIST_CORRELATION = 0.6, 0.45  # of ROC AUC and PR AUC
PAIRING = 0.3  # correlation of two arms of one architecture at equal seeds
SIZES = 0.47  # SD of the log of an artist's number of clips
COLLAPSE_RATE, COLLAPSE = 0.1, 8.0  # share of runs that fail half, and by how many seed SDs


@dataclass(frozen=True, kw_only=True)
class Noise:
    """SDs in ROC AUC: `seed` of a run, `artist` and `run_artist` of one artist in one arm and in one run.

    `spread`: the SDs of the k-th arm are multiplied by spread ** k."""

    seed: float = 0.0045
    artist: float = 0.0175
    run_artist: float = 0.0275
    difficulty: float = 0.06
    spread: float = 1.0
    sizes: float = SIZES
    tails: Tails = "normal"


MEASURED = Noise()


@dataclass(frozen=True, kw_only=True)
class Draw:
    """One simulated study. For each arm, values: (K, 2); influence: (K, n_artists, 2); on_this_set: (2,), its mean
    over endless seeds on these artists."""

    values: tuple[Floats, ...]
    influence: tuple[Floats, ...]
    on_this_set: tuple[Floats, ...]
    sizes: Floats  # (n_artists,), of the test split in any unit


def draw(noise: Noise, means: Floats, *, n_seeds: int, n_artists: int, paired: bool, rng: np.random.Generator) -> Draw:
    """`means`: (n_arms, 2), over all seeds and all artists."""
    sizes = np.exp(rng.normal(0.0, noise.sizes, n_artists))
    share = (sizes / sizes.sum())[:, None]
    common = noise.difficulty * _correlated(rng, (n_artists,), ARTIST_CORRELATION)
    luck = _seed_luck(noise, len(means), n_seeds, paired=paired, rng=rng)
    values, influence, on_this_set = [], [], []
    for i, mean in enumerate(means):
        spread = noise.spread**i
        of_arm = common + spread * noise.artist * _correlated(rng, (n_artists,), ARTIST_CORRELATION)
        of_run = spread * noise.run_artist * _correlated(rng, (n_seeds, n_artists), ARTIST_CORRELATION)
        effects = of_arm + of_run
        average = (share * effects).sum(axis=1)
        values.append(mean + SCALE * (spread * luck[i] + average))
        influence.append(SCALE * share * (effects - average[:, None]))
        on_this_set.append(mean + SCALE * (share * of_arm).sum(axis=0))
    return Draw(values=tuple(values), influence=tuple(influence), on_this_set=tuple(on_this_set), sizes=sizes)


def _seed_luck(noise: Noise, n_arms: int, n_seeds: int, *, paired: bool, rng: np.random.Generator) -> Floats:
    """(n_arms, K, 2), of mean zero."""
    own = _correlated(rng, (n_arms, n_seeds), SEED_CORRELATION)
    shared = _correlated(rng, (n_seeds,), SEED_CORRELATION)
    correlation = PAIRING if paired else 0.0
    luck = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    if noise.tails == "t3":
        luck /= np.sqrt(rng.chisquare(3, (n_arms, n_seeds, 1)))  # t(3) / sqrt(3) has the SD 1
    elif noise.tails != "normal":
        may_fail = np.arange(n_arms) >= (noise.tails == "new arm collapses")
        failed = (rng.random((n_arms, n_seeds)) < COLLAPSE_RATE) & may_fail[:, None]
        luck += COLLAPSE * (COLLAPSE_RATE * may_fail[:, None] - failed)[..., None]
    return noise.seed * luck


def _correlated(rng: np.random.Generator, shape: tuple[int, ...], correlation: float) -> Floats:
    """Standard normal pairs (*shape, 2)."""
    draws = rng.standard_normal((*shape, 2))
    draws[..., 1] = correlation * draws[..., 0] + np.sqrt(1 - correlation**2) * draws[..., 1]
    return draws

"""What a contrast can show, against simulations of the verdict's rule and scipy's noncentral t."""

import math

import numpy as np
import pytest
from scipy.stats import nct, norm, t

from tagsearch.study.power import MOST_SEEDS, Noise, Power

DIFFERENCE = (1.0, -1.0)
MTAT = Noise(seed_sd=0.004, clip_variance=0.0025**2, n_artists=75)
FEW = Noise(seed_sd=0.004, clip_variance=0.005**2, n_artists=20)
THIS_SET = Noise(seed_sd=0.004, clip_variance=0.0, n_artists=None)


def simulated(power: Power, effect: float, *, n_seeds: int, margin: float) -> float:
    """How often the rule finds a gain in 10,000 studies: every arm's seeds are drawn and their variances estimated with
    Welch's degrees of freedom; artists are drawn and their variance is estimated too."""
    generator = np.random.default_rng(5)
    n, c, noise = 10_000, np.array(power.weights), power.noise
    runs = generator.normal(0.0, noise.seed_sd, (n, len(c), n_seeds))
    if power.paired:
        per_seed = np.einsum("a,nas->ns", c, runs)
        seed_variance, df = per_seed.var(axis=1, ddof=1) / n_seeds, np.full(n, n_seeds - 1.0)
    else:
        parts = c**2 * runs.var(axis=2, ddof=1) / n_seeds
        seed_variance = parts.sum(axis=1)
        df = seed_variance**2 / (parts**2 / (n_seeds - 1)).sum(axis=1)
    estimate, squared = effect + runs.mean(axis=2) @ c, t.ppf(1 - power.alpha / 2, df) ** 2 * seed_variance
    if noise.n_artists:
        variance, df_artists = noise.clip_variance * (c @ c) / 2, noise.n_artists - 1
        estimate = estimate + generator.normal(0.0, math.sqrt(variance), n)
        found = variance * generator.chisquare(df_artists, n) / df_artists
        squared = squared + t.ppf(1 - power.alpha / 2, df_artists) ** 2 * found
    return float(np.mean((estimate > np.sqrt(squared)) & (estimate >= margin)))


@pytest.mark.parametrize("noise", [MTAT, FEW, THIS_SET], ids=["75 artists", "20 artists", "this test set"])
@pytest.mark.parametrize("n_seeds", [2, 3, 5, 10])
@pytest.mark.parametrize(
    ("weights", "paired"),
    [
        (DIFFERENCE, False),
        (DIFFERENCE, True),
        ((1.0, -1.0, -1.0, 1.0), False),  # an interaction
        ((-0.5, 0.0, 0.5), False),  # a trend
        ((1.0, -0.5, -0.5), False),
    ],
)
def test_the_chance_of_a_gain_is_that_of_the_simulated_rule(
    weights: tuple[float, ...], paired: bool, n_seeds: int, noise: Noise
) -> None:
    power = Power(weights=weights, paired=paired, noise=noise, alpha=0.025)
    smallest = power.smallest_effect(n_seeds)
    assert simulated(power, smallest, n_seeds=n_seeds, margin=0.0) == pytest.approx(0.8, abs=0.03)
    told = power.chance(0.8 * smallest, n_seeds=n_seeds, margin=0.7 * smallest)
    assert told == pytest.approx(simulated(power, 0.8 * smallest, n_seeds=n_seeds, margin=0.7 * smallest), abs=0.03)


@pytest.mark.parametrize("n_seeds", [2, 3, 5, 8, 20])
def test_on_this_test_set_paired_seeds_have_the_power_of_the_noncentral_t(n_seeds: int) -> None:
    power = Power(weights=DIFFERENCE, paired=True, noise=THIS_SET, alpha=0.05)
    effect = 0.008
    shift = effect / (0.004 * math.sqrt(2 / n_seeds))
    expected = nct.sf(t.ppf(0.975, n_seeds - 1), n_seeds - 1, shift)
    assert power.chance(effect, n_seeds=n_seeds) == pytest.approx(expected, abs=0.01)


def test_more_seeds_and_more_artists_resolve_more() -> None:
    effects = [Power(weights=DIFFERENCE, paired=False, noise=MTAT, alpha=0.05).smallest_effect(k) for k in range(2, 40)]
    assert effects == sorted(effects, reverse=True)
    by_artists = [
        Power(
            weights=DIFFERENCE,
            paired=False,
            noise=Noise(seed_sd=0.004, clip_variance=0.0025**2 * 75 / n, n_artists=n),
            alpha=0.05,
        ).smallest_effect(5)
        for n in (10, 20, 75, 200, 2000)
    ]
    assert by_artists == sorted(by_artists, reverse=True)


def test_endless_seeds_come_down_to_the_floor() -> None:
    """The floor by hand: (t(74, .975) + z(.8)) x .0025."""
    power = Power(weights=DIFFERENCE, paired=False, noise=MTAT, alpha=0.05)
    assert power.floor == pytest.approx((t.ppf(0.975, 74) + norm.ppf(0.8)) * 0.0025)
    assert power.floor < power.smallest_effect(100_000) < 1.001 * power.floor


def test_an_interactions_artist_variance_is_twice_a_differences() -> None:
    floors = [
        Power(weights=weights, paired=False, noise=MTAT, alpha=0.05).floor
        for weights in (DIFFERENCE, (1.0, -1.0, -1.0, 1.0))
    ]
    assert floors[1] == pytest.approx(math.sqrt(2) * floors[0])


def test_the_seeds_for_an_effect_are_the_first_that_resolve_it() -> None:
    power = Power(weights=DIFFERENCE, paired=False, noise=MTAT, alpha=0.05)
    for effect in (0.008, 0.009, 0.011, 0.02, 0.1):
        n_seeds = power.seeds_for(effect)
        assert n_seeds is not None
        assert power.smallest_effect(n_seeds) <= effect * 1.0001
        assert n_seeds == 2 or power.smallest_effect(n_seeds - 1) > effect


def test_below_the_floor_no_number_of_seeds_would_do() -> None:
    assert Power(weights=DIFFERENCE, paired=False, noise=MTAT, alpha=0.05).seeds_for(0.007) is None
    endless = Power(weights=DIFFERENCE, paired=False, noise=THIS_SET, alpha=0.05)
    assert endless.seeds_for(1.2 * endless.smallest_effect(MOST_SEEDS)) is not None
    assert endless.seeds_for(0.9 * endless.smallest_effect(MOST_SEEDS)) is None


def test_one_seed_shows_nothing() -> None:
    power = Power(weights=DIFFERENCE, paired=False, noise=MTAT, alpha=0.05)
    assert power.chance(1.0, n_seeds=1) == 0.0
    assert power.smallest_effect(1) == math.inf


def test_a_single_artist_shows_nothing_of_others() -> None:
    noise = Noise(seed_sd=0.004, clip_variance=0.0025**2, n_artists=1)
    power = Power(weights=DIFFERENCE, paired=False, noise=noise, alpha=0.05)
    assert power.smallest_effect(5) == math.inf
    assert power.floor == math.inf
    assert power.seeds_for(0.5) is None


def test_a_split_level_and_a_higher_power_ask_for_larger_effects() -> None:
    plain, split, surer = (
        Power(weights=DIFFERENCE, paired=False, noise=MTAT, alpha=alpha, wanted=wanted).smallest_effect(5)
        for alpha, wanted in ((0.05, 0.8), (0.0125, 0.8), (0.05, 0.9))
    )
    assert plain < min(split, surer)


def test_an_effect_of_the_margin_is_found_half_of_the_time_at_best() -> None:
    power = Power(weights=DIFFERENCE, paired=False, noise=THIS_SET, alpha=0.05)
    assert power.chance(0.05, n_seeds=10, margin=0.05) == pytest.approx(0.5, abs=0.001)

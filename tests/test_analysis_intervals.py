import math

import numpy as np
import pytest
from scipy import stats

from analysis.verdict.intervals import Sample, contrast


def sample(values, influence, seeds=None) -> Sample:
    return Sample(
        seeds=tuple(seeds or range(len(values))), values=np.array(values, float), influence=np.array(influence, float)
    )


def test_the_interval_joins_seeds_and_artists_as_worked_out_by_hand():
    # mean .2; s^2 = .02, so s^2 / K = .01; V = 2 (.2^2 + .2^2) = .16; V1 = (.04 + .36) / 2 = .2; V_corr = .16 - .04
    estimate = contrast([sample([0.1, 0.3], [[0.1, -0.1], [0.3, -0.3]])], [1.0], paired=False)
    assert estimate.seed_variance == pytest.approx(0.01)
    assert estimate.model_variance == pytest.approx(0.16)
    assert estimate.clip_variance == pytest.approx(0.12)
    # t of 1 df at 95 % is 12.7062 for both parts: h = 12.7062 sqrt(.13)
    assert estimate.interval(0.05) == pytest.approx((0.2 - 4.58129, 0.2 + 4.58129), abs=1e-4)
    assert estimate.half_width(0.05, "benchmark") == pytest.approx(1.27062, abs=1e-5)


def test_more_interaction_than_clip_variance_leaves_none_not_less():
    estimate = contrast([sample([0.1, 0.3], [[0.1, -0.1], [-0.1, 0.1]])], [1.0], paired=False)
    assert estimate.clip_variance == 0.0


def test_paired_seeds_are_matched_by_seed_not_by_place():
    one = sample([1.0, 2.0, 3.0], np.zeros((3, 4)), seeds=[1, 2, 3])
    other = sample([2.5, 1.5, 0.5], np.zeros((3, 4)), seeds=[3, 2, 1])
    estimate = contrast([one, other], [1.0, -1.0], paired=True)
    assert estimate.value == pytest.approx(0.5)
    assert estimate.seed_variance == pytest.approx(0.0)
    assert estimate.per_seed == pytest.approx((0.5, 0.5, 0.5))


def test_paired_seeds_that_only_one_arm_has_do_not_count():
    one = sample([1.0, 2.0, 9.0], np.zeros((3, 2)), seeds=[1, 2, 3])
    other = sample([0.0, 0.0], np.zeros((2, 2)), seeds=[1, 2])
    estimate = contrast([one, other], [1.0, -1.0], paired=True)
    assert (estimate.value, estimate.n_seeds) == (1.5, 2)


def test_unpaired_seeds_give_welch_s_interval():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 5), rng.normal(1, 3, 4)
    arms = [sample(a, np.zeros((5, 2))), sample(b, np.zeros((4, 2)))]
    estimate = contrast(arms, [1.0, -1.0], paired=False)
    reference = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert estimate.interval(0.05) == pytest.approx((reference.low, reference.high))
    assert estimate.per_seed == pytest.approx(a - b.mean())


def test_paired_seeds_give_the_paired_t_interval():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, 6), rng.normal(1, 1, 6)
    arms = [sample(a, np.zeros((6, 2))), sample(b, np.zeros((6, 2)))]
    reference = stats.ttest_rel(a, b).confidence_interval(0.9)
    assert contrast(arms, [1.0, -1.0], paired=True).interval(0.1) == pytest.approx((reference.low, reference.high))


def test_one_seed_leaves_the_method_open_and_the_model_not():
    estimate = contrast([sample([0.2], [[0.1, -0.1]])], [1.0], paired=False)
    assert estimate.interval(0.05) == (-math.inf, math.inf)
    assert estimate.model_interval(0.05) == pytest.approx((0.2 - 2.5412, 0.2 + 2.5412), abs=1e-4)  # 12.7062 x .2


def test_one_artist_tells_nothing_about_new_artists_but_something_about_this_test_set():
    estimate = contrast([sample([0.1, 0.3], [[0.0], [0.0]])], [1.0], paired=False)
    assert math.isinf(estimate.half_width(0.05))
    assert estimate.half_width(0.05, "benchmark") == pytest.approx(1.27062, abs=1e-5)


def test_the_tipping_sd_is_the_method_s_formula():
    # sqrt((.02^2 / 3.84 - .00001) / 2)
    arm = sample([0.52], [[math.sqrt(0.0000025), -math.sqrt(0.0000025)]])
    rival = sample([0.50], [[0.0, 0.0]])
    estimate = contrast([arm, rival], [1.0, -1.0], paired=False)
    assert estimate.model_variance == pytest.approx(0.00001)
    assert estimate.tipping_sd == pytest.approx(math.sqrt((0.0004 / 3.84 - 0.00001) / 2))


def test_the_floor_is_what_endless_seeds_could_show_with_80_percent_power():
    influence = np.tile([0.001, -0.001] * 30, (3, 1))
    estimate = contrast([sample([0.1, 0.2, 0.3], influence)], [1.0], paired=False)
    expected = (stats.t.ppf(0.975, 59) + stats.norm.ppf(0.8)) * math.sqrt(60 / 59 * 60e-6)
    assert estimate.floor(0.05) == pytest.approx(expected)


def test_the_seeds_needed_are_the_first_number_whose_interval_is_narrow_enough():
    estimate = contrast([sample([0.00, 0.01, 0.02], np.zeros((3, 50)))], [1.0], paired=False)
    needed = estimate.seeds_needed(0.01, alpha=0.05)
    bound = 0.0001 * 2 / stats.chi2.ppf(0.2, 2)

    def half(k):
        return stats.t.ppf(0.975, k - 1) * math.sqrt(bound / k)

    assert needed is not None
    assert half(needed) <= 0.01 < half(needed - 1)


def test_where_the_artists_are_too_few_no_seeds_help_and_artists_are_asked_for():
    influence = np.tile([0.01, -0.01], (3, 1))
    estimate = contrast([sample([0.10, 0.10, 0.11], influence)], [1.0], paired=False)
    assert estimate.seeds_needed(0.1, alpha=0.05) is None
    # C t^2 V_corr / D^2 = 2 x 12.7062^2 x .0004 / .01
    assert estimate.clusters_needed(0.1, alpha=0.05) == math.ceil(2 * 12.7062**2 * 0.04)


@pytest.mark.parametrize("n_seeds", [2, 3, 5])
@pytest.mark.parametrize(("seed_sd", "clip_sd", "both_sd"), [(1.0, 0.2, 0.2), (0.2, 1.0, 0.2), (0.3, 0.3, 1.0)])
def test_the_interval_covers_the_truth_whichever_variance_rules(n_seeds, seed_sd, clip_sd, both_sd):
    """Crossed Gaussian model: the value of a seed is its own effect plus the mean over artists of artist effects, some
    shared by all seeds (v), some its own (w)."""
    rng = np.random.default_rng(11)
    n_artists, n_repeats, covered = 40, 1000, 0
    for _ in range(n_repeats):
        u = rng.normal(0, seed_sd, n_seeds)
        v = rng.normal(0, clip_sd * math.sqrt(n_artists), n_artists)
        x = v + rng.normal(0, both_sd * math.sqrt(n_artists), (n_seeds, n_artists))
        influence = (x - x.mean(axis=1, keepdims=True)) / n_artists
        low, high = contrast([sample(u + x.mean(axis=1), influence)], [1.0], paired=False).interval(0.05)
        covered += low <= 0 <= high
    assert 0.935 <= covered / n_repeats <= 0.995


def test_a_sample_of_weight_zero_changes_nothing_even_with_a_single_seed():
    rng = np.random.default_rng(3)
    ends = [Sample(seeds=(1, 2, 3), values=rng.random(3), influence=rng.normal(0, 0.1, (3, 9))) for _ in range(2)]
    middle = Sample(seeds=(1,), values=np.array([0.3]), influence=np.ones((1, 9)))
    for paired in (False, True):
        alone = contrast(ends, [-1.0, 1.0], paired=paired)
        beside = contrast([ends[0], middle, ends[1]], [-1.0, 0.0, 1.0], paired=paired)
        assert beside == alone


def test_the_tipping_sd_is_that_of_one_run_however_many_arms_a_contrast_has():
    samples = [Sample(seeds=(1,), values=np.array([v]), influence=np.zeros((1, 9))) for v in (0.9, 0.5, 0.4, 0.4)]
    estimate = contrast(samples, [1.0, -1.0, -1.0, 1.0], paired=False)
    # the SD of the contrast is twice that of a run; 1.96 of these are 0.4
    assert estimate.tipping_sd == pytest.approx(0.4 / math.sqrt(3.84) / 2)


def test_clusters_of_unequal_size_count_as_fewer():
    """Kish 1965: sizes 3, 1, 1, 1 tell as much as 36 / 12 = 3 equal ones, so that t has two degrees of freedom."""
    influence = np.array([[0.3, -0.1, -0.1, -0.1], [0.3, -0.1, -0.1, -0.1]])
    equal = Sample(seeds=(1, 2), values=np.array([0.5, 0.5]), influence=influence)
    unequal = Sample(seeds=(1, 2), values=np.array([0.5, 0.5]), influence=influence, effective=3.0)
    narrow, wide = (contrast([one], [1.0], paired=True) for one in (equal, unequal))
    assert narrow.model_variance == pytest.approx(4 / 3 * 0.12)
    assert wide.model_variance == pytest.approx(3 / 2 * 0.12)
    assert wide.half_width(0.05) == pytest.approx(4.302653 * np.sqrt(0.18))

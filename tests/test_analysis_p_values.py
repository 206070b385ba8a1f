import numpy as np
import pytest
from scipy import stats

from analysis.verdict.intervals import Sample, contrast
from analysis.verdict.p_values import SMALLEST, false_discovery, p_values


def sample(values, influence=None):
    k = len(values)
    zeros = np.zeros((k, 10)) if influence is None else influence
    return Sample(seeds=tuple(range(k)), values=np.array(values), influence=zeros)


def mixed(rng):
    """Both sources of uncertainty at work."""
    shared = rng.normal(0, 0.003, 10)  # of the clips, the same for all seeds
    arms = [sample(rng.normal(m, 0.02, 5), np.tile(k * shared, (5, 1))) for k, m in enumerate((0.33, 0.30))]
    return contrast(arms, [1.0, -1.0], paired=True)


def test_without_clip_variance_it_is_the_paired_t_test_over_seeds():
    one, other = [0.31, 0.35, 0.36, 0.33, 0.37], [0.30, 0.31, 0.33, 0.34, 0.32]
    estimate = contrast([sample(one), sample(other)], [1.0, -1.0], paired=True)
    assert p_values([estimate])[0] == pytest.approx(stats.ttest_rel(one, other).pvalue, rel=1e-9)


def test_without_pairs_it_is_the_test_of_welch():
    one, other = [0.31, 0.35, 0.36, 0.33, 0.37], [0.30, 0.31, 0.33]
    estimate = contrast([sample(one), sample(other)], [1.0, -1.0], paired=False)
    assert p_values([estimate])[0] == pytest.approx(stats.ttest_ind(one, other, equal_var=False).pvalue, rel=1e-9)


def test_with_equal_seeds_it_is_the_t_test_over_clusters():
    g = np.linspace(-1, 2, 10) / 100
    estimate = contrast([sample([0.03] * 4, np.tile(g, (4, 1)))], [1.0], paired=False)
    t = 0.03 / np.sqrt(10 / 9 * (g**2).sum())
    assert p_values([estimate])[0] == pytest.approx(2 * stats.t.sf(t, 9), rel=1e-9)


def test_the_interval_at_that_alpha_ends_at_zero():
    estimate = mixed(np.random.default_rng(0))
    (p,) = p_values([estimate])
    assert estimate.interval(p)[0] == pytest.approx(0, abs=1e-12)
    assert estimate.interval(1.01 * p)[0] > 0 > estimate.interval(0.99 * p)[0]


def test_scope_benchmark_leaves_the_artists_out():
    estimate = mixed(np.random.default_rng(1))
    (p,) = p_values([estimate], "benchmark")
    assert p == pytest.approx(stats.ttest_1samp(estimate.per_seed, 0).pvalue, rel=1e-9)
    assert p < p_values([estimate])[0]


def test_all_at_once_is_the_same_as_one_by_one():
    estimates = [mixed(np.random.default_rng(k)) for k in range(20)]
    assert p_values(estimates) == pytest.approx([p_values([one])[0] for one in estimates], rel=1e-12)


def test_an_effect_of_zero_has_p_one_and_one_without_variance_the_smallest():
    same, apart = (contrast([sample([x] * 3)], [1.0], paired=False) for x in (0.0, 0.1))
    assert p_values([same, apart]) == pytest.approx([1, SMALLEST])


def test_one_seed_or_one_artist_has_no_p_value():
    one_seed = contrast([sample([0.3])], [1.0], paired=False)
    one_artist = contrast([sample([0.3, 0.4], np.ones((2, 1)))], [1.0], paired=False)
    assert np.isnan(p_values([one_seed, one_artist])).all()


def test_no_estimate_has_no_p_value():
    assert len(p_values([])) == 0


def test_adjusted_values_are_those_of_benjamini_and_hochberg():
    p = np.array([0.01, 0.02, 0.03, 0.5])
    assert false_discovery(p) == pytest.approx([0.04, 0.04, 0.04, 0.5])  # p * n / rank, made monotone from above


def test_a_tag_without_a_test_counts_as_none():
    adjusted = false_discovery(np.array([0.01, np.nan, 0.04]))
    assert adjusted == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
    assert np.isnan(false_discovery(np.array([np.nan]))).all()

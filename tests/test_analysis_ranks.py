import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from analysis.verdict import ranks
from tagsearch.errors import AnalysisError


def draw(seed: int, *, n: int = 120, n_tags: int = 4, levels: int | None = None):
    """Scores and labels; `levels` rounds the scores to that many values, so that most of them are tied."""
    rng = np.random.default_rng(seed)
    labels = (rng.random((n, n_tags)) < 0.3).astype(np.uint8)
    scores = labels + rng.normal(0, 1, labels.shape)
    if levels:
        scores = np.floor(scores * levels / 4)
    return scores.astype(np.float32), labels


def reference(scores, labels, weights=None):
    pairs = zip(scores.T, labels.T, strict=True)
    return np.array(
        [
            (roc_auc_score(y, s, sample_weight=weights), average_precision_score(y, s, sample_weight=weights))
            for s, y in pairs
        ]
    )


@pytest.mark.parametrize("levels", [None, 8, 2])
def test_both_metrics_equal_scikit_learn_with_and_without_ties(levels):
    scores, labels = draw(1, levels=levels)
    values, _ = ranks.values_and_gradients(ranks.plan(scores, labels))
    np.testing.assert_allclose(values, reference(scores, labels), atol=1e-12)


@pytest.mark.parametrize("levels", [None, 8])
def test_weighted_metrics_equal_scikit_learn_with_sample_weight(levels):
    scores, labels = draw(2, levels=levels)
    weights = np.random.default_rng(3).exponential(size=(len(scores), 2))
    found = ranks.weighted_scores(ranks.plan(scores, labels), weights)
    expected = np.stack([reference(scores, labels, weights[:, b]) for b in range(2)])
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("levels", [None, 6])
@pytest.mark.parametrize("clip", [0, 17, 60, 119])
def test_the_derivatives_are_finite_differences_of_scikit_learn(levels, clip):
    scores, labels = draw(4, levels=levels)
    _, gradients = ranks.values_and_gradients(ranks.plan(scores, labels))
    step = 1e-5
    more, less = np.ones(len(scores)), np.ones(len(scores))
    more[clip] += step
    less[clip] -= step
    difference = (reference(scores, labels, more) - reference(scores, labels, less)) / (2 * step)
    np.testing.assert_allclose(gradients[clip], difference, rtol=1e-5, atol=1e-9)


def test_the_derivatives_sum_to_zero_because_doubling_every_clip_changes_nothing():
    _, gradients = ranks.values_and_gradients(ranks.plan(*draw(5, levels=5)))
    np.testing.assert_allclose(gradients.sum(axis=0), 0, atol=1e-12)


def test_a_tag_without_positives_or_without_negatives_is_not_defined():
    labels = np.array([[0, 1, 0], [0, 1, 1]])
    assert ranks.defined_tags(labels).tolist() == [False, False, True]


def test_an_undefined_tag_cannot_be_ranked():
    with pytest.raises(AnalysisError, match="tag number 1 lacks one"):
        ranks.plan(np.zeros((3, 2)), np.array([[0, 0], [1, 0], [0, 0]]))


def test_a_score_that_is_no_number_is_refused():
    scores, labels = draw(6)
    scores[3, 1] = np.nan
    with pytest.raises(AnalysisError, match="1 of 480 are NaN"):
        ranks.plan(scores, labels)


def test_scores_of_another_shape_are_refused():
    with pytest.raises(AnalysisError, match=r"not \(3, 2\) and \(4, 2\)"):
        ranks.plan(np.zeros((3, 2)), np.zeros((4, 2)))


def test_a_bootstrap_draw_without_positives_has_no_value():
    scores, labels = np.array([[2.0], [1.0], [0.0]]), np.array([[1], [0], [0]])
    found = ranks.weighted_scores(ranks.plan(scores, labels), np.array([[0.0], [1.0], [2.0]]))
    assert np.isnan(found).all()


def test_cluster_sums_add_the_clips_of_each_artist_in_rising_order_of_the_artists():
    gradients = np.array([[1.0], [10.0], [100.0], [1000.0]])
    assert ranks.cluster_sums(gradients, [7, 2, 7, 5]).tolist() == [[10.0], [1000.0], [101.0]]


def test_the_jackknife_standard_error_agrees_with_the_cluster_bootstrap():
    rng = np.random.default_rng(7)
    n_artists, n = 60, 900
    artists = np.arange(n) % n_artists
    labels = (rng.random((n, 1)) < 0.3).astype(np.uint8)
    scores = labels + rng.normal(0, 1, (n, 1)) + rng.normal(0, 1, n_artists)[artists][:, None]
    planned = ranks.plan(scores, labels)
    sums = ranks.cluster_sums(ranks.values_and_gradients(planned)[1], artists)[:, 0]
    jackknife = np.sqrt(n_artists / (n_artists - 1) * (sums**2).sum(axis=0))
    draws = rng.multinomial(n_artists, np.full(n_artists, 1 / n_artists), size=1000)
    bootstrap = ranks.weighted_scores(planned, draws.T[artists])[:, 0].std(axis=0)
    np.testing.assert_allclose(jackknife, bootstrap, rtol=0.1)

"""The divergence of predicted and annotated tag shares, against scipy and finite differences."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from analysis.verdict import balance
from tagsearch.study.endpoints import Endpoint


def tables(seed: int, n_clips: int = 80, n_tags: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rates = rng.uniform(0.05, 0.5, (2, n_tags))
    annotated, predicted = (rng.random((n_clips, n_tags)) < rate for rate in rates)
    return annotated.astype(np.uint8), predicted


@pytest.mark.parametrize("seed", range(5))
def test_the_divergence_is_scipy_s_distance_squared(seed: int) -> None:
    annotated, predicted = tables(seed)
    expected = jensenshannon(annotated.sum(axis=0), predicted.sum(axis=0), base=2) ** 2
    assert balance.divergence(annotated, predicted)[0] == pytest.approx(expected, rel=1e-12)


def test_a_tag_that_is_never_predicted_keeps_it_finite() -> None:
    annotated, predicted = tables(0)
    predicted[:, 2] = False
    expected = jensenshannon(annotated.sum(axis=0), predicted.sum(axis=0), base=2) ** 2
    assert balance.divergence(annotated, predicted)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_derivatives_are_those_of_weighted_counts(seed: int) -> None:
    annotated, predicted = tables(seed)
    predicted[:, 1] = False
    _, gradient = balance.log_evenness(annotated, predicted)

    def weighted(weights: np.ndarray) -> float:
        return -np.log(jensenshannon(weights @ annotated, weights @ predicted, base=2) ** 2)

    step = 1e-5
    for clip in (0, 3, 41, 79):
        up, down = np.ones(80), np.ones(80)
        up[clip] += step
        down[clip] -= step
        assert gradient[clip] == pytest.approx((weighted(up) - weighted(down)) / (2 * step), rel=1e-4, abs=1e-8)


def test_twice_the_clips_are_the_same_shares() -> None:
    assert balance.log_evenness(*tables(1))[1].sum() == pytest.approx(0, abs=1e-9)


def test_nothing_predicted_is_the_worst_and_depends_on_no_clip() -> None:
    annotated, predicted = tables(0)
    value, gradient = balance.divergence(annotated, np.zeros_like(predicted))
    assert (value, gradient.any()) == (1.0, False)
    assert balance.log_evenness(annotated, np.zeros_like(predicted))[0] == 0.0


def test_no_tag_in_common_is_one_bit() -> None:
    assert balance.divergence([[1, 0], [1, 0]], [[0, 1], [0, 1]])[0] == pytest.approx(1.0)


def test_equal_shares_are_as_even_as_can_be_and_finite() -> None:
    annotated, _ = tables(2)
    evenness, gradient = balance.log_evenness(annotated, annotated.astype(bool))
    assert evenness == pytest.approx(-np.log(1e-9))
    assert np.isfinite(gradient).all()


BALANCE = Endpoint(metric="balance")


@pytest.mark.parametrize("share", [-3.0, -0.1, 0.0, 0.1, 0.5, 0.98])
def test_a_relative_reduction_and_its_logarithm_are_each_other_s_inverse(share: float) -> None:
    assert BALANCE.told(BALANCE.inner(share)) == pytest.approx(share)


def test_a_reduction_by_a_fifth_is_the_logarithm_of_the_ratio() -> None:
    assert BALANCE.inner(0.2) == pytest.approx(-np.log(0.04 / 0.05))
    assert BALANCE.told(np.log(0.05) - np.log(0.04)) == pytest.approx(0.2)


def test_limits_however_wide_are_told() -> None:
    assert BALANCE.told(np.inf) == 1.0
    assert BALANCE.told(-1e6) < -1e300
    assert BALANCE.inner(1.0) > 4


def test_rankings_are_told_as_they_are() -> None:
    roc = Endpoint(metric="roc_auc")
    assert (roc.told(-0.25), roc.inner(0.01)) == (-0.25, 0.01)


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        (BALANCE, "balance"),
        (Endpoint(metric="pr_auc"), "PR AUC"),
        (Endpoint(metric="pr_auc", tags="tail", beyond="head"), "PR AUC of tail tags beyond head tags"),
        (Endpoint(metric="roc_auc", tags=("rock", "harp"), checkpoint="epoch10"), "ROC AUC of rock, harp at epoch10"),
        (Endpoint(metric="roc_auc", tags=("a", "b", "c", "d")), "ROC AUC of 4 tags"),
    ],
)
def test_an_endpoint_is_named_as_it_is_measured(endpoint: Endpoint, name: str) -> None:
    assert endpoint.name == name

"""Ranking metrics against scikit-learn, ties and undefined tags included."""

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from tagsearch.training.metrics import macro, per_tag_metrics


@pytest.mark.parametrize("levels", [2, 5, 40, None])
def test_both_metrics_equal_scikit_learns_whatever_the_ties(levels: int | None) -> None:
    generator = np.random.default_rng(0)
    labels = (generator.random((150, 12)) < np.linspace(0.05, 0.9, 12)).astype(np.uint8)
    scores = generator.standard_normal((150, 12)).astype(np.float32) + labels
    if levels is not None:
        scores = np.round(scores * levels / 8)
    metrics = per_tag_metrics(scores, labels)
    columns = list(zip(labels.T, scores.T, strict=True))
    assert metrics.roc_auc == pytest.approx([roc_auc_score(y, s) for y, s in columns], abs=1e-12)
    assert metrics.pr_auc == pytest.approx([average_precision_score(y, s) for y, s in columns], abs=1e-12)


def test_equal_scores_for_all_clips_give_one_half_and_the_base_rate() -> None:
    metrics = per_tag_metrics(np.zeros((4, 1)), np.array([[1], [0], [0], [0]]))
    assert metrics.roc_auc.tolist() == [0.5]
    assert metrics.pr_auc.tolist() == [0.25]


def test_a_tag_without_positives_has_neither_metric_and_one_without_negatives_no_roc_auc() -> None:
    labels = np.array([[0, 1, 1], [0, 1, 0]])
    metrics = per_tag_metrics(np.array([[0.0, 0.0, 1.0], [1.0, 1.0, 0.0]]), labels)
    assert np.isnan(metrics.roc_auc).tolist() == [True, True, False]
    assert np.isnan(metrics.pr_auc).tolist() == [True, False, False]
    assert metrics.pr_auc[1] == 1


def test_macro_is_the_mean_over_defined_tags_and_counts_the_others() -> None:
    assert macro(np.array([0.5, math.nan, 0.7])) == (pytest.approx(0.6), 1)


def test_macro_of_no_defined_tag_is_not_a_number() -> None:
    mean, n_undefined = macro(np.array([math.nan, math.nan]))
    assert math.isnan(mean)
    assert n_undefined == 2

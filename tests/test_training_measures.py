"""What a trial is measured by: fit and separation."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, silhouette_samples

from tagsearch.training.measures import evenly_spaced, fit, silhouette


def clusters(separation: float) -> tuple[np.ndarray, np.ndarray]:
    """40 embeddings of 6 values, 4 tags: a clip's tags shift its embedding along their own axes."""
    generator = np.random.default_rng(0)
    labels = (generator.random((40, 4)) < 0.3).astype(np.uint8)
    embeddings = generator.standard_normal((40, 6))
    embeddings[:, :4] += separation * labels
    return embeddings.astype(np.float32), labels


@pytest.mark.parametrize("separation", [0.0, 1.0, 5.0])
def test_the_silhouette_is_scikit_learns_over_the_clips_of_each_tag(separation: float) -> None:
    embeddings, labels = clusters(separation)
    expected = np.mean([silhouette_samples(embeddings, tag, metric="cosine")[tag == 1].mean() for tag in labels.T])
    assert silhouette(embeddings, labels) == pytest.approx(expected, abs=1e-6)


def test_a_silhouette_by_hand() -> None:
    # the two sides are orthogonal and each points one way: a = 0 and b = 1 for every clip
    embeddings = np.array([[1, 0], [2, 0], [0, 1], [0, 5]], np.float32)
    assert silhouette(embeddings, np.array([[1], [1], [0], [0]], np.uint8)) == 1.0
    # divided across the directions, a clip is as far from its own side (1) as half of the other: a = 1, b = 1/2
    assert silhouette(embeddings, np.array([[1], [0], [1], [0]], np.uint8)) == pytest.approx(-0.5)


def test_tags_with_fewer_than_two_clips_on_a_side_are_left_out_of_the_silhouette() -> None:
    embeddings = np.array([[1, 0], [2, 0], [0, 1], [0, 5]], np.float32)
    two_sided, lonely, everywhere = [1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]
    assert silhouette(embeddings, np.array([two_sided, lonely, everywhere], np.uint8).T) == 1.0
    assert np.isnan(silhouette(embeddings, np.array([lonely, everywhere], np.uint8).T))


def test_embeddings_that_have_collapsed_have_a_silhouette_of_zero() -> None:
    labels = np.array([[1], [1], [0], [0]], np.uint8)
    assert silhouette(np.ones((4, 3), np.float32), labels) == 0.0
    assert silhouette(np.zeros((4, 3), np.float32), labels) == 0.0


def test_the_fit_is_scikit_learns_log_loss_and_average_precision() -> None:
    generator = np.random.default_rng(1)
    logits, labels = generator.standard_normal((30, 4)).astype(np.float32), clusters(0.0)[1][:30]
    found = fit("train", logits, labels)
    probabilities = 1 / (1 + np.exp(-logits.astype(float)))
    assert found["train_bce"] == pytest.approx(log_loss(labels.ravel(), probabilities.ravel()))
    assert found["train_pr_auc"] == pytest.approx(average_precision_score(labels, logits, average="macro"))


def test_infinite_logits_have_no_fit() -> None:
    assert fit("train", np.array([[np.inf], [0.0]], np.float32), np.array([[1], [0]], np.uint8)) == {}


@pytest.mark.parametrize(("n", "rows"), [(3, [10, 12, 14]), (5, [10, 11, 12, 13, 14]), (9, [10, 11, 12, 13, 14])])
def test_a_sample_is_spread_evenly_from_the_first_to_the_last(n: int, rows: list[int]) -> None:
    assert evenly_spaced(np.arange(10, 15), n).tolist() == rows

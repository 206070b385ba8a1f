"""Loss values against formulas written out and against scikit-learn."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score, log_loss

from tagsearch.losses.bce import BCE
from tagsearch.losses.bce_triplet import BCETriplet, jaccard, jaccard_triplet
from tagsearch.losses.focal import Focal

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [-3.0, 0.0, 1.5]])
LABELS = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
EMBEDDING = torch.eye(2)


def test_bce_is_the_log_loss_of_the_probabilities() -> None:
    probabilities = torch.sigmoid(LOGITS.double()).numpy().ravel()
    assert BCE()(LOGITS, EMBEDDING, LABELS).item() == pytest.approx(log_loss(LABELS.numpy().ravel(), probabilities))


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, 0.25), (0.5, 0.75), (5.0, 0.5)])
def test_focal_is_the_papers_formula(gamma: float, alpha: float) -> None:
    terms = []
    for z, y in zip(LOGITS.flatten().tolist(), LABELS.flatten().tolist(), strict=True):
        p = 1 / (1 + math.exp(-z))
        q, a = (p, alpha) if y else (1 - p, 1 - alpha)
        terms.append(-a * (1 - q) ** gamma * math.log(q))
    assert Focal(gamma=gamma, alpha=alpha)(LOGITS, EMBEDDING, LABELS).item() == pytest.approx(sum(terms) / 6)


def test_focal_without_focus_and_balance_is_half_the_cross_entropy() -> None:
    half = Focal(gamma=0.0, alpha=0.5)(LOGITS, EMBEDDING, LABELS)
    assert half.item() == pytest.approx(BCE()(LOGITS, EMBEDDING, LABELS).item() / 2)


def test_focal_has_a_finite_gradient_where_the_answer_is_certain_and_gamma_small() -> None:
    logits = torch.tensor([[200.0, -200.0, 200.0]], requires_grad=True)
    Focal(gamma=0.1, alpha=0.25)(logits, EMBEDDING, torch.tensor([[1.0, 0.0, 0.0]])).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 2] == pytest.approx(0.75 / 3, rel=1e-4)  # far on the wrong side it is plain cross-entropy


def test_jaccard_is_scikit_learns_and_zero_for_clips_without_tags() -> None:
    labels = (np.random.default_rng(0).random((7, 6)) < 0.4).astype(int)
    labels[3] = 0
    expected = [[jaccard_score(a, b, zero_division=0) for b in labels] for a in labels]
    assert jaccard(torch.from_numpy(labels).float()).numpy() == pytest.approx(np.array(expected), abs=1e-6)


def triplet_by_loops(embedding: np.ndarray, labels: np.ndarray, margin: float) -> float:
    n = len(labels)
    cosine = [[a @ b / np.sqrt((a @ a) * (b @ b)) for b in embedding] for a in embedding]
    similar = [[jaccard_score(a, b, zero_division=0) for b in labels] for a in labels]
    terms = [
        max(0.0, margin * (similar[a][p] - similar[a][n_]) - cosine[a][p] + cosine[a][n_])
        for a in range(n)
        for p in range(n)
        for n_ in range(n)
        if a not in (p, n_) and similar[a][p] > similar[a][n_]
    ]
    return sum(terms) / len(terms)


@pytest.mark.parametrize("margin", [0.0, 0.4, 2.0])
def test_the_triplet_term_is_the_mean_over_all_valid_triplets(margin: float) -> None:
    generator = np.random.default_rng(1)
    embedding, labels = generator.standard_normal((6, 4)), (generator.random((6, 5)) < 0.5).astype(int)
    value = jaccard_triplet(torch.from_numpy(embedding), torch.from_numpy(labels).double(), margin=margin)
    assert value.item() == pytest.approx(triplet_by_loops(embedding, labels, margin), rel=1e-4)


def test_bce_triplet_is_the_cross_entropy_plus_the_weighted_triplet_term() -> None:
    embedding, labels = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0], [0.0], [1.0]])
    # Anchor 0 is like 2 (J 1) and unlike 1 (J 0), but its embedding says the contrary: 0.4 - 0 + 1 = 1.4. Anchor 2 is
    # like 0 and unlike 1, both at cosine 0: 0.4. Anchor 1 shares nothing with either. Mean 0.9.
    value = BCETriplet(weight=2.0, margin=0.4)(torch.zeros(3, 1), embedding, labels)
    assert value.item() == pytest.approx(math.log(2) + 2 * 0.9, rel=1e-5)


def test_without_a_valid_triplet_the_triplet_term_is_zero_and_still_part_of_the_graph() -> None:
    embedding = torch.randn(4, 3, requires_grad=True)
    value = jaccard_triplet(embedding, torch.ones(4, 2), margin=0.4)
    value.backward()
    assert value.item() == 0
    assert embedding.grad is not None
    assert not embedding.grad.any()


def test_bce_triplet_trains_the_classification_head() -> None:
    head = torch.nn.Linear(2, 3)
    BCETriplet(weight=0.5, margin=0.4)(head(EMBEDDING), EMBEDDING, LABELS).backward()
    assert head.weight.grad is not None
    assert head.weight.grad.abs().sum() > 0

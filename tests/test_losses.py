"""Loss values against formulas written out one clip and tag at a time, and against each other."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from tagsearch.losses.asymmetric import Asymmetric
from tagsearch.losses.bce import BCE
from tagsearch.losses.class_balanced import ClassBalanced
from tagsearch.losses.focal import Focal
from tagsearch.losses.logit_adjusted import LogitAdjusted
from tagsearch.losses.weighted_bce import WeightedBCE

LOGITS = torch.tensor([[2.0, -1.0, 0.5, -4.0], [-3.0, 0.0, 1.5, 6.0]])
LABELS = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0]])
EMBEDDING = torch.eye(2)
COUNTS, N_CLIPS = np.array([50, 10, 1, 0]), 100  # a tag in half of the clips, a rare one, one in a clip, one in none


def begun(loss: Any) -> Any:
    loss.begin(train_counts=COUNTS, n_clips=N_CLIPS)
    loss.on_epoch(1, 1)
    return loss


def value(loss: Any, logits: torch.Tensor = LOGITS, labels: torch.Tensor = LABELS) -> float:
    return float(begun(loss)(logits, EMBEDDING, labels))


def mean_of(term: Callable[[float, float, int], float]) -> float:
    """The mean of term(logit, label, tag) over LOGITS and LABELS, in plain Python."""
    terms = [
        term(z, y, c)
        for row, answers in zip(LOGITS.tolist(), LABELS.tolist(), strict=True)
        for c, (z, y) in enumerate(zip(row, answers, strict=True))
    ]
    return sum(terms) / len(terms)


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def cross_entropy(z: float, y: float) -> float:
    return -(y * math.log(sigmoid(z)) + (1 - y) * math.log(1 - sigmoid(z)))


# --- each against its formula ----------------------------------------------------------------------------------------


def test_bce_is_the_log_loss_of_the_probabilities() -> None:
    probabilities = torch.sigmoid(LOGITS.double()).numpy().ravel()
    assert value(BCE(smoothing=0.0)) == pytest.approx(log_loss(LABELS.numpy().ravel(), probabilities))


def test_smoothing_moves_both_answers_towards_a_half() -> None:
    expected = mean_of(lambda z, y, c: cross_entropy(z, 0.95 if y else 0.05))
    assert value(BCE(smoothing=0.1)) == pytest.approx(expected)


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, 0.25), (0.5, 0.75), (5.0, 0.5)])
def test_focal_is_the_papers_formula(gamma: float, alpha: float) -> None:
    def term(z: float, y: float, c: int) -> float:
        p = sigmoid(z)
        q, a = (p, alpha) if y else (1 - p, 1 - alpha)
        return -a * (1 - q) ** gamma * math.log(q)

    assert value(Focal(gamma=gamma, alpha=alpha)) == pytest.approx(mean_of(term))


@pytest.mark.parametrize(
    ("gamma_neg", "gamma_pos", "clip"), [(4.0, 0.0, 0.05), (4.0, 1.0, 0.05), (2.0, 3.0, 0.2), (0.0, 0.0, 0.3)]
)
def test_asymmetric_is_the_papers_formula(gamma_neg: float, gamma_pos: float, clip: float) -> None:
    def term(z: float, y: float, c: int) -> float:
        p = sigmoid(z)
        shifted = max(p - clip, 0)
        return -((1 - p) ** gamma_pos) * math.log(p) if y else -(shifted**gamma_neg) * math.log(1 - shifted)

    assert value(Asymmetric(gamma_neg=gamma_neg, gamma_pos=gamma_pos, clip=clip)) == pytest.approx(mean_of(term))


@pytest.mark.parametrize(("power", "cap"), [(1.0, 1000.0), (0.5, 1000.0), (1.0, 5.0)])
def test_weighted_bce_weights_the_positives_by_the_odds_against_their_tag(power: float, cap: float) -> None:
    weights = [min(cap, ((N_CLIPS - n) / n) ** power) if n else cap for n in COUNTS.tolist()]
    expected = mean_of(lambda z, y, c: (weights[c] if y else 1) * cross_entropy(z, y))
    assert value(WeightedBCE(power=power, cap=cap)) == pytest.approx(expected)


def test_at_power_one_positives_and_negatives_of_a_tag_weigh_the_same_over_the_training_split() -> None:
    labels = torch.zeros(100, 4)
    labels[:10, 1] = 1
    logits = torch.zeros(100, 4, requires_grad=True)
    begun(WeightedBCE(power=1.0, cap=1000.0))(logits, EMBEDDING, labels).backward()
    assert logits.grad is not None
    assert logits.grad[:, 1].sum().item() == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("beta", [0.9, 0.99, 0.9999])
def test_class_balanced_weights_a_tag_by_its_inverse_effective_number(beta: float) -> None:
    # the effective number as the sum that the closed form abbreviates; a tag without positives as one with one
    raw = [1 / sum(beta**k for k in range(max(n, 1))) for n in COUNTS.tolist()]
    weights = [w * len(raw) / sum(raw) for w in raw]
    assert value(ClassBalanced(beta=beta)) == pytest.approx(mean_of(lambda z, y, c: weights[c] * cross_entropy(z, y)))


@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
def test_logit_adjusted_adds_the_log_odds_of_the_prior(tau: float) -> None:
    priors = [0.5, 0.1, 0.01, 0.005]  # a tag of no clip counts as half a clip
    expected = mean_of(lambda z, y, c: cross_entropy(z + tau * math.log(priors[c] / (1 - priors[c])), y))
    assert value(LogitAdjusted(tau=tau)) == pytest.approx(expected)


def test_under_logit_adjustment_a_network_without_opinion_scores_as_the_priors_do() -> None:
    labels = torch.zeros(100, 4)
    labels[:50, 0], labels[:10, 1], labels[:1, 2] = 1, 1, 1
    logits = torch.zeros(100, 4, requires_grad=True)
    begun(LogitAdjusted(tau=1.0))(logits, EMBEDDING, labels).backward()
    assert logits.grad is not None
    assert logits.grad.sum(dim=0)[:3].tolist() == pytest.approx([0, 0, 0], abs=1e-7)  # nothing left to learn of them


# --- identities ------------------------------------------------------------------------------------------------------

SAME_AS_BCE = [
    Asymmetric(gamma_neg=0.0, gamma_pos=0.0, clip=0.0),
    ClassBalanced(beta=0.0),
    LogitAdjusted(tau=0.0),
    WeightedBCE(power=0.0, cap=20.0),
]


@pytest.mark.parametrize("scale", [1.0, 30.0])  # at 30 some answers are wrong by a logit of 180
@pytest.mark.parametrize("loss", SAME_AS_BCE, ids=lambda loss: type(loss).__name__)
def test_a_loss_whose_knobs_are_off_is_the_cross_entropy(loss: Any, scale: float) -> None:
    ours, plain = (LOGITS.clone().mul(scale).requires_grad_() for _ in range(2))
    found, expected = begun(loss)(ours, EMBEDDING, LABELS), begun(BCE(smoothing=0.0))(plain, EMBEDDING, LABELS)
    found.backward()
    expected.backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    assert torch.allclose(ours.grad, plain.grad, rtol=1e-5, atol=1e-8)  # type: ignore[arg-type]


def test_without_smoothing_the_cross_entropy_is_torchs_bit_for_bit() -> None:
    logits = 5 * torch.randn(64, 50, generator=torch.Generator().manual_seed(0))
    labels = (logits > 4).float()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
    assert torch.equal(BCE(smoothing=0.0)(logits, EMBEDDING, labels), expected)


def test_focal_without_focus_and_balance_is_half_the_cross_entropy() -> None:
    assert value(Focal(gamma=0.0, alpha=0.5)) == pytest.approx(value(BCE(smoothing=0.0)) / 2)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_without_balance_is_half_the_asymmetric_loss_with_equal_gammas(gamma: float) -> None:
    asymmetric = Asymmetric(gamma_neg=gamma, gamma_pos=gamma, clip=0.0)
    assert value(Focal(gamma=gamma, alpha=0.5)) == pytest.approx(value(asymmetric) / 2)


# --- extremes --------------------------------------------------------------------------------------------------------


def gradient(loss: Any, logits: list[float], labels: list[float]) -> torch.Tensor:
    inputs = torch.tensor([logits], requires_grad=True)
    loss(inputs, EMBEDDING, torch.tensor([labels])).backward()
    assert inputs.grad is not None
    return inputs.grad[0]


def test_focal_has_a_finite_gradient_where_the_answer_is_certain_and_gamma_small() -> None:
    found = gradient(Focal(gamma=0.1, alpha=0.25), [200.0, -200.0, 200.0], [1.0, 0.0, 0.0])
    assert torch.isfinite(found).all()
    assert found[2] == pytest.approx(0.75 / 3, rel=1e-4)  # far on the wrong side it is plain cross-entropy


def test_asymmetric_still_pulls_at_positives_that_are_missed_with_certainty() -> None:
    loss = Asymmetric(gamma_neg=4.0, gamma_pos=0.0, clip=0.05)
    assert gradient(loss, [-1e4, -40.0], [1.0, 1.0]).tolist() == pytest.approx([-0.5, -0.5])


def test_asymmetric_ignores_negatives_below_its_clip() -> None:
    loss = Asymmetric(gamma_neg=1.0, gamma_pos=0.0, clip=0.05)
    below, above = math.log(0.049 / 0.951), math.log(0.2 / 0.8)
    found = gradient(loss, [below, above], [0.0, 0.0])
    assert found[0] == 0
    assert found[1] > 0


@pytest.mark.parametrize(
    "loss",
    [*SAME_AS_BCE, BCE(smoothing=0.1), Focal(gamma=2.0, alpha=0.25), WeightedBCE(power=0.5, cap=20.0)],
    ids=lambda loss: type(loss).__name__,
)
def test_the_loss_of_a_mixed_label_lies_on_the_line_between_its_two_answers(loss: Any) -> None:
    zeros, ones = value(loss, labels=torch.zeros(2, 4)), value(loss, labels=torch.ones(2, 4))
    assert value(loss, labels=torch.full((2, 4), 0.3)) == pytest.approx(0.7 * zeros + 0.3 * ones, rel=1e-5)

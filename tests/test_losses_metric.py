"""The losses on the embedding, against loops in NumPy and scikit-learn's Jaccard similarity."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

from tagsearch.losses.bce_supcon import BCESupCon, jaccard_supcon
from tagsearch.losses.bce_triplet import MINING, BCETriplet, triplets
from tagsearch.losses.similarity import cosine, jaccard

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [-3.0, 0.0, 1.5]])
LABELS = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]])
EMBEDDING = torch.eye(2)


def example(seed: int, *, n: int = 6, n_tags: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (n, 4) and labels (n, n_tags)."""
    generator = np.random.default_rng(seed)
    return generator.standard_normal((n, 4)), (generator.random((n, n_tags)) < 0.5).astype(int)


def cosines(embedding: np.ndarray) -> list[list[float]]:
    return [[float(a @ b / np.sqrt((a @ a) * (b @ b))) for b in embedding] for a in embedding]


def jaccards(labels: np.ndarray) -> list[list[float]]:
    return [[jaccard_score(a, b, zero_division=0) for b in labels] for a in labels]


# --- similarity ------------------------------------------------------------------------------------------------------


def test_jaccard_is_scikit_learns_and_zero_for_clips_without_tags() -> None:
    _, labels = example(0, n=7, n_tags=6)
    labels[3] = 0
    found = jaccard(torch.from_numpy(labels).float()).numpy()
    assert found == pytest.approx(np.array(jaccards(labels)), abs=1e-6)


def test_jaccard_of_mixed_labels_is_their_common_mass_over_their_united_mass() -> None:
    labels = torch.tensor([[1.0, 0.0, 0.3], [0.5, 0.2, 0.0]])
    assert jaccard(labels)[0, 1].item() == pytest.approx(0.5 / (1.0 + 0.2 + 0.3))


def mixed(n: int, n_tags: int) -> torch.Tensor:
    """Labels (n, n_tags) of few tags a clip, each mixed with its neighbour's by a share of its own."""
    generator = torch.Generator().manual_seed(0)
    labels = (torch.rand(n, n_tags, generator=generator) < 3 / n_tags).float()
    return torch.lerp(labels.roll(1, dims=0), labels, torch.rand(n, 1, generator=generator))


def test_mixed_clips_without_a_common_tag_have_no_similarity_whatever_the_rounding() -> None:
    labels = mixed(64, 188)
    apart = torch.minimum(labels[:, None], labels).sum(dim=2) == 0
    assert apart.any()
    assert (jaccard(labels)[apart] == 0).all()


def test_cosine_is_between_the_directions_of_two_embeddings() -> None:
    embedding, _ = example(2)
    assert cosine(torch.from_numpy(embedding)).numpy() == pytest.approx(np.array(cosines(embedding)), abs=1e-5)


# --- triplet ---------------------------------------------------------------------------------------------------------


def triplets_by_loops(embedding: np.ndarray, labels: np.ndarray, margin: float) -> list[tuple[int, float, float]]:
    """Anchor, violation and cos(a, p) - cos(a, n) of every valid triplet."""
    n, near, alike = len(labels), cosines(embedding), jaccards(labels)
    return [
        (a, max(0.0, margin * (alike[a][p] - alike[a][n_]) - near[a][p] + near[a][n_]), near[a][p] - near[a][n_])
        for a in range(n)
        for p in range(n)
        for n_ in range(n)
        if a not in (p, n_) and alike[a][p] > alike[a][n_]
    ]


def triplet_term(embedding: np.ndarray, labels: np.ndarray, margin: float, mining: str) -> float:
    embeddings, answers = torch.from_numpy(embedding), torch.from_numpy(labels).double()
    return MINING[mining](*triplets(embeddings, answers, margin=margin)).item()


@pytest.mark.parametrize("margin", [0.0, 0.4, 2.0])
def test_the_triplet_term_is_the_mean_over_all_valid_triplets(margin: float) -> None:
    embedding, labels = example(1)
    violations = [violation for _, violation, _ in triplets_by_loops(embedding, labels, margin)]
    assert triplet_term(embedding, labels, margin, "all") == pytest.approx(np.mean(violations), rel=1e-4)


@pytest.mark.parametrize("margin", [0.4, 2.0])
def test_semi_hard_mining_takes_the_triplets_in_the_right_order_but_within_the_margin(margin: float) -> None:
    embedding, labels = example(1)
    kept = [v for _, v, difference in triplets_by_loops(embedding, labels, margin) if difference > 0 and v > 0]
    assert triplet_term(embedding, labels, margin, "semi_hard") == pytest.approx(np.mean(kept), rel=1e-4)


@pytest.mark.parametrize("margin", [0.0, 0.4, 2.0])
def test_hard_mining_takes_the_worst_triplet_of_each_anchor(margin: float) -> None:
    embedding, labels = example(1)
    found = triplets_by_loops(embedding, labels, margin)
    worst = [max(v for a, v, _ in found if a == anchor) for anchor in {a for a, _, _ in found}]
    assert triplet_term(embedding, labels, margin, "hard") == pytest.approx(np.mean(worst), rel=1e-4)


def test_rounding_of_mixed_labels_makes_no_triplet_valid() -> None:
    labels = mixed(32, 188)
    common, union = (each(labels.double()[:, None], labels.double()) for each in (torch.minimum, torch.maximum))
    alike = common.sum(dim=2) / union.sum(dim=2).clamp(min=1e-12)
    other = ~torch.eye(32, dtype=torch.bool)
    expected = (alike[:, :, None] - alike[:, None, :] > 1e-5) & other[:, :, None] & other[:, None, :]
    _, _, valid = triplets(torch.eye(32), labels, margin=0.4)
    assert torch.equal(valid, expected)


def test_bce_triplet_is_the_cross_entropy_plus_the_weighted_triplet_term() -> None:
    embedding, labels = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0], [0.0], [1.0]])
    # Anchor 0 is like 2 (J 1) and unlike 1 (J 0), but its embedding says the contrary: 0.4 - 0 + 1 = 1.4. Anchor 2 is
    # like 0 and unlike 1, both at cosine 0: 0.4. Anchor 1 shares nothing with either. Mean 0.9.
    value = BCETriplet(weight=2.0, margin=0.4, mining="all")(torch.zeros(3, 1), embedding, labels)
    assert value.item() == pytest.approx(math.log(2) + 2 * 0.9, rel=1e-5)


@pytest.mark.parametrize("mining", MINING)
def test_without_a_valid_triplet_the_triplet_term_is_zero_and_still_part_of_the_graph(mining: str) -> None:
    embedding = torch.randn(4, 3, requires_grad=True)
    value = MINING[mining](*triplets(embedding, torch.ones(4, 2), margin=0.4))
    value.backward()
    assert value.item() == 0
    assert embedding.grad is not None
    assert not embedding.grad.any()


# --- supervised contrast ---------------------------------------------------------------------------------------------


def supcon_by_loops(embedding: np.ndarray, labels: np.ndarray, temperature: float) -> float:
    n, near, alike = len(labels), cosines(embedding), jaccards(labels)
    terms = []
    for i in range(n):
        rest = [k for k in range(n) if k != i]
        mass = sum(alike[i][k] for k in rest)
        everything = sum(math.exp(near[i][k] / temperature) for k in rest)
        if mass:
            shares = [(alike[i][k] / mass, math.exp(near[i][k] / temperature) / everything) for k in rest]
            terms.append(-sum(share * math.log(chance) for share, chance in shares))
    return sum(terms) / len(terms)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("lonely", [False, True])
def test_the_contrast_is_the_weighted_formula_over_anchors_that_share_a_tag(temperature: float, lonely: bool) -> None:
    embedding, labels = example(3)
    if lonely:
        labels[2] = 0
    found = jaccard_supcon(torch.from_numpy(embedding), torch.from_numpy(labels).double(), temperature=temperature)
    assert found.item() == pytest.approx(supcon_by_loops(embedding, labels, temperature), rel=1e-4)


def test_with_one_tag_a_clip_the_contrast_is_khoslas() -> None:
    embedding, _ = example(4, n=4)
    near, groups, terms = cosines(embedding), [0, 0, 0, 1], []
    for i in range(3):
        same = [p for p in range(4) if p != i and groups[p] == groups[i]]
        everything = sum(math.exp(near[i][a] / 0.5) for a in range(4) if a != i)
        terms.append(-sum(math.log(math.exp(near[i][p] / 0.5) / everything) for p in same) / len(same))
    labels = torch.nn.functional.one_hot(torch.tensor(groups)).double()
    found = jaccard_supcon(torch.from_numpy(embedding), labels, temperature=0.5)
    assert found.item() == pytest.approx(sum(terms) / 3, rel=1e-4)


def test_clips_that_share_no_tags_have_no_contrast() -> None:
    embedding = torch.randn(3, 4, requires_grad=True)
    value = jaccard_supcon(embedding, torch.eye(3), temperature=0.1)
    value.backward()
    assert value.item() == 0
    assert embedding.grad is not None
    assert not embedding.grad.any()


def test_mixed_clips_that_share_no_tags_have_no_contrast_whatever_the_rounding() -> None:
    labels = torch.block_diag(*mixed(8, 188).split(1))  # a block of tags for each clip
    assert jaccard_supcon(torch.randn(8, 4, generator=torch.Generator().manual_seed(0)), labels, temperature=0.1) == 0


def test_bce_supcon_is_the_cross_entropy_plus_the_weighted_contrast() -> None:
    embedding, labels = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0], [1.0], [0.0]])
    # anchors 0 and 1 have each other at cosine 1 and clip 2 at cosine 0: -log(e / (e + 1)) at temperature 1
    value = BCESupCon(weight=2.0, temperature=1.0)(torch.zeros(3, 1), embedding, labels)
    assert value.item() == pytest.approx(math.log(2) + 2 * math.log(1 + math.exp(-1)), rel=1e-5)


@pytest.mark.parametrize(
    "loss", [BCETriplet(weight=0.5, margin=0.4, mining="all"), BCESupCon(weight=0.5, temperature=0.1)]
)
def test_a_loss_on_the_embedding_trains_the_classification_head_too(loss: BCETriplet | BCESupCon) -> None:
    head = torch.nn.Linear(2, 3)
    loss(head(EMBEDDING), EMBEDDING, LABELS).backward()
    assert head.weight.grad is not None
    assert head.weight.grad.abs().sum() > 0

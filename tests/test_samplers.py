"""How often a sampler draws which clip."""

from typing import Any

import numpy as np
import pytest

from tagsearch.errors import CorpusError
from tagsearch.samplers.even import draw_evenly
from tagsearch.samplers.power import Power
from tagsearch.samplers.repeat_factor import RepeatFactor
from tagsearch.samplers.shuffle import Shuffle
from tagsearch.samplers.tag_uniform import TagUniform

LABELS = np.array(
    [[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]], dtype=np.uint8
)  # tag 0 has four clips, tag 1 one, tag 2 none; clip 3 has no tag


def test_shuffle_draws_every_clip_once_an_epoch() -> None:
    sampler = Shuffle()
    sampler.begin(labels=LABELS)
    drawn = sampler.draw(10, np.random.default_rng(0))
    assert sorted(drawn[:5].tolist()) == sorted(drawn[5:].tolist()) == [0, 1, 2, 3, 4]


def test_tag_uniform_draws_a_tag_then_one_of_its_clips() -> None:
    sampler = TagUniform()
    sampler.begin(labels=LABELS)
    n = 100_000
    rates = np.bincount(sampler.draw(n, np.random.default_rng(0)), minlength=5) / n
    # half the draws ask for tag 0 (1/8 for each of its clips), half for tag 1 (all clip 2)
    expected = np.array([1 / 8, 1 / 8, 1 / 8 + 1 / 2, 0, 1 / 8])
    assert rates == pytest.approx(expected, abs=4 * np.sqrt(0.25 / n))
    assert rates[3] == 0


def test_tag_uniform_refuses_a_corpus_without_tags() -> None:
    with pytest.raises(CorpusError, match="needs a training clip with a tag"):
        TagUniform().begin(labels=np.zeros((3, 2), dtype=np.uint8))


# --- even draws ------------------------------------------------------------------------------------------------------


def drawn_counts(sampler: Any, labels: np.ndarray, *, n: int, seed: int = 0) -> np.ndarray:
    sampler.begin(labels=labels)
    return np.bincount(sampler.draw(n, np.random.default_rng(seed)), minlength=len(labels))


def test_even_draws_take_each_row_as_often_as_its_weight_says_up_to_rounding() -> None:
    weights = np.array([0.0, 0.3, 1.0, 2.5, 0.2])  # 4 in all
    for seed in range(50):
        counts = np.bincount(draw_evenly(weights, 10, np.random.default_rng(seed)), minlength=5)
        assert counts.sum() == 10
        assert (np.floor(weights * 2.5) <= counts).all()
        assert (counts <= np.ceil(weights * 2.5)).all()


def test_even_draws_take_each_row_on_average_exactly_as_its_weight_says() -> None:
    weights = np.array([0.0, 0.3, 1.0, 2.5, 0.2])
    n = 4_000
    mean = np.mean(
        [np.bincount(draw_evenly(weights, 3, np.random.default_rng(s)), minlength=5) for s in range(n)], axis=0
    )
    assert mean == pytest.approx(weights * 3 / 4, abs=4 * 0.5 / np.sqrt(n))


def test_even_draws_come_in_random_order() -> None:
    orders = {tuple(draw_evenly(np.ones(4), 4, np.random.default_rng(seed))) for seed in range(200)}
    assert len(orders) == 24


# --- power -----------------------------------------------------------------------------------------------------------


def test_at_exponent_one_power_draws_every_clip_with_a_tag_alike() -> None:
    assert drawn_counts(Power(exponent=1.0), LABELS, n=8).tolist() == [2, 2, 2, 0, 2]


def test_at_exponent_zero_power_draws_as_tag_uniform_does() -> None:
    # per draw 1/8 for each clip of tag 0 and another 1/2 for the only clip of tag 1
    assert drawn_counts(Power(exponent=0.0), LABELS, n=8).tolist() == [1, 1, 5, 0, 1]


def test_with_one_tag_a_clip_power_draws_tags_in_proportion_to_the_power_of_their_size() -> None:
    labels = np.eye(2, dtype=np.uint8)[[0] * 16 + [1]]  # square roots 4 and 1
    counts = drawn_counts(Power(exponent=0.5), labels, n=80)
    assert counts.tolist() == [4] * 16 + [16]


def test_between_the_ends_a_clip_counts_a_power_of_its_number_of_tags() -> None:
    sampler = Power(exponent=0.5)
    sampler.begin(labels=LABELS)
    two = 1 / np.sqrt(2)  # what clip 2 counts in each of its two tags
    first, second = 1 / np.sqrt(3 + two), 1 / np.sqrt(two)  # m_c^(q - 1)
    expected = np.array([first, first, two * (first + second), 0, first])
    assert sampler.weights == pytest.approx(expected)


def test_power_refuses_a_corpus_without_tags() -> None:
    with pytest.raises(CorpusError, match="needs a training clip with a tag"):
        Power(exponent=0.5).begin(labels=np.zeros((3, 2), dtype=np.uint8))


# --- repeat factor ---------------------------------------------------------------------------------------------------


def test_a_clip_repeats_by_the_rarest_of_its_tags() -> None:
    sampler = RepeatFactor(threshold=0.8)
    sampler.begin(labels=LABELS)
    # tag 0 is in 4/5 of the clips: factor 1; tag 1 in 1/5: factor 2
    assert sampler.repeats.tolist() == pytest.approx([1, 1, 2, 1, 1])


def test_repeats_share_the_draws_of_an_epoch() -> None:
    assert drawn_counts(RepeatFactor(threshold=0.8), LABELS, n=6).tolist() == [1, 1, 2, 1, 1]


def test_without_a_tag_below_the_threshold_every_clip_is_drawn_once() -> None:
    assert drawn_counts(RepeatFactor(threshold=0.2), LABELS, n=5).tolist() == [1, 1, 1, 1, 1]

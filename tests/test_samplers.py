"""How often a sampler draws which clip."""

import numpy as np
import pytest

from tagsearch.errors import CorpusError
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

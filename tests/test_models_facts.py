"""What is said of a model before it is chosen."""

import pytest
import torch

from tagsearch.errors import UnknownNameError
from tagsearch.models.facts import describe, measure
from tagsearch.registry import MODELS


@pytest.mark.parametrize("name", MODELS)
def test_the_summary_of_a_model_states_its_parameters(name: str) -> None:
    assert f"({describe(name).n_parameters:,} parameters)" in MODELS[name].summary


def test_a_models_facts_are_those_of_its_settings() -> None:
    facts = describe("cnn1d", n_tags=10, knobs={"width": 4})
    assert facts.n_parameters == 2 + 291 * 4 + 2 * (3 * 4 + 3) * 4 + 10 * (4 + 1)
    # by hand: three blocks of filters of three frames over 192, 68 and 26 of them, then the head
    assert facts.macs == 3 * 96 * 4 * 192 + 3 * 4 * 4 * 68 + 3 * 4 * 4 * 26 + 4 * 10
    assert facts.knobs == {"width": 4}
    assert facts.chunk_seconds == 3.0


def test_an_unknown_model_is_named() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'crnn'"):
        describe("crn")


def test_a_measured_speed_leaves_the_random_generator_alone() -> None:
    before = torch.get_rng_state()
    assert measure("cnn1d", device=torch.device("cpu"), seconds=0.0, knobs={"width": 1}) > 0
    assert torch.equal(torch.get_rng_state(), before)

import pytest

from tagsearch.registry import MODELS
from tagsearch.study.cost import forward_mega_macs


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_at_its_default_knobs_costs_what_the_registry_says(name):
    knobs = {f"model.{knob}": entry.default for knob, entry in MODELS[name].knobs.items()}
    assert forward_mega_macs({"model": name, **knobs}) == MODELS[name].mega_macs


def test_twice_the_width_is_four_times_the_arithmetic():
    model = MODELS["cnn1d"]
    width = model.knobs[model.macs_knob].default
    config = {"model": "cnn1d", f"model.{model.macs_knob}": 2 * width}
    assert forward_mega_macs(config) == pytest.approx(4 * model.mega_macs)


def test_a_configuration_that_is_not_chosen_yet_has_no_cost():
    assert forward_mega_macs({}) is None

"""Whether a checkpoint on the way of a longer run is the shorter run."""

from pathlib import Path
from typing import Any

import pytest

from tagsearch.training.loop import run_trial
from tagsearch.training.settings import TrialSettings
from tests.fake_trial_setup import make_settings, make_spec, without_times


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> TrialSettings:
    return make_settings(tmp_path_factory.mktemp("corpus"), n_train=9)


def histories(schedule: str, settings: TrialSettings, folder: Path) -> list[list[dict[str, Any]]]:
    """Of the first two epochs: of a trial of two, and of one of four."""
    specs = [make_spec(phase="tune", optimizer="adam", schedule=schedule, epochs=epochs) for epochs in (2, 4)]
    rows = [run_trial(spec, settings, folder / str(spec.config["epochs"])) for spec in specs]
    return [[without_times(row) for row in trial][:2] for trial in rows]


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_a_run_goes_as_a_shorter_one_began_where_the_learning_rate_ignores_the_budget(
    schedule: str, settings: TrialSettings, tmp_path: Path
) -> None:
    short, long = histories(schedule, settings, tmp_path)
    assert short == long


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "adam_then_sgd"])
def test_a_run_differs_from_a_shorter_one_where_the_learning_rate_follows_the_budget(
    schedule: str, settings: TrialSettings, tmp_path: Path
) -> None:
    short, long = histories(schedule, settings, tmp_path)
    assert short != long

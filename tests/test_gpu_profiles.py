"""The full-size studies, built and moved by one real step on the CPU."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tagsearch.data.frontend import FrontEnd
from tagsearch.records import Config, TrialSpec
from tagsearch.registry import model_entry
from tagsearch.study.parse import read_study
from tagsearch.study.schema import Study
from tagsearch.study.settings import changed
from tagsearch.study.shipped import shipped_studies
from tagsearch.training.loop import run_trial
from tagsearch.training.settings import TrialSettings
from tests.fake_trial_setup import make_settings


@pytest.fixture(scope="module")
def settings_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Config], TrialSettings]:
    """For a configuration's model; clips shorter than its chunks are repeated."""

    @cache
    def made(front_end: FrontEnd) -> TrialSettings:
        return make_settings(tmp_path_factory.mktemp("data"), n_train=4, front_end=front_end, repeat_short=True)

    return lambda config: made(model_entry(str(config["model"])).load().front_end)


def configurations(study: Study) -> dict[str, Config]:
    """Every arm's configuration; for a pure search also one for each choice of its tunables."""
    found = {arm.name: arm.config for arm in study.arms}
    for tunable in study.tune.tunables if study.tune and study.design == "search" else ():
        for choice in tunable.choices:
            fixed = {name: values[0] for name, values in tunable.when.items()}
            base = changed(study.base, fixed)
            found[f"{tunable.name}={choice}"] = changed(base, {tunable.name: choice})
    return found


CASES = [
    pytest.param(config, id=f"{name}-{arm}")
    for name, path in shipped_studies().items()
    for arm, config in configurations(read_study(path, profile="gpu")).items()
]


@pytest.mark.parametrize("config", CASES)
def test_every_arm_of_a_gpu_profile_takes_a_step(
    config: Config, settings_of: Callable[[Config], TrialSettings], tmp_path: Path
) -> None:
    spec = TrialSpec(phase="tune", arm="arm", index=0, seed=1, config={**config, "epochs": 1})
    (row,) = run_trial(spec, settings_of(config), tmp_path)
    assert row["clips_drawn"] == 4
    assert 0 < row["train/loss"] < 10

"""What Ray would unpickle at the end of a phase, from files in the run folder."""

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.train._internal.storage import StorageContext
from ray.tune import ResultGrid
from ray.tune.analysis import ExperimentAnalysis
from ray.tune.experiment import Trial

from tagsearch.errors import InterruptedRunError
from tagsearch.search.phase import Placement, run_phase
from tests.fake_trial import tiny_study
from tests.trapped import pickled, tune_state

PLACEMENT = Placement(n_slots=1, gpus_per_trial=0.0, max_retries=0, time_budget_s=None)


def failed(run: Path, *, error: bytes) -> Trial:
    """A trial that Ray counts as failed, whose error in the storage is `error`."""
    storage = StorageContext(str(run), "confirm", trial_dir_name="bce-0-s1")
    trial = Trial("TrialActor", stub=True, storage=storage)
    trial.set_status(Trial.ERROR)
    trial.run_metadata.pickled_error_filename = "error.pkl"
    (run / "confirm" / "bce-0-s1").mkdir()
    (run / "confirm" / "bce-0-s1" / "error.pkl").write_bytes(error)
    return trial


def end(run: Path, trials: Sequence[Trial], callbacks: Sequence[tune.Callback] = ()) -> ResultGrid:
    """As Ray ends a phase: tune.run and Tuner.fit of its source."""
    for callback in callbacks:
        callback.on_experiment_end(trials=trials)
    return ResultGrid(ExperimentAnalysis(str(run / "confirm"), trials=list(trials)))


def run_to_the_end(run: Path, trials: Sequence[Trial], monkeypatch: pytest.MonkeyPatch) -> None:
    class Tuner:
        def __init__(self, *_: object, run_config: tune.RunConfig, **__: object) -> None:
            self.callbacks = run_config.callbacks[-1:]  # ours; the others need an experiment that began

        def fit(self) -> Any:
            return end(run, trials, self.callbacks)

    monkeypatch.setattr(tune, "Tuner", Tuner)
    with pytest.raises(InterruptedRunError, match="1 trials of the confirm phase are unfinished"):
        run_phase(
            "confirm", study=tiny_study(), folder=run, planned=[lambda: pytest.fail("asked")], trial_config={},
            placement=PLACEMENT, observers=[],
        )  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """With a snapshot that is newer than any that Ray will write."""
    (tmp_path / "run" / "confirm").mkdir(parents=True)
    newest = tmp_path / "run" / "confirm" / "experiment_state-2999-01-01_00-00-00.json"
    newest.write_text(tune_state(tmp_path / "sprung"))
    return tmp_path / "run"


def test_ray_by_itself_unpickles_the_error_of_a_failed_trial(run: Path, tmp_path: Path) -> None:
    end(run, [failed(run, error=pickled(tmp_path / "sprung"))])
    assert (tmp_path / "sprung").exists()


def test_ray_by_itself_unpickles_its_newest_state_where_there_is_no_trial(run: Path, tmp_path: Path) -> None:
    with pytest.raises(TypeError):  # what the trap leaves is no state
        end(run, [])
    assert (tmp_path / "sprung").exists()


def test_the_error_of_a_failed_trial_is_not_unpickled(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_to_the_end(run, [failed(run, error=pickled(tmp_path / "sprung"))], monkeypatch)
    assert not (tmp_path / "sprung").exists()


def test_a_phase_that_is_stopped_before_its_first_trial_does_not_unpickle_an_earlier_state(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_to_the_end(run, [], monkeypatch)
    assert not (tmp_path / "sprung").exists()


def test_an_error_of_ray_before_the_first_trial_is_not_swallowed(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Tuner:
        def __init__(self, *_: object, run_config: tune.RunConfig, **__: object) -> None:
            self.callback = run_config.callbacks[-1]

        def fit(self) -> None:
            try:
                raise RuntimeError("no room")
            except RuntimeError:
                self.callback.on_experiment_end(trials=[])
                raise

    monkeypatch.setattr(tune, "Tuner", Tuner)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(RuntimeError, match="no room"):
        run_phase(
            "confirm", study=tiny_study(), folder=run, planned=[lambda: pytest.fail("asked")], trial_config={},
            placement=PLACEMENT, observers=[],
        )  # fmt: skip
    assert signal.getsignal(signal.SIGTERM) is before

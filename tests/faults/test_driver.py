"""Kills, signals and budgets: what the driver of a run survives."""

import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from tagsearch.records import State, read_trials
from tests.faults.conftest import Note
from tests.faults.driver import ONE_AT_A_TIME, behave, by_key, finish, finished, kill, loss, outcome, start, wait_for


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "undisturbed"
    code, output = finish(run, **ONE_AT_A_TIME)
    assert code == 0, output
    return run


@pytest.mark.slow
@pytest.mark.parametrize("n_begun", [1, 4, 9])
def test_a_run_killed_while_tuning_goes_on_as_if_undisturbed(
    n_begun: int, undisturbed: Path, tmp_path: Path, note: Note
) -> None:
    behave(tmp_path, seconds=0.05)
    process = start(tmp_path, **ONE_AT_A_TIME)
    wait_for(lambda: len(list(tmp_path.glob("tune/*/history.json"))) >= n_begun, process)
    kill(process)
    before = finished(tmp_path)
    code, output = finish(tmp_path, **ONE_AT_A_TIME)
    assert code == 0, output
    assert outcome(tmp_path, "tune") == outcome(undisturbed, "tune")
    assert outcome(tmp_path, "confirm") == outcome(undisturbed, "confirm")
    lost = loss(tmp_path, before)
    assert lost.n_redone == 0
    assert lost.n_epochs_twice <= 1
    note(
        f"kill -9 of the driver in the tune phase, {n_begun} trials begun",
        "`resume` ends in the same table bit for bit",
        loss=lost,
    )


@pytest.mark.slow
def test_a_run_killed_again_and_again_with_two_at_a_time_keeps_its_promises(tmp_path: Path) -> None:
    behave(tmp_path, seconds=0.05)
    wanted = {"max_concurrent": 2, "trials_per_arm": 6}
    for n_ended in (2, 6, 11, 14):
        process = start(tmp_path, **wanted)
        wait_for(lambda n=n_ended: len(list(tmp_path.rglob("record.json"))) >= n, process)
        kill(process)
    code, output = finish(tmp_path, **wanted)
    assert code == 0, output
    assert Counter(arm for arm, _ in by_key(tmp_path, "tune")) == {"bce": 6, "focal": 6}
    assert Counter(arm for arm, _ in by_key(tmp_path, "confirm")) == {"bce": 3, "focal": 3}
    for trial in [*read_trials(tmp_path, "tune"), *read_trials(tmp_path, "confirm")]:
        assert [row["epoch"] for row in trial.history] == list(range(1, len(trial.history) + 1))
        assert trial.state in (State.COMPLETED, State.STOPPED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "code", "name"),
    [(signal.SIGINT, 130, "InterruptedRunError"), (signal.SIGTERM, 4, "StoppedError")],
)
def test_a_signal_ends_a_run_that_can_be_resumed(
    sent: signal.Signals, code: int, name: str, undisturbed: Path, tmp_path: Path
) -> None:
    behave(tmp_path, seconds=0.2)
    process = start(tmp_path, **ONE_AT_A_TIME)
    wait_for(lambda: len(list(tmp_path.rglob("record.json"))) >= 2, process)
    os.kill(process.pid, sent)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code
    assert f"{name}: " in output
    assert "tagsearch resume" in output
    assert (tmp_path / "trials.csv").exists()
    behave(tmp_path)
    finish(tmp_path, **ONE_AT_A_TIME)
    assert outcome(tmp_path, "confirm") == outcome(undisturbed, "confirm")


@pytest.mark.slow
def test_a_time_budget_stops_a_run_without_spoiling_trials(undisturbed: Path, tmp_path: Path) -> None:
    behave(tmp_path, seconds=0.3)
    code, output = finish(tmp_path, **ONE_AT_A_TIME, time_budget_s=12)
    assert code == 4
    assert "the time budget is used up" in output
    behave(tmp_path)
    code, output = finish(tmp_path, **ONE_AT_A_TIME)
    assert code == 0, output
    assert outcome(tmp_path, "tune") == outcome(undisturbed, "tune")


@pytest.mark.slow
def test_a_run_in_which_everything_fails_is_a_failure(tmp_path: Path) -> None:
    behave(tmp_path, fail={f"confirm/{arm}/{k}": 9 for arm in ("bce", "focal") for k in range(3)})
    code, output = finish(tmp_path, tune=None, max_retries=0)
    assert code == 1
    assert "RunFailedError: no trial of the confirm phase completed" in output


@pytest.mark.slow
def test_a_trial_that_hangs_is_ended_and_its_failure_says_where_it_stood(tmp_path: Path) -> None:
    behave(tmp_path, hang=["confirm/bce/1"])
    code, output = finish(tmp_path, tune=None, max_retries=1, max_concurrent=2, trial_time_limit_s=5)
    assert code == 3, output
    trials = by_key(tmp_path, "confirm")
    assert Counter(trial.state for trial in trials.values()) == {State.COMPLETED: 5, State.FAILED: 1}
    hung = trials["bce", 1]
    assert hung.result is not None
    assert (hung.state, hung.result.n_retries) == (State.FAILED, 1)
    reason = (hung.folder / "traceback.txt").read_text()
    assert "--trial-time-limit-s" in reason
    assert "fake_trial.py" in reason
    assert not list(trials["bce", 0].folder.glob("hang.txt"))

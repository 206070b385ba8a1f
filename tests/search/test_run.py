"""Whole runs on Ray with trials that train nothing: states, retries, kills and going on."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tagsearch.records import Phase, State, Trial, read_trials
from tagsearch.search.asha import read_log
from tagsearch.search.run_folder import is_finished
from tagsearch.study.trials import chosen_configs
from tests.fake_trial import tiny_study

ROOT = Path(__file__).parent.parent.parent
ONE_AT_A_TIME = {"max_concurrent": 1, "trials_per_arm": 6}


def start(run: Path, **wanted: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.fake_driver", str(run), json.dumps(wanted)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(run: Path, **wanted: object) -> tuple[int, str]:
    process = start(run, **wanted)
    output, _ = process.communicate(timeout=240)
    return process.returncode, output


def behave(run: Path, **behaviour: object) -> None:
    run.mkdir(parents=True, exist_ok=True)
    (run / "fake.json").write_text(json.dumps(behaviour))


def by_key(run: Path, phase: Phase) -> dict[tuple[str, int], Trial]:
    return {(trial.spec.arm, trial.spec.index): trial for trial in read_trials(run, phase)}


def outcome(run: Path, phase: Phase) -> dict[tuple[str, int], tuple[object, ...]]:
    """What of each trial must not depend on kills."""
    return {
        key: (dict(trial.spec.config), trial.state, len(trial.history), trial.result and trial.result.best)
        for key, trial in by_key(run, phase).items()
    }


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "the run did not get so far"
        time.sleep(0.02)


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A run with a trial that fails once, one that fails for good, and an arm that diverges."""
    run = tmp_path_factory.mktemp("runs") / "eventful"
    behave(run, fail={"tune/bce/1": 1, "confirm/bce/0": 9}, diverge=["tri"])
    code, output = finish(run, arms=["bce", "focal", "tri"], max_retries=1)
    return run, code, output


def test_failed_trials_are_said_in_the_exit_code_and_the_last_line(eventful: tuple[Path, int, str]) -> None:
    run, code, output = eventful
    assert code == 3
    assert "SomeTrialsFailedError: 1 of 18 trials failed after their retries" in output
    (failed,) = (trial for trial in read_trials(run, "confirm") if trial.state is State.FAILED)
    assert "failure 2 on purpose" in (failed.folder / "traceback.txt").read_text()
    assert str(failed.folder) in output


def test_every_arm_gets_its_planned_trials(eventful: tuple[Path, int, str]) -> None:
    run, _, _ = eventful
    assert Counter(arm for arm, _ in by_key(run, "tune")) == {"bce": 4, "focal": 4, "tri": 4}
    assert Counter(arm for arm, _ in by_key(run, "confirm")) == {"bce": 3, "focal": 3}


def test_a_trial_that_succeeds_at_its_second_try_is_a_result_like_others(eventful: tuple[Path, int, str]) -> None:
    run, _, _ = eventful
    trial = by_key(run, "tune")["bce", 1]
    assert trial.state in (State.COMPLETED, State.STOPPED)
    assert trial.result is not None
    assert trial.result.n_retries == 1


def test_an_arm_that_diverges_everywhere_is_never_chosen(eventful: tuple[Path, int, str]) -> None:
    run, _, _ = eventful
    states = {key: trial.state for key, trial in by_key(run, "tune").items()}
    assert {state for (arm, _), state in states.items() if arm == "tri"} == {State.DIVERGED}
    assert set(json.loads((run / "tune" / "chosen.json").read_text())) == {"bce", "focal"}


def test_the_confirm_phase_trains_the_chosen_configuration_to_the_full_budget(
    eventful: tuple[Path, int, str],
) -> None:
    run, _, _ = eventful
    chosen = chosen_configs(tiny_study(arms=("bce", "focal", "tri")), list(read_trials(run, "tune")))
    completed = [trial for trial in read_trials(run, "confirm") if trial.state is State.COMPLETED]
    assert len(completed) == 5
    for trial in completed:
        assert [trial.spec.config] == chosen[trial.spec.arm]
        assert len(trial.history) == 9


def test_stopped_trials_ended_at_a_rung_where_asha_saw_them(eventful: tuple[Path, int, str]) -> None:
    run, _, _ = eventful
    last_seen = {seen.trial: seen.epoch for seen in read_log(run / "tune" / "rungs.jsonl")}
    stopped = [trial for trial in read_trials(run, "tune") if trial.state is State.STOPPED]
    assert stopped
    for trial in stopped:
        assert len(trial.history) == last_seen[trial.spec.name]
        assert len(trial.history) in (1, 3)


def test_tensorboard_has_curves_and_hyperparameters_of_every_trial(eventful: tuple[Path, int, str]) -> None:
    run, _, _ = eventful
    for trial in [*read_trials(run, "tune"), *read_trials(run, "confirm")]:
        events = EventAccumulator(str(trial.folder)).Reload()
        plugins = events.PluginTagToContent("hparams")
        assert "_hparams_/session_start_info" in plugins
        assert "_hparams_/session_end_info" in plugins
        if trial.history:
            values = [(event.step, event.value) for event in events.Scalars("valid/pr_auc")]
            expected = [(int(row["epoch"]), pytest.approx(row["valid/pr_auc"])) for row in trial.history]
            assert values == expected
            best = max(row["valid/pr_auc"] for row in trial.history)
            assert events.Scalars("best/valid/pr_auc")[-1].value == pytest.approx(best)


def test_rays_own_files_are_kept(eventful: tuple[Path, int, str]) -> None:
    run, _, _ = eventful
    for trial in read_trials(run, "tune"):
        assert {"params.json", "result.json", "progress.csv"} <= {path.name for path in trial.folder.iterdir()}


def test_a_finished_run_has_nothing_left_to_do(eventful: tuple[Path, int, str]) -> None:
    run, _, _ = eventful
    before = {path: path.stat().st_mtime_ns for path in run.rglob("record.json")}
    finish(run, arms=["bce", "focal", "tri"], max_retries=1)
    assert {path: path.stat().st_mtime_ns for path in run.rglob("record.json")} == before


def test_an_extension_adds_the_missing_seeds_and_touches_nothing_else(
    eventful: tuple[Path, int, str], tmp_path: Path
) -> None:
    run = tmp_path / "extended"
    shutil.copytree(eventful[0], run)
    before = {path: path.read_bytes() for path in [*run.rglob("record.json"), run / "tune" / "chosen.json"]}
    code, output = finish(run, arms=["bce", "focal", "tri"], max_retries=0, extend=5)
    assert code == 3, output  # the trial that failed for good is still a loss
    assert {path: path.read_bytes() for path in before} == before
    confirm = by_key(run, "confirm")
    assert set(confirm) == {(arm, k) for arm in ("bce", "focal") for k in range(5)}
    chosen = json.loads((run / "tune" / "chosen.json").read_text())
    for arm, k in [("bce", 3), ("bce", 4), ("focal", 3), ("focal", 4)]:
        trial = confirm[arm, k]
        assert (trial.state, trial.spec.seed, [dict(trial.spec.config)]) == (State.COMPLETED, k + 1, chosen[arm])
    assert is_finished(run)
    with (run / "trials.csv").open(newline="") as file:
        assert Counter(row["phase"] for row in csv.DictReader(file)) == {"tune": 12, "confirm": 10}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "undisturbed"
    code, output = finish(run, **ONE_AT_A_TIME)
    assert code == 0, output
    return run


@pytest.mark.slow
@pytest.mark.parametrize("n_begun", [1, 4, 9])
def test_a_run_killed_while_tuning_goes_on_as_if_undisturbed(n_begun: int, undisturbed: Path, tmp_path: Path) -> None:
    behave(tmp_path, seconds=0.05)
    process = start(tmp_path, **ONE_AT_A_TIME)
    wait_for(lambda: len(list(tmp_path.glob("tune/*/history.json"))) >= n_begun, process)
    kill(process)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("record.json")}
    code, output = finish(tmp_path, **ONE_AT_A_TIME)
    assert code == 0, output
    assert outcome(tmp_path, "tune") == outcome(undisturbed, "tune")
    assert outcome(tmp_path, "confirm") == outcome(undisturbed, "confirm")
    assert all(path.stat().st_mtime_ns == then for path, then in before.items()), "a finished trial was redone"


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


@pytest.mark.slow
def test_a_trial_that_no_machine_can_hold_is_refused_before_it_waits(tmp_path: Path) -> None:
    code, output = finish(tmp_path, gpus_per_trial=2)
    assert code == 2
    assert "UsageError: a trial needs 1 CPU and 2 GPUs of one machine" in output
    assert not (tmp_path / "tune").exists()

"""Whole runs on Ray with trials that train nothing: states, retries, kills and going on."""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tagsearch.records import State, read_trials
from tagsearch.search.asha import read_log
from tagsearch.search.run_folder import is_finished
from tagsearch.study.trials import chosen_configs
from tests.fake_trial import tiny_study
from tests.faults.driver import behave, by_key, finish


@pytest.fixture(scope="module")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A run with a trial that fails once, one that fails for good, one that meets two machines without the storage,
    and an arm that diverges."""
    run = tmp_path_factory.mktemp("runs") / "eventful"
    fail, unseen = {"tune/bce/1": 1, "confirm/bce/0": 9}, {"confirm/focal/1": 2}
    behave(run, fail=fail, unseen=unseen, diverge=["tri"])
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


def test_machines_without_the_storage_use_up_no_retries_of_a_trial(eventful: tuple[Path, int, str]) -> None:
    run, _, output = eventful
    trial = by_key(run, "confirm")["focal", 1]
    assert trial.state is State.COMPLETED
    assert trial.result is not None
    assert trial.result.n_retries == 2
    assert "failure 2 on purpose; its trials go elsewhere until then\n" in output


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


def test_rays_own_files_are_kept_with_every_epoch_once(eventful: tuple[Path, int, str]) -> None:
    run, _, _ = eventful
    for trial in read_trials(run, "tune"):
        table = trial.folder / "progress.csv"
        assert {"params.json", "result.json"} <= {path.name for path in trial.folder.iterdir()}
        assert table.exists() == bool(trial.history)
        reports = [json.loads(line) for line in (trial.folder / "result.json").read_text().splitlines()]
        epochs = [report["epoch"] for report in reports if "state" not in report]
        rows = csv.DictReader(table.read_text().splitlines() if table.exists() else ())
        assert epochs == [int(row["epoch"]) for row in rows] == [row["epoch"] for row in trial.history]


def test_ray_keeps_no_windows_of_ended_trials(eventful: tuple[Path, int, str]) -> None:
    run, _, _ = eventful
    (snapshot,) = (run / "confirm").glob("experiment_state-*.json")
    kept = [json.loads(metadata) for _, metadata in json.loads(snapshot.read_text())["trial_data"]]
    assert [trial["metric_analysis"] for trial in kept] == [{}] * 6


def test_what_a_trial_is_stands_in_its_parameters_and_not_in_every_report(eventful: tuple[Path, int, str]) -> None:
    run, _, _ = eventful
    trial = by_key(run, "tune")["bce", 0]
    assert json.loads((trial.folder / "params.json").read_text())["spec"]["config"] == trial.spec.config
    reports = [json.loads(line) for line in (trial.folder / "result.json").read_text().splitlines()]
    assert len(reports) >= len(trial.history) > 0
    assert all(report["config"] == {} for report in reports)


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


@pytest.mark.slow
def test_a_trial_that_no_machine_can_hold_is_refused_before_it_waits(tmp_path: Path) -> None:
    code, output = finish(tmp_path, gpus_per_trial=2)
    assert code == 2
    assert "UsageError: a trial needs 1 CPU and 2 GPUs of one machine" in output
    assert not (tmp_path / "tune").exists()

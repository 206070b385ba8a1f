"""Kills, signals and budgets: what the driver of a run survives. Runs are killed several times, to be cheap."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tagsearch.records import State, read_trials
from tests.faults.conftest import Note
from tests.faults.driver import (
    ONE_AT_A_TIME,
    behave,
    by_key,
    finish,
    finished,
    kill,
    left_behind,
    loss,
    outcome,
    start,
    wait_for,
)
from tests.faults.nodes import Nodes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """For drivers whose fault is not about a Ray of their own: what `start` is told to join one that is there."""
    nodes = Nodes()
    for name in ("one", "two"):
        nodes.add(str(tmp_path_factory.mktemp(name)))
    yield {"address": nodes.address, "environment": nodes.environment}
    nodes.end()


@pytest.fixture(scope="module")
def undisturbed(cluster: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "undisturbed"
    code, output = finish(run, **ONE_AT_A_TIME, **cluster)
    assert code == 0, output
    return run


def test_a_run_killed_in_each_phase_goes_on_as_if_undisturbed(undisturbed: Path, tmp_path: Path, note: Note) -> None:
    behave(tmp_path, seconds=0.05)
    for phase, n_begun in (("tune", 1), ("tune", 9), ("confirm", 3)):
        process = start(tmp_path, **ONE_AT_A_TIME)
        wait_for(lambda p=phase, n=n_begun: len(list(tmp_path.glob(f"{p}/*/history.json"))) >= n, process)
        kill(process)
        assert not left_behind(process, apart_from=("Agent",))  # Ray's own look for a while for what is gone
    before = finished(tmp_path)
    code, output = finish(tmp_path, **ONE_AT_A_TIME)
    assert code == 0, output
    lost = loss(tmp_path, before)
    assert outcome(tmp_path, "tune") == outcome(undisturbed, "tune")
    assert outcome(tmp_path, "confirm") == outcome(undisturbed, "confirm")
    assert lost.n_redone == 0
    assert lost.n_epochs_twice <= 3  # one a kill
    note(
        "kill -9 of the driver, twice in the tune phase and once in the confirm phase",
        "its trials end with it; `resume` ends in the same table bit for bit",
        loss=lost,
    )


def test_a_run_killed_again_and_again_with_two_at_a_time_keeps_its_promises(
    cluster: dict[str, Any], tmp_path: Path, note: Note
) -> None:
    behave(tmp_path, seconds=0.05)
    wanted = {"max_concurrent": 2, "trials_per_arm": 6, **cluster}
    for n_ended in (4, 14):
        process = start(tmp_path, **wanted)
        wait_for(lambda n=n_ended: len(list(tmp_path.rglob("record.json"))) >= n, process)
        kill(process)
    before = finished(tmp_path)
    code, output = finish(tmp_path, **wanted)
    assert code == 0, output
    assert Counter(arm for arm, _ in by_key(tmp_path, "tune")) == {"bce": 6, "focal": 6}
    assert Counter(arm for arm, _ in by_key(tmp_path, "confirm")) == {"bce": 3, "focal": 3}
    for trial in [*read_trials(tmp_path, "tune"), *read_trials(tmp_path, "confirm")]:
        assert [row["epoch"] for row in trial.history] == list(range(1, len(trial.history) + 1))
        assert trial.state in (State.COMPLETED, State.STOPPED)
    lost = loss(tmp_path, before)
    assert lost.n_redone == 0
    note("kill -9 of the driver on a cluster, two trials at once", "every arm gets its planned trials", loss=lost)


def test_a_run_killed_in_its_writes_goes_on_as_if_undisturbed(
    cluster: dict[str, Any], undisturbed: Path, tmp_path: Path, note: Note
) -> None:
    fates = [
        ("rungs.jsonl", "torn"),
        ("record.json", "torn"),  # of a stopped trial: others write their own
        ("chosen.json", "before"),
        ("planned.json", "after"),
    ]
    for name, moment in fates:
        dying = ("tests.faults.dying", name, moment)
        process = start(tmp_path, module=dying, **ONE_AT_A_TIME, **cluster)
        output, _ = process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL, output
    before = finished(tmp_path)
    code, output = finish(tmp_path, **ONE_AT_A_TIME, **cluster)
    assert code == 0, output
    assert outcome(tmp_path, "tune") == outcome(undisturbed, "tune")
    assert outcome(tmp_path, "confirm") == outcome(undisturbed, "confirm")
    lost = loss(tmp_path, before)
    assert lost.n_redone == 0
    assert lost.n_epochs_twice <= len(fates)
    note(
        f"kill -9 of the driver in writes: {', '.join(f'{moment} {name}' for name, moment in fates)}",
        "`resume` ends in the same table bit for bit",
        loss=lost,
    )


def test_signals_end_a_run_that_can_be_resumed(
    cluster: dict[str, Any], undisturbed: Path, tmp_path: Path, note: Note
) -> None:
    behave(tmp_path, seconds=0.2)
    cases = [
        ("Ctrl-C, to all processes as from a terminal", [signal.SIGINT], True, 130, "InterruptedRunError: interrupted"),
        ("SIGTERM", [signal.SIGTERM], False, 4, "StoppedError: stopped by SIGTERM"),
        ("Ctrl-C twice", [signal.SIGINT] * 2, True, 130, "error: interrupted: ended at once"),
    ]
    for n, (fault, sent, to_all, code, words) in enumerate(cases):
        process = start(tmp_path, **ONE_AT_A_TIME)
        wait_for(lambda n=n: len(list(tmp_path.rglob("record.json"))) >= 2 * n + 1, process)
        for number in sent:
            (os.killpg if to_all else os.kill)(process.pid, number)
            time.sleep(1)
        begun = time.monotonic()
        output, _ = process.communicate(timeout=60)
        if len(sent) == 2:
            assert time.monotonic() - begun < 5
        assert process.returncode == code, output
        assert words in output
        assert "tagsearch resume" in output
        assert not left_behind(process)
        assert (tmp_path / "trials.csv").exists()
        note(f"{fault} in a phase", "one line with the way on, no process is left", code=code)
    before = finished(tmp_path)
    behave(tmp_path)
    assert finish(tmp_path, **ONE_AT_A_TIME, **cluster)[0] == 0
    assert outcome(tmp_path, "tune") == outcome(undisturbed, "tune")
    assert outcome(tmp_path, "confirm") == outcome(undisturbed, "confirm")
    lost = loss(tmp_path, before)
    assert lost.n_redone == 0
    note("`resume` after all of these signals", "it ends in the same table bit for bit", loss=lost)


def test_a_signal_while_ray_starts_ends_the_run(tmp_path: Path, note: Note) -> None:
    process = start(tmp_path)
    wait_for((tmp_path / "ray.log").exists, process)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 4, output
    assert "stopped by SIGTERM: nothing was started" in output  # this driver's folder has no resolved.yaml
    assert not left_behind(process)
    note("SIGTERM while Ray starts", "one line, no process is left", code=4)


def test_a_time_budget_stops_a_run_without_spoiling_trials(
    cluster: dict[str, Any], undisturbed: Path, tmp_path: Path, note: Note
) -> None:
    behave(tmp_path, seconds=0.1)
    code, output = finish(tmp_path, **ONE_AT_A_TIME, **cluster, time_budget_s=8)
    assert code == 4
    assert "the time budget is used up" in output
    before = finished(tmp_path)
    behave(tmp_path)
    code, output = finish(tmp_path, **ONE_AT_A_TIME, **cluster)
    assert code == 0, output
    assert outcome(tmp_path, "tune") == outcome(undisturbed, "tune")
    note("--time-budget-s", "`resume` ends in the same table", code=4, loss=loss(tmp_path, before))


def test_a_run_in_which_everything_fails_is_a_failure(cluster: dict[str, Any], tmp_path: Path, note: Note) -> None:
    behave(tmp_path, fail={f"confirm/{arm}/{k}": 9 for arm in ("bce", "focal") for k in range(3)})
    code, output = finish(tmp_path, tune=None, max_retries=0, **cluster)
    assert code == 1
    assert "RunFailedError: no trial of the confirm phase completed" in output
    note("every trial fails", "one line that names the first traceback", code=1)

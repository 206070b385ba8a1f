"""What befalls single trials: their processes are killed, run out of memory, hang, diverge. One run sees it all."""

import os
import signal
from collections import Counter
from pathlib import Path

import pytest

from tagsearch.records import State
from tests.fake_trial import TRAINED_FILE
from tests.faults.conftest import Note
from tests.faults.doomed_trial import BY_KERNEL, BY_PYTHON, TRAIN
from tests.faults.driver import behave, by_key, finished, loss, start, wait_for

pytestmark = pytest.mark.slow


def reason(folder: Path) -> str:
    return (folder / "traceback.txt").read_text()


def test_what_befalls_one_trial_is_no_others_business(tmp_path: Path, note: Note) -> None:
    behave(
        tmp_path,
        seconds=0.3,
        diverge=["tri"],
        hang=["confirm/bce/1"],
        die={"confirm/focal/0": BY_KERNEL, "confirm/focal/1": BY_PYTHON},
    )
    wanted = {"arms": ["bce", "focal", "tri"], "tune": None, "max_retries": 1, "max_concurrent": 2}
    process = start(tmp_path, train=TRAIN, trial_time_limit_s=8, **wanted)
    trained = f"confirm/bce-*-s1/{TRAINED_FILE}"
    wait_for(lambda: any(len(path.read_text().split()) >= 4 for path in tmp_path.glob(trained)), process)
    (victim,) = {path.parent for path in tmp_path.glob(trained)}
    os.kill(int((victim / "pid.txt").read_text()), signal.SIGKILL)
    before = finished(tmp_path)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 3, output
    trials = by_key(tmp_path, "confirm")
    results = {key: trial.result for key, trial in trials.items()}
    assert all(result is not None for result in results.values())
    states = Counter(trial.state for trial in trials.values())
    assert states == {State.COMPLETED: 3, State.FAILED: 3, State.DIVERGED: 3}
    lost = loss(tmp_path, before)
    assert lost.n_redone == 0

    killed = trials["bce", 0]
    assert killed.folder == victim
    assert killed.state is State.COMPLETED
    assert killed.result is not None
    assert killed.result.n_retries == 1
    epochs = (victim / TRAINED_FILE).read_text().split()
    assert len(epochs) - len(set(epochs)) <= 1
    note("kill -9 of a trial's process", "goes on from its last epoch, one retry; the others go on", loss=lost)

    failed = {key: reason(trial.folder) for key, trial in trials.items() if trial.state is State.FAILED}
    assert set(failed) == {("bce", 1), ("focal", 0), ("focal", 1)}
    assert "--trial-time-limit-s" in failed["bce", 1]
    assert "fake_trial.py" in failed["bce", 1]
    assert "died without a word (killed, or out of memory)" in failed["focal", 0]
    assert "MemoryError: cannot allocate" in failed["focal", 1]
    assert {trials[key].result.n_retries for key in failed} == {1}  # type: ignore[union-attr]
    assert not list(trials["bce", 0].folder.glob("hang.txt"))
    assert "SomeTrialsFailedError: 3 of 9 trials failed" in output
    note("a trial that hangs", "ended, retried, FAILED with where it stood", code=3)
    note("a trial killed over and over, as by the kernel when memory is out", "FAILED with that as its reason", code=3)
    note("a trial that raises MemoryError over and over", "FAILED with its traceback", code=3)

    assert {key[0] for key, trial in trials.items() if trial.state is State.DIVERGED} == {"tri"}
    assert {results["tri", k].n_retries for k in range(3)} == {0}  # type: ignore[union-attr]
    note("a trial whose loss becomes NaN", "DIVERGED, a result; not retried")

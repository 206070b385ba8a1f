"""A run of fake trials in a process of its own, to be killed; and what of it has to be left.

A test notes what a fault did in the table (`note`), which `FAULT_TABLE=faults.md pytest -m slow tests/faults` writes.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tagsearch.records import Phase, Trial, read_trials
from tests.fake_trial import TRAINED_FILE

ROOT = Path(__file__).parent.parent.parent
ONE_AT_A_TIME = {"max_concurrent": 1, "trials_per_arm": 6}


def start(
    run: Path, *, module: Sequence[str] = ("tests.fake_driver",), environment: Mapping[str, str] | None = None,
    **wanted: object,
) -> subprocess.Popen[str]:  # fmt: skip
    """A process group of its own, as of a shell's job. `environment`: of a cluster's drivers, see nodes.py."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *module, str(run), json.dumps(wanted)],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def finish(run: Path, *, environment: Mapping[str, str] | None = None, **wanted: object) -> tuple[int, str]:
    process = start(run, environment=environment, **wanted)
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


def left_behind(process: subprocess.Popen[str], *, apart_from: Sequence[str] = ()) -> list[str]:
    """Command lines of what an ended process has left of its session, half a minute after its end; not those that hold
    one of the words `apart_from`."""
    deadline = time.monotonic() + 30
    while True:
        found = [line for line in _of_session(process.pid) if not any(word in line for word in apart_from)]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def _of_session(session: int) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, _, its_session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.append((folder / "cmdline").read_text().replace("\0", " "))
    return found


@dataclass(frozen=True, kw_only=True)
class Loss:
    """What a fault cost a run that was brought to its end after it."""

    n_finished: int  # trials, when the fault came
    n_redone: int  # of them
    n_epochs_twice: int  # of all trials


def finished(run: Path) -> dict[Path, int]:
    """The records that are there, with their times. Take it when the fault has come."""
    return {path: path.stat().st_mtime_ns for path in run.glob("*/*/record.json")}


def loss(run: Path, before: dict[Path, int]) -> Loss:
    """`before`: see finished."""
    logs = [path.read_text().split() for path in run.glob(f"*/*/{TRAINED_FILE}")]
    return Loss(
        n_finished=len(before),
        n_redone=sum(not path.exists() or path.stat().st_mtime_ns != then for path, then in before.items()),
        n_epochs_twice=sum(len(epochs) - len(set(epochs)) for epochs in logs),
    )

"""The live table: what it counts while trials start, end and fail."""

import errno
import io
import os
import pty
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from tagsearch.records import State, Trial, TrialResult, TrialSpec
from tagsearch.search.progress import LiveTable, console
from tests.fake_trial import tiny_study

STUDY = tiny_study()


def spec(arm: str, index: int) -> TrialSpec:
    return TrialSpec(phase="tune", arm=arm, index=index, seed=index, config=STUDY.baseline.config)


def result(state: State) -> TrialResult:
    return TrialResult(state=state, epochs=1)


def begun(out: Console, *, before: tuple[Trial, ...] = ()) -> LiveTable:
    table = LiveTable(STUDY, out)
    table.phase_started("tune", arms=("bce", "focal"), n_trials=8, n_slots=2, before=before)
    return table


@pytest.fixture
def out() -> Console:
    """No terminal."""
    return Console(file=io.StringIO(), width=120)


def said(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_the_last_line_of_a_phase_counts_trials_by_state(out: Console) -> None:
    table = begun(out)
    for arm, index, state in (("bce", 0, "COMPLETED"), ("focal", 0, "STOPPED"), ("bce", 1, "COMPLETED")):
        table.trial_started(spec(arm, index))
        table.trial_ended(spec(arm, index), result(State(state)))
    table.trial_started(spec("focal", 1))
    table.phase_ended("tune")
    assert "tune phase: 1 running, 2 completed, 1 stopped in" in said(out)


def test_a_retried_trial_is_counted_once(out: Console) -> None:
    table = begun(out)
    for _ in range(3):
        table.trial_started(spec("bce", 0))
    table.trial_ended(spec("bce", 0), result(State.FAILED))
    table.phase_ended("tune")
    assert "tune phase: 1 failed in" in said(out)


def test_trials_that_an_earlier_process_ended_are_counted_too(out: Console) -> None:
    before = tuple(
        Trial(folder=Path("nowhere"), spec=spec("bce", k), result=ended, history=())
        for k, ended in enumerate((result(State.STOPPED), None))
    )
    table = begun(out, before=before)
    table.trial_started(spec("bce", 1))
    table.phase_ended("tune")
    assert "tune phase: 1 running, 1 stopped in" in said(out)


def test_the_table_on_a_terminal_has_a_row_of_counts_for_each_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Console(file=io.StringIO(), width=120, force_terminal=True)
    table = begun(out)
    for index, state in enumerate((State.STOPPED, State.STOPPED, State.DIVERGED)):
        table.trial_started(spec("focal", index))
        table.trial_ended(spec("focal", index), result(state))
    table.trial_started(spec("bce", 0))
    table.epoch_done(spec("bce", 0), {"epoch": 1, "valid/pr_auc": 0.25})
    table.epoch_done(spec("bce", 0), {"epoch": 2, "valid/pr_auc": 0.125})
    table.phase_ended("tune")
    rows = [re.sub(r"\x1b\[[^A-Za-z]*[A-Za-z]", "", line).split() for line in said(out).splitlines()]
    assert ["bce", "1", "2", "0.2500"] in rows  # running, epochs, best
    assert ["focal", "2", "1", "0"] in rows  # stopped, diverged, epochs


# --- nobody reads any more -------------------------------------------------------------------------------------------


def pipe_without_reader() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def closed_terminal() -> int:
    ours, theirs = pty.openpty()
    os.close(ours)
    return theirs


@pytest.mark.parametrize(("output", "number"), [(pipe_without_reader, errno.EPIPE), (closed_terminal, errno.EIO)])
def test_a_console_that_nobody_reads_any_more_ends_no_run(
    output: Callable[[], int], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    descriptor = output()
    with pytest.raises(OSError, match=os.strerror(number)):
        os.write(descriptor, b"x")
    monkeypatch.setattr(os, "dup", lambda _: descriptor)
    out = console()
    begun(out).phase_ended("tune")
    out.file.close()


def test_a_full_disk_below_a_console_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    monkeypatch.setattr(os, "dup", lambda _: descriptor)
    out = console()
    with pytest.raises(OSError, match="No space left"):
        out.print("x")
    with pytest.raises(OSError, match="No space left"):
        out.file.close()

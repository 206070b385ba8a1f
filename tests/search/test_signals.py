"""Signals: the first asks, the second Ctrl-C ends, handlers come back. Nothing here starts Ray."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tagsearch.errors import InterruptedRunError, StoppedError
from tagsearch.search import signals
from tagsearch.search.run_folder import resumable
from tagsearch.search.signals import Interruption, deferred, first_heard, heeded, interrupt_if_heard, kept

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@BOTH
def test_a_signal_interrupts_where_the_program_stands_and_no_exception_handler_takes_it(number: signal.Signals) -> None:
    with pytest.raises(Interruption) as interruption, heeded(), suppress(Exception):
        send(number)
    assert interruption.value.number is number
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert first_heard() is None


def test_a_phase_is_not_interrupted_but_asks(capfd: pytest.CaptureFixture[str]) -> None:
    with heeded():
        with deferred():
            assert first_heard() is None
            send(signal.SIGTERM)
            assert first_heard() is signal.SIGTERM
        with pytest.raises(Interruption):
            interrupt_if_heard()
    assert "Ctrl-C ends at once" in capfd.readouterr().err


def test_a_second_sigterm_says_nothing_new() -> None:
    with heeded(), deferred():
        send(signal.SIGTERM)
        send(signal.SIGTERM)
        assert first_heard() is signal.SIGTERM


def test_handlers_that_ray_sets_are_replaced_by_ours_again() -> None:
    with heeded():
        with kept():
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(15))
        with pytest.raises(Interruption):
            send(signal.SIGTERM)


def test_a_sigterm_that_ray_took_while_it_started_is_heard() -> None:
    def start() -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(15))
        send(signal.SIGTERM)

    with heeded(), pytest.raises(Interruption, match="SIGTERM"), kept():
        start()


def test_a_signal_that_the_process_was_told_to_ignore_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with heeded():
            send(signal.SIGINT)
            assert first_heard() is None
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("number", "error", "begun", "words"),
    [
        (signal.SIGINT, InterruptedRunError, True, "^interrupted: .*go on with `tagsearch resume .*run`"),
        (signal.SIGTERM, StoppedError, True, "^stopped by SIGTERM: .*go on with `tagsearch resume .*run`"),
        (signal.SIGTERM, StoppedError, False, "^stopped by SIGTERM: nothing was started"),
    ],
)
def test_an_interrupted_run_says_how_to_go_on(
    number: signal.Signals, error: type[StoppedError], begun: bool, words: str, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    if begun:
        (folder / "resolved.yaml").touch()
    with pytest.raises(error, match=words), heeded(), resumable(folder):
        send(number)


STUCK = """
import os, signal, time
from tagsearch.search import signals
signals._PATIENCE_S = float(os.environ["PATIENCE_S"])
with signals.heeded(), signals.deferred():
    print("stuck", flush=True)
    while True:
        time.sleep(0.1)
"""


def stuck(*sent: signal.Signals, patience_s: float) -> tuple[int, str]:
    """How a program that never ends by itself ends by these signals, a second apart."""
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PATIENCE_S": str(patience_s)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "stuck\n"
    for number in sent:
        process.send_signal(number)
        time.sleep(2 * signals._SAME_S)
    return process.wait(timeout=60), process.communicate()[1]


def test_a_second_ctrl_c_ends_a_program_that_does_not_end() -> None:
    code, said = stuck(signal.SIGINT, signal.SIGINT, patience_s=1000)
    assert code == 130
    assert "error: interrupted: ended at once; what is finished is kept, go on with `tagsearch resume`" in said


def test_a_program_that_does_not_end_by_sigterm_is_ended() -> None:
    code, said = stuck(signal.SIGTERM, patience_s=0.1)
    assert code == 4
    assert "error: stopped by SIGTERM: ended at once" in said

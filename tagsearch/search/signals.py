"""What a signal does to a command: the first asks it to end, a second Ctrl-C ends it at once.

Ctrl-C (SIGINT) and SIGTERM. The first one interrupts the main thread where it stands, as KeyboardInterrupt would, or,
while a phase runs (`deferred`), is only noted: the phase asks for it and ends its trials by itself. A second SIGTERM
says nothing new: `timeout` and schedulers send it to a process and to its group. A second Ctrl-C ends the process at
once, and so does time: a signal that reached Ray's processes, too, may leave nobody who answers. This is safe, as a
kill -9 is: every file is whole or not there at any moment, and what was started ends with its starter.

Signals belong to the process, and so does what is noted here.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NoReturn

from tagsearch.errors import InterruptedRunError, StoppedError, TagsearchError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SAME_S = 0.5  # a wrapper may hand on the Ctrl-C that the terminal has already sent; nobody types so fast
_PATIENCE_S = 20.0  # Ray takes about 8 s to end; Slurm kills after 30
_SHOW_CURSOR = "\033[?25h"  # live tables hide it


class Interruption(BaseException):
    """A signal came. Like KeyboardInterrupt no Exception, so that nobody takes it for an error to be dealt with."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number


@dataclass
class _Heard:
    first: signal.Signals | None = None
    at: float = 0.0  # of time.monotonic
    deferring: bool = False


_heard = _Heard()


@contextmanager
def heeded() -> Iterator[None]:
    """Inside, signals do what is said above. One that the process was told to ignore (by `&` in a script) stays so."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    terminal = os.dup(2)  # at times 2 itself is Ray's log
    over = threading.Event()

    def hear(number: int, frame: object) -> None:
        _hear(signal.Signals(number), terminal, over)

    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, hear)
        yield
    finally:
        over.set()
        for number, handler in before.items():
            signal.signal(number, handler)
        _heard.first = None
        os.close(terminal)


def _hear(number: signal.Signals, terminal: int, over: threading.Event) -> None:
    now = time.monotonic()
    if _heard.first is None:
        _heard.first, _heard.at = number, now
        threading.Thread(target=_lose_patience, args=(number, terminal, over), daemon=True).start()
        if not _heard.deferring:
            raise Interruption(number)
        _say(terminal, "ending the trials, which takes some seconds; Ctrl-C ends at once")
    elif number == signal.SIGINT and now - _heard.at > _SAME_S:
        _end_at_once(number, terminal)


def _lose_patience(number: signal.Signals, terminal: int, over: threading.Event) -> None:
    if not over.wait(_PATIENCE_S):
        _end_at_once(number, terminal)


def _end_at_once(number: signal.Signals, terminal: int) -> None:
    end_process(stopped(number, "ended at once; what is finished is kept, go on with `tagsearch resume`"), terminal)


def end_process(error: TagsearchError, terminal: int) -> NoReturn:
    """From whatever thread, with the error's one line and exit code, and nothing tidied up. `terminal`: a file
    descriptor."""
    _say(terminal, f"{_SHOW_CURSOR if os.isatty(terminal) else ''}error: {error}")
    os._exit(error.exit_code)


def _say(terminal: int, line: str) -> None:
    with suppress(OSError):  # nobody reads any more
        os.write(terminal, f"{line}\n".encode())


@contextmanager
def deferred() -> Iterator[None]:
    """Inside, the first signal interrupts nothing: ask `first_heard`."""
    _heard.deferring = True
    try:
        yield
    finally:
        _heard.deferring = False


def first_heard() -> signal.Signals | None:
    return _heard.first


def interrupt_if_heard() -> None:
    """Raises Interruption if a signal was deferred."""
    if _heard.first is not None:
        raise Interruption(_heard.first)


@contextmanager
def kept() -> Iterator[None]:
    """Inside, Ray starts and takes SIGTERM for itself, or ends and puts it back to killing; afterwards signals are ours
    again."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    except SystemExit as error:  # Ray's answer to it
        _heard.first = signal.SIGTERM
        raise Interruption(signal.SIGTERM) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stopped(number: signal.Signals, what: str) -> StoppedError:
    """The error that a signal amounts to, with its exit code."""
    if number == signal.SIGINT:
        return InterruptedRunError(f"interrupted: {what}")
    return StoppedError(f"stopped by {number.name}: {what}")

"""The head of the Ray that a run lives in, watched by its driver.

Ray's own answer to a lost head is to end the driver after a minute without a word, from a thread of its own that no
`except` reaches. This one is sooner and says what to do; what the trials did is on disk, as after kill -9.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from tagsearch.errors import ClusterError
from tagsearch.search.signals import end_process

_EVERY_S = 2.0
_PATIENCE_S = 30.0  # a head that is only busy, or a cable that is moved


@contextmanager
def kept_stderr() -> Iterator[int]:
    """A duplicate of standard error, which goes on when descriptor 2 is sent to Ray's log."""
    stderr = os.dup(2)
    try:
        yield stderr
    finally:
        os.close(stderr)


@contextmanager
def head_watched(stderr: int, way_on: str) -> Iterator[None]:
    """While the block runs, end this process with ClusterError's exit code if the head of its Ray answers no more.

    `stderr`: a file descriptor for the one line that says so, which ends with `way_on`."""
    host, _, port = ray.get_runtime_context().gcs_address.rpartition(":")
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=((host.strip("[]"), int(port)), over, stderr, way_on), daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()


def _watch(head: tuple[str, int], over: threading.Event, stderr: int, way_on: str) -> None:
    answered = time.monotonic()
    while not over.wait(_EVERY_S):
        if _answers(head):
            answered = time.monotonic()
        elif time.monotonic() - answered > _PATIENCE_S and not over.is_set():
            silence = f"Ray's head at {head[0]}:{head[1]} has not answered for {_PATIENCE_S:.0f} s"
            end_process(ClusterError(f"{silence}; {way_on}"), stderr)  # a tidy end would wait for the head


def _answers(head: tuple[str, int]) -> bool:
    try:
        socket.create_connection(head, timeout=_EVERY_S).close()
    except OSError:
        return False
    return True

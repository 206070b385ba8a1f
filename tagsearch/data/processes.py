"""Worker processes that end with their parent, whatever ends it."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from tagsearch.errors import CorpusError


def n_cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def refuse_unguarded_script(what: str) -> None:
    """A new process first runs the user's script; should that come back here, it would wait for us and we for it.

    `what`: begins the message, as "corpora are composed". Raises CorpusError."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise CorpusError(f'{what} by several processes: a script needs `if __name__ == "__main__":`')


def obey_parent() -> None:
    """Leave Ctrl-C to the parent, and end when it does, even by a kill. The first thing a worker does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextmanager
def worker_pool(n: int, *, begin: Callable[[], None] = obey_parent) -> Iterator[ProcessPoolExecutor]:
    """A pool of `n` fresh processes, each of which runs `begin` first (it must obey the parent); what has not begun
    when the block ends is not done."""
    pool = ProcessPoolExecutor(n, mp_context=multiprocessing.get_context("spawn"), initializer=begin)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)

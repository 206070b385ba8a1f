"""Worker processes that end with their parent, whatever ends it."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext, SpawnProcess

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
    """End when the parent does, even by a kill. The first thing a worker does."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


class _Worker(SpawnProcess):
    """Deaf to Ctrl-C and SIGTERM, which a terminal or a scheduler sends to all processes: they are the parent's."""

    def start(self) -> None:
        resource_tracker.ensure_running()  # it would lift the mask if it were started under it
        before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        try:
            super().start()  # the process inherits the mask
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Context(SpawnContext):
    Process = _Worker


@contextmanager
def worker_pool(n: int, *, begin: Callable[[], None] = obey_parent) -> Iterator[ProcessPoolExecutor]:
    """A pool of `n` fresh processes, each of which runs `begin` first (it must obey the parent); what has not begun
    when the block ends is not done."""
    pool = ProcessPoolExecutor(n, mp_context=_Context(), initializer=begin)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)

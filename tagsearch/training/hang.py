"""A limit on how long a trial may take for one epoch (the first with its start) or for its scoring at the end.

The watch is faulthandler's: a thread of C that needs no GIL, so that it ends a process that hangs inside a library,
too. It writes where every thread stands and ends the process with status 1, which its starter sees as a crash. What it
cannot end is a process that waits in the kernel, for a network disk that is gone.
"""

import faulthandler
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HANG_FILE = "hang.txt"  # in the trial's folder; kept only if the limit was reached


@contextmanager
def limited(folder: Path, limit_s: float | None) -> Iterator[None]:
    """End this process if the block takes longer than `limit_s` seconds. None: no limit."""
    if limit_s is None:
        yield
        return
    path = folder / HANG_FILE
    with path.open("w") as file:
        faulthandler.dump_traceback_later(limit_s, exit=True, file=file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            path.unlink()


def where_it_hung(folder: Path) -> str:
    """What the watch wrote; empty if it never came to that."""
    path = folder / HANG_FILE
    return path.read_text() if path.exists() else ""

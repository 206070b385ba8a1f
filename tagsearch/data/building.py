"""One process at a time builds what all share: a lock that names its holder to those who wait for it.

The holder's name stands in a file beside the lock, which a killed process leaves behind: it is read only while the lock
is held.
"""

import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from tagsearch.files import write_text

log = logging.getLogger(__name__)

_QUIET_S = 2.0  # a wait that nobody needs to be told of


@contextmanager
def building(lock_file: Path, what: str) -> Iterator[None]:
    """Hold the lock. Who has to wait for more than two seconds is told for whom: "`what` is being built by ..."."""
    lock, holder = FileLock(lock_file), holder_file(lock_file)
    try:
        lock.acquire(timeout=_QUIET_S)
    except Timeout:
        log.warning("waiting: %s is being built by %s", what, _name_in(holder))
        lock.acquire()
    try:
        with suppress(OSError):  # a full disk is for the builder to tell, if it needs one
            write_text(holder, f"process {os.getpid()} on {platform.node()}")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def holder_file(lock_file: Path) -> Path:
    """Names who builds; a killed builder leaves it behind."""
    return lock_file.with_name(f"{lock_file.name}-holder")


def _name_in(holder: Path) -> str:
    try:
        return holder.read_text()
    except OSError:  # it has only just begun
        return "another process"

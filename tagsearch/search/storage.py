"""The storage of runs: looked at before anything starts, and what it means when it fails later on. Needs no Ray; of
workers see storage_check.

A disk that is full, closed to writing or gone is no fault of a trial. The trial stays unfinished, the run stops in
order, and when there is space again it goes on as if nothing had been.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tagsearch.errors import StorageError, UsageError

_TRIED_BYTES = 1_000_000  # written and read back: a full quota shows in bytes, not in the disk's free space
_WAY_ON = "choose another --storage-path, or see to its permissions and space"


def check_writable(folder: Path, *, n_bytes: int = 0) -> int:
    """Write a file into `folder`, read it back and remove it; the free bytes of its disk.

    `n_bytes`: what is going to be written. Raises UsageError if the folder cannot be written or lacks the space."""
    tried, content = folder / f".storage-check-{os.getpid()}", os.urandom(_TRIED_BYTES)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            _write(tried, content)
            came_back = tried.read_bytes()
        finally:
            tried.unlink(missing_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise UsageError(f"the storage {folder} must be writable: {error.strerror or error}; {_WAY_ON}") from error
    if came_back != content:
        raise UsageError(f"the storage {folder} must keep what is written, and gave back something else; {_WAY_ON}")
    if n_bytes > free:
        raise UsageError(
            f"the disk of {folder} must hold the trials, about {n_bytes / 1e9:.1f} GB, and has {free / 1e9:.1f} GB "
            "free; free space or choose another --storage-path"
        )
    return free


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_CLOSED = (errno.EACCES, errno.EPERM)  # of a file in the storage; elsewhere it is something else
_GONE = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN)  # a mount or disk; of no file elsewhere


def storage_failure(error: BaseException, folder: Path) -> str | None:
    """What the system said if `error`, or what it came of, is that `folder` is full, closed to writing or gone; else
    None."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and _is_of(cause, folder):
            return f"{cause.strerror} ({cause.filename})" if cause.filename else str(cause.strerror)
    return None


def _is_of(error: OSError, folder: Path) -> bool:
    inside = isinstance(error.filename, str) and Path(error.filename).absolute().is_relative_to(folder.absolute())
    return (
        error.errno in _FULL
        or (error.errno in _CLOSED and inside)
        or (error.errno in _GONE and (inside or error.filename is None))
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@contextmanager
def storage_errors(folder: Path, *, way_on: str) -> Iterator[None]:
    """Raises StorageError, one line that ends with `way_on`, where `folder` is full, closed to writing or gone."""
    try:
        yield
    except Exception as error:
        known = next((cause for cause in _causes(error) if isinstance(cause, StorageError)), None)
        if known is not None:
            raise known from None  # what failed while it was on its way is of the same cause
        if (said := storage_failure(error, folder)) is None:
            raise
        raise StorageError(f"{folder} is full or cannot be used: {said}; what is done is kept; {way_on}") from error


class StorageWatch:
    """Keeps failures of the storage out of Ray's loop, which would take them for its own or a trial's: a block under it
    ends early where the storage fails, and the complaint is noted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.complaint = ""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> bool:
        said = storage_failure(error, self._folder) if isinstance(error, Exception) else None
        self.note(said or "")
        return said is not None

    def note(self, complaint: str) -> None:
        self.complaint = self.complaint or complaint


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

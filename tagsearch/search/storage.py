"""The storage of runs, looked at by the driver before anything starts. Needs no Ray; of workers see storage_check."""

import os
import shutil
from pathlib import Path

from tagsearch.errors import UsageError

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


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

"""Files that are whole or not there: every write replaces its file in one step, nothing read is ever unpickled.

Logs (`append_line`) grow by whole lines instead; only their last line can be torn.
"""

import errno
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tagsearch.errors import RecordError


def write_bytes(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Replace `path` in one step. `durable` waits for the disk (for files whose loss would lose finished work)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)  # a full disk needs the space
        raise


def write_text(path: Path, text: str, *, durable: bool = False) -> None:
    write_bytes(path, text.encode(), durable=durable)


def write_json(path: Path, content: object, *, durable: bool = False) -> None:
    write_text(path, json.dumps(content, indent=1, allow_nan=True) + "\n", durable=durable)


def to_disk(path: Path) -> None:
    """Wait until the disk has a file that whoever has written, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def append_line(path: Path, line: str) -> None:
    """Add a line to a log and wait for the disk. What a crash or a full disk left of an unfinished line is cut off."""
    assert "\n" not in line
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        if end and _last_byte(file, end) != b"\n":
            file.seek(0)
            end = file.read().rfind(b"\n") + 1
            file.truncate(end)
        content = line.encode() + b"\n"
        try:
            if file.write(content) != len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def _last_byte(file: io.FileIO, end: int) -> bytes:
    file.seek(end - 1)
    return file.read(1)


def write_npz(path: Path, arrays: Mapping[str, npt.ArrayLike], *, durable: bool = False) -> None:
    write_bytes(path, npz_bytes(arrays), durable=durable)


def npz_bytes(arrays: Mapping[str, npt.ArrayLike]) -> bytes:
    buffer = io.BytesIO()
    contents: dict[str, Any] = {name: np.asarray(array) for name, array in arrays.items()}
    np.savez(buffer, **contents)
    return buffer.getvalue()


def read_json(path: Path) -> Any:
    """Raises RecordError if the file is missing or damaged."""
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RecordError(f"{path} is damaged: {error}") from error


def read_bytes(path: Path) -> bytes:
    """Raises RecordError if the file cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror or error}") from error


def read_array(path: Path, name: str) -> npt.NDArray[Any]:
    return array_of(read_bytes(path), name, path)


def array_of(content: bytes, name: str, path: Path) -> npt.NDArray[Any]:
    """One array of an .npz file's content; `path` is for the error. Raises RecordError if it is damaged or lacks it."""
    with _opened(content, path) as stored:
        if name not in stored.files:
            raise RecordError(f"{path} holds no {name!r}; it holds {', '.join(stored.files)}")
        array: npt.NDArray[Any] = stored[name]
        return array


def read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    """All arrays of the file. Raises RecordError if it is missing or damaged."""
    with open_npz(path) as stored:
        return {name: stored[name] for name in stored.files}


@contextmanager
def open_npz(path: Path) -> Iterator[Any]:
    """The arrays by name, read when asked for. Raises RecordError if the file is missing or damaged."""
    with _opened(read_bytes(path), path) as stored:
        yield stored


@contextmanager
def _opened(content: bytes, path: Path) -> Iterator[Any]:
    """Damage shows on opening or, as a wrong checksum, when an array is read."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:  # of a file numpy leaves a damaged one open
            yield stored
    except (ValueError, EOFError, RuntimeError, zipfile.BadZipFile) as error:  # RuntimeError: flags it does not know
        raise RecordError(f"{path} is damaged: {error}") from error


def links_in(folder: str | Path) -> Iterator[str]:
    """At any depth. By what the folders list, as a network disk is slow to be asked for each file."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:  # `summarize` may be clearing up just now
        for entry in entries:
            if entry.is_symlink():
                yield entry.path
            elif entry.is_dir(follow_symlinks=False):
                yield from links_in(entry.path)

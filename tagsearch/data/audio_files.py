"""Whether a corpus's audio files are there. What is inside shows when they are decoded."""

import stat
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagsearch.data.corpus import BadFile


def look_for(root: Path, paths: Iterable[str]) -> tuple[npt.NDArray[np.int64], tuple[BadFile, ...]]:
    """Sizes in bytes (n,), 0 for every file that cannot be used; those files with the reason. Links are followed."""
    sizes, bad = [], []
    for path in paths:
        size, complaint = _look(root / path)
        sizes.append(size)
        if complaint:
            bad.append(BadFile(path=path, reason=complaint))
    return np.array(sizes, dtype=np.int64), tuple(bad)


def _look(file: Path) -> tuple[int, str]:
    try:
        found = file.stat()
    except FileNotFoundError:
        return 0, "missing"
    except OSError as error:  # a loop of links, a folder that may not be entered, a name too long
        return 0, f"cannot be reached ({error.strerror})"
    except ValueError as error:  # a name that no file can have
        return 0, f"cannot be reached ({error})"
    if not stat.S_ISREG(found.st_mode):
        return 0, "not a regular file"
    return found.st_size, "" if found.st_size else "empty (0 bytes)"

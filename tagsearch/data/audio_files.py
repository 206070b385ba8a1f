"""Whether a corpus's audio files are there. What is inside shows when they are decoded."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagsearch.data.audio import source_of
from tagsearch.data.corpus import BadFile
from tagsearch.errors import BadAudioError


def look_for(root: Path, paths: Iterable[str]) -> tuple[npt.NDArray[np.int64], tuple[BadFile, ...]]:
    """Sizes in bytes (n,), 0 for every file that cannot be used; those files with the reason. Links are followed."""
    sizes, bad = [], []
    for path in paths:
        try:
            sizes.append(source_of(root, path).size)
        except BadAudioError as error:
            sizes.append(0)
            bad.append(BadFile(path=path, reason=error.reason, detail=error.detail))
    return np.array(sizes, dtype=np.int64), tuple(bad)

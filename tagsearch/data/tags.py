"""Which tags a study is about: the 50 usual ones of MagnaTagATune, the N most frequent ones, or all.

Everything is keyed by name, never by column: published label files disagree on the order of the last columns.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagsearch.errors import CorpusError
from tagsearch.registry import most_frequent

# The 50 most frequent tags of MagnaTagATune, most frequent first: the one place of this list.
TOP_50 = tuple(
    """guitar|classical|slow|techno|strings|drums|electronic|rock|fast|piano|ambient|beat|violin|vocal|synth|female|indian
    |opera|male|singing|vocals|no vocals|harpsichord|loud|quiet|flute|woman|male vocal|no vocal|pop|soft|sitar|solo|man
    |classic|choir|voice|new age|dance|male voice|female vocal|beats|harp|cello|no voice|weird|country|metal
    |female voice|choral""".replace("\n    ", "").split("|")
)


def named_tags(wanted: Sequence[str], *, among: Sequence[str], file: Path) -> tuple[str, ...]:
    """`wanted`, if each is a tag of `file`. Raises CorpusError that lists those which are not."""
    missing = [tag for tag in wanted if tag not in among]
    if missing:
        raise CorpusError(f"{file}:1: {len(missing)} of {len(wanted)} tags have no column: {', '.join(missing)}")
    return tuple(wanted)


def choose_tags(
    setting: str, *, tags: Sequence[str], train_labels: npt.NDArray[np.uint8], file: Path
) -> tuple[str, ...]:
    """`all`: every tag of `file`, in its order, also those without a positive training clip (metrics skip a tag that a
    split cannot measure, and say so; dropping it here would hide that the corpus has it). `top<N>`: the N with most
    positives in `train_labels` (n_train, n_tags), most frequent first, ties by name: valid and test have no say.

    Raises CorpusError if there are fewer than N tags."""
    n = most_frequent(setting)
    if n is None:
        return tuple(tags)
    if n > len(tags):
        raise CorpusError(f"tags: {setting} needs {n} tags, {file} has {len(tags)}; choose a smaller N, or all")
    counts = dict(zip(tags, train_labels.sum(axis=0, dtype=np.int64).tolist(), strict=True))
    return tuple(sorted(tags, key=lambda tag: (-counts[tag], tag))[:n])

"""Which clip is in which split: MagnaTagATune's splits by name, and the assignment of whole artists.

A split assignment is int8 (n_clips,): an index into SPLITS, or DROPPED.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tagsearch.data.works import Work
from tagsearch.records import SPLITS, Split

Assignment = npt.NDArray[np.int8]
DROPPED = -1

FOLDERS: Mapping[Split, str] = {"train": "0123456789ab", "valid": "c", "test": "def"}
HOMEWORK_FOLDERS: Mapping[Split, str] = {"train": "012ab", "valid": "c", "test": "d"}
SHARES: Mapping[Split, float] = {"train": 12 / 16, "valid": 1 / 16, "test": 3 / 16}


@dataclass(frozen=True, kw_only=True)
class SplitRule:
    """How a split of MagnaTagATune is made. `where`: the end of "the valid split needs clips with audio ...";
    `tagged_only`: clips without any of the chosen tags are in no split; `by_performer`: clips of compilations count for
    their performers; `note`: of CorpusTable, if not empty."""

    assign: Callable[[Sequence[str], Sequence[Work]], Assignment]
    where: Mapping[Split, str]
    tagged_only: bool = False
    by_performer: bool = False
    min_seconds: float = 0.0
    note: str = ""


def by_folder(folders: Mapping[Split, str], paths: Sequence[str]) -> Assignment:
    """By the first letter of the path; a folder that is not named is dropped."""
    split_of = {folder: SPLITS.index(split) for split in SPLITS for folder in folders[split]}
    return np.array([split_of.get(path[0], DROPPED) for path in paths], dtype=np.int8)


def by_group(groups: Sequence[str], shares: Mapping[Split, float]) -> Assignment:
    """Every group (an artist) in exactly one split, the clips divided as nearly in `shares` as that allows.

    Groups come in order of the SHA-256 of their name; each goes to the split that lacks the largest part of its share
    at that moment (of equal ones the first in SPLITS). So the same groups and sizes give the same split everywhere,
    from three groups on no split is empty, and a group's size has no influence on where it goes: a split's artists are
    a fair sample, their number in proportion to the shares too. The clips miss the shares by at most about one artist;
    for MagnaTagATune they are 74.6 / 6.7 / 18.7 % in 170 / 13 / 47 artists.
    """
    sizes = Counter(groups)
    targets = [len(groups) * shares[split] for split in SPLITS]
    have = [0] * len(SPLITS)
    chosen = {}
    for group in sorted(sizes, key=lambda name: hashlib.sha256(name.encode()).digest()):
        split = max(range(len(SPLITS)), key=lambda s: (targets[s] - have[s]) / targets[s])
        have[split] += sizes[group]
        chosen[group] = split
    return np.array([chosen[group] for group in groups], dtype=np.int8)


def overlap_notes(artists: npt.NDArray[np.int32], splits: Assignment) -> tuple[str, ...]:
    """A sentence on the artists of the test split that are in the training split, if any."""
    in_test, in_train = splits == SPLITS.index("test"), splits == SPLITS.index("train")
    known = np.isin(artists, artists[in_train]) & in_test
    n_known, n_artists = len(np.unique(artists[known])), len(np.unique(artists[in_test]))
    if not n_known:
        return ()
    return (
        f"{n_known} of the {n_artists} artists in test are in train too, "
        f"with {np.sum(known):,} of the {np.sum(in_test):,} test clips.",
    )


def _folder_rule(
    folders: Mapping[Split, str], *, tagged_only: bool = False, min_seconds: float = 0.0, note: str = ""
) -> SplitRule:
    return SplitRule(
        assign=lambda paths, works: by_folder(folders, paths),
        where={split: f"in folders {', '.join(folders[split])}" for split in SPLITS},
        tagged_only=tagged_only,
        min_seconds=min_seconds,
        note=note,
    )


# Sources: 12:1:3 by folder is Dieleman & Schrauwen 2014 (ICASSP); the filtered lists are those of Lee et al. 2017
# (arXiv:1703.01789; github.com/jongpillee/music_dataset_split), which also leave out clips not longer than 29.1 s; hw2
# is GCT634 (KAIST) homework 2.
SPLIT_RULES: Mapping[str, SplitRule] = {
    "12:1:3": _folder_rule(FOLDERS),
    "filtered": _folder_rule(FOLDERS, tagged_only=True, min_seconds=29.1),
    "hw2": _folder_rule(
        HOMEWORK_FOLDERS,
        tagged_only=True,
        note="The split is the homework's (train 0, 1, 2, a, b; valid c; test d): scores are not comparable with those "
        "published for 12:1:3.",
    ),
    "artist_disjoint": SplitRule(
        assign=lambda paths, works: by_group([work.artist for work in works], SHARES),
        where=dict.fromkeys(SPLITS, "of artists that are in no other split"),
        by_performer=True,
        note="Every artist is in one split only (artist_disjoint): scores are not "
        "comparable with those published for 12:1:3, where artists are in several.",
    ),
}

"""Splits by name and by artist."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsearch import registry
from tagsearch.data.splits import DROPPED, FOLDERS, HOMEWORK_FOLDERS, SHARES, SPLIT_RULES, by_folder, by_group
from tagsearch.data.works import work_of
from tagsearch.records import SPLITS

GROUPS = st.lists(st.text(max_size=3), min_size=1, max_size=60)
EVEN = {"train": 0.6, "valid": 0.2, "test": 0.2}


def test_the_twelve_one_three_split_covers_all_sixteen_folders() -> None:
    assert [len(FOLDERS[split]) for split in SPLITS] == [12, 1, 3]
    assert sorted("".join(FOLDERS.values())) == list("0123456789abcdef")


def test_the_first_letter_of_the_path_decides_and_other_folders_are_dropped() -> None:
    paths = ["0/x.mp3", "c/x.mp3", "d/x.mp3", "e/x.mp3", "3/x.mp3"]
    assert by_folder(FOLDERS, paths).tolist() == [0, 1, 2, 2, 0]
    assert by_folder(HOMEWORK_FOLDERS, paths).tolist() == [0, 1, 2, DROPPED, DROPPED]


@given(GROUPS)
def test_no_group_is_in_two_splits_and_none_is_dropped(groups: list[str]) -> None:
    splits = by_group(groups, EVEN)
    assert len({(group, split) for group, split in zip(groups, splits, strict=True)}) == len(set(groups))
    assert set(splits.tolist()) <= {0, 1, 2}


@given(GROUPS, st.randoms(use_true_random=False))
def test_the_order_of_the_clips_does_not_matter(groups: list[str], random: object) -> None:
    shuffled = sorted(groups, key=lambda _: random.random())  # type: ignore[attr-defined]
    first = dict(zip(groups, by_group(groups, EVEN).tolist(), strict=True))
    assert dict(zip(shuffled, by_group(shuffled, EVEN).tolist(), strict=True)) == first


@given(GROUPS)
def test_from_three_groups_on_no_split_is_empty(groups: list[str]) -> None:
    n_splits = len(set(by_group(groups, SHARES).tolist()))
    assert n_splits == min(3, len(set(groups)))


@given(GROUPS)
def test_no_split_exceeds_its_share_by_more_than_the_largest_group(groups: list[str]) -> None:
    largest = max(Counter(groups).values())
    counts = np.bincount(by_group(groups, EVEN), minlength=3)
    assert all(counts[s] <= EVEN[split] * len(groups) + largest for s, split in enumerate(SPLITS))


def test_many_small_groups_meet_the_shares_and_numbers_of_groups_follow_them() -> None:
    groups = [f"artist {n}" for n in range(160) for _ in range(5)]
    splits = by_group(groups, SHARES)
    assert np.bincount(splits).tolist() == [600, 50, 150]


def test_groups_come_in_order_of_the_hashes_of_their_names() -> None:
    """`printf muse | sha256sum` begins with 40, that of queen with a9, that of abba with e2."""
    assert by_group(["abba", "muse", "queen"], EVEN).tolist() == [2, 0, 1]


def test_the_artist_disjoint_rule_goes_by_artist_not_by_folder() -> None:
    rule = SPLIT_RULES["artist_disjoint"]
    paths = [f"{folder}/{artist}-album-01-song-0-29.mp3" for artist in ("a", "b", "c", "d") for folder in "0cf"]
    splits = rule.assign(paths, [work_of(path) for path in paths])
    assert all(len(set(splits[start : start + 3].tolist())) == 1 for start in range(0, 12, 3))
    assert set(splits.tolist()) == {0, 1, 2}


def test_the_registry_offers_exactly_the_rules_there_are() -> None:
    entry = registry.entry("corpus", "mtat")
    assert entry.knobs["split"].choices == tuple(SPLIT_RULES) == tuple(entry.sizes)


@pytest.mark.parametrize("name", SPLIT_RULES)
def test_every_rule_says_where_the_clips_of_each_split_come_from(name: str) -> None:
    assert set(SPLIT_RULES[name].where) == set(SPLITS)

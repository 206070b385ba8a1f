"""Head, mid and tail of the tags, by training clips."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from tagsearch.errors import StudyError
from tagsearch.study.schema import Study
from tagsearch.study.tag_groups import check_tags, places_of, tag_groups

Read = Callable[..., Study]
LOSSES = "study: x\nfactors: {loss: [bce, focal]}\nhypotheses: [{id: H, text: t, arm: focal, tags: %s}]\n"


def test_fifty_tags_are_ten_twenty_and_twenty_by_training_clips() -> None:
    counts = np.random.default_rng(0).permutation(50) * 7
    groups = tag_groups(counts)
    assert sorted(counts[groups["head"]]) == [7 * n for n in range(40, 50)]
    assert sorted(counts[groups["mid"]]) == [7 * n for n in range(20, 40)]
    assert sorted(counts[groups["tail"]]) == [7 * n for n in range(20)]
    assert groups["all"].tolist() == list(range(50))


def test_of_equally_frequent_tags_the_one_declared_first_is_the_more_frequent() -> None:
    groups = tag_groups([5, 9, 5, 5, 5])
    assert [groups[name].tolist() for name in ("head", "mid", "tail")] == [[1], [0, 2], [3, 4]]


@pytest.mark.parametrize("n", range(1, 12))
def test_every_tag_is_in_exactly_one_group(n: int) -> None:
    groups = tag_groups(np.arange(n))
    assert sorted(np.concatenate([groups["head"], groups["mid"], groups["tail"]])) == list(range(n))


@pytest.mark.parametrize(
    ("n", "sizes"), [(1, (0, 0, 1)), (2, (0, 1, 1)), (3, (1, 1, 1)), (5, (1, 2, 2)), (10, (2, 4, 4))]
)
def test_of_few_tags_the_rare_groups_are_filled_first(n: int, sizes: tuple[int, ...]) -> None:
    groups = tag_groups(np.arange(n)[::-1])
    assert (len(groups["head"]), len(groups["mid"]), len(groups["tail"])) == sizes


def test_named_tags_are_found_by_name_and_groups_by_count() -> None:
    names, counts = ("rock", "pop", "harp", "flute", "oud"), [50, 40, 3, 20, 1]
    assert places_of(("oud", "pop"), names, counts).tolist() == [1, 4]
    assert places_of("head", names, counts).tolist() == [0]
    assert places_of("tail", names, counts).tolist() == [2, 4]


def test_a_claim_about_a_tag_that_the_corpus_lacks_is_refused(read: Read) -> None:
    study = read(LOSSES % "[rock, gitar]")
    with pytest.raises(
        StudyError, match=r"^hypothesis H is about the tag 'gitar', which corpus builtin does not have; "
    ):
        check_tags(study, ("rock", "guitar"))
    check_tags(study, ("rock", "gitar"))


def test_a_claim_about_a_group_needs_no_name(read: Read) -> None:
    check_tags(read(LOSSES % "tail"), ("rock",))
    check_tags(dataclasses.replace(read(LOSSES % "tail"), hypotheses=()), ())

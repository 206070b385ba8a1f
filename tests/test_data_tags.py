"""Tag sets."""

from pathlib import Path

import numpy as np
import pytest

from tagsearch.data.tags import TOP_50, choose_tags, named_tags
from tagsearch.errors import CorpusError

FILE = Path("labels.csv")
TAGS = ("b", "a", "rare", "d")
TRAIN = np.array([[1, 1, 0, 1], [0, 0, 0, 1], [1, 1, 0, 1]], dtype=np.uint8)  # 2, 2, 0 and 3 positives


def test_the_usual_list_holds_fifty_different_tags_from_guitar_to_choral() -> None:
    assert len(set(TOP_50)) == len(TOP_50) == 50
    assert TOP_50[0] == "guitar"
    assert TOP_50[20:23] == ("vocals", "no vocals", "harpsichord")
    assert TOP_50[-3:] == ("metal", "female voice", "choral")
    assert all(tag == tag.strip() for tag in TOP_50)


def test_the_most_frequent_tags_come_first_and_ties_by_name() -> None:
    assert choose_tags("top2", tags=TAGS, train_labels=TRAIN, file=FILE) == ("d", "a")
    assert choose_tags("top4", tags=TAGS, train_labels=TRAIN, file=FILE) == ("d", "a", "b", "rare")


def test_all_keeps_every_tag_in_its_order_even_one_without_a_positive_clip() -> None:
    assert choose_tags("all", tags=TAGS, train_labels=TRAIN, file=FILE) == TAGS


def test_counts_beyond_255_clips_do_not_wrap() -> None:
    train = np.zeros((300, 2), dtype=np.uint8)
    train[:, 0] = 1  # 300 is 44 in a byte
    train[:100, 1] = 1
    assert choose_tags("top1", tags=("often", "less"), train_labels=train, file=FILE) == ("often",)


def test_more_tags_than_there_are_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"^tags: top5 needs 5 tags, labels\.csv has 4; choose a smaller N, or all$"):
        choose_tags("top5", tags=TAGS, train_labels=TRAIN, file=FILE)


def test_named_tags_that_do_not_exist_are_listed() -> None:
    with pytest.raises(CorpusError, match=r"^labels\.csv:1: 2 of 3 tags have no column: x, y$"):
        named_tags(("a", "x", "y"), among=TAGS, file=FILE)

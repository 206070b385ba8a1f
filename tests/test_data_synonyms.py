"""Merges of synonymous tags."""

import numpy as np
import pytest

from tagsearch.data.synonyms import MERGES, merge_note, merge_synonyms
from tagsearch.data.tags import TOP_50

LABELS = np.array([[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0]], dtype=np.uint8)


def test_a_merged_tag_is_positive_where_any_of_its_words_is() -> None:
    tags, labels, folded = merge_synonyms(("beat", "harp", "beats", "rock"), LABELS, (("beat", "beats"),))
    assert tags == ("beat", "harp", "rock")
    assert labels.tolist() == [[1, 0, 0], [0, 1, 1], [1, 0, 0]]
    assert folded == {"beat": ("beats",)}
    assert LABELS.tolist() == [[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0]]  # the argument is left alone


def test_where_the_first_word_is_missing_the_next_one_stays() -> None:
    tags, labels, folded = merge_synonyms(("c", "x", "b", "y"), LABELS, (("a", "b", "c"),))
    assert tags == ("x", "b", "y")
    assert labels[:, 1].tolist() == [1, 0, 1]
    assert folded == {"b": ("c",)}


def test_a_set_with_one_column_merges_nothing() -> None:
    tags, labels, folded = merge_synonyms(("a", "x", "y", "z"), LABELS, (("a", "b"),))
    assert tags == ("a", "x", "y", "z")
    assert np.array_equal(labels, LABELS)
    assert folded == {}


@pytest.mark.parametrize("name", MERGES)
def test_no_word_is_in_two_sets_of_a_merge(name: str) -> None:
    words = [word for words in MERGES[name] for word in words]
    assert len(set(words)) == len(words)
    assert all(word == word.strip() != "" for word in words)


@pytest.mark.parametrize("name", MERGES)
def test_the_word_that_stays_is_the_most_frequent_of_the_usual_fifty_in_its_set(name: str) -> None:
    for words in MERGES[name]:
        usual = sorted(set(words) & set(TOP_50), key=TOP_50.index)
        assert not usual or words[0] == usual[0]


def test_the_published_list_has_29_sets_and_the_homeworks_keeps_the_usual_fifty() -> None:
    assert len(MERGES["synonyms"]) == 29
    assert not {word for words in MERGES["homework"] for word in words[1:]} & set(TOP_50)


def test_the_note_counts_what_was_folded_into_what() -> None:
    note = merge_note({"beat": ("beats",), "female": ("woman", "women")})
    assert note == "Synonyms are merged (3 tags folded into 2): scores are not comparable with published ones."

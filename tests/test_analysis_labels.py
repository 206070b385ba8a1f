import json

import numpy as np
import pytest

from analysis.labels.labels import CorpusLabels, tags_per_clip
from tests.fake_labels import planted, table_of

# train: three clips, one untagged; valid: one clip; test: two clips. Songs 0 and 1 have two clips each.
ROWS = [[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
SONGS, ARTISTS, SPLITS = [0, 0, 1, 2, 1, 3], [7, 7, 8, 7, 8, 9], [0, 0, 0, 1, 2, 2]


@pytest.fixture
def labels():
    return CorpusLabels(table=table_of(ROWS, tags=["a", "b", "c"], songs=SONGS, artists=ARTISTS, splits=SPLITS))


def test_the_facts_of_a_split_counted_by_hand(labels):
    train = labels.splits.set_index("split").loc["train"]
    assert train[["clips", "untagged", "songs", "artists"]].tolist() == [3, 1, 2, 2]
    assert train["tags_per_clip"] == pytest.approx(3 / 3)
    assert train["tags_per_tagged_clip"] == pytest.approx(3 / 2)
    assert train["density"] == pytest.approx(3 / 9)


def test_the_counts_of_each_tag_by_split(labels):
    columns = ["n_train", "n_valid", "n_test"]
    assert labels.counts[columns].to_numpy().tolist() == [[2, 1, 1], [1, 0, 2], [0, 0, 0]]
    assert labels.counts["irlbl"].tolist() == pytest.approx([1, 2, np.nan], nan_ok=True)


def test_agreement_leaves_untagged_clips_out(labels):
    # song 1's other clip has no tag: only song 0 has siblings
    assert labels.counts["sibling_agreement"].tolist() == pytest.approx([1, 0, np.nan], nan_ok=True)
    assert labels.counts["base"].tolist() == pytest.approx([4 / 5, 3 / 5, 0])
    assert labels.counts["sibling_lift"].tolist() == pytest.approx([5 / 4, 0, np.nan], nan_ok=True)


def test_how_many_clips_have_how_many_tags(labels):
    histogram = {split: numbers.tolist() for split, numbers in tags_per_clip(labels.table).items()}
    assert histogram == {"train": [1, 1, 1], "valid": [0, 1, 0], "test": [0, 1, 1]}


@pytest.mark.parametrize(
    ("kind", "scored", "seen", "expected"),
    [
        ("songs", "test", "train", (2, 1, 1)),  # song 1
        ("artists", "test", "train", (2, 1, 1)),  # artist 8
        ("artists", "valid", "train", (1, 1, 1)),  # artist 7
        ("artists", "test", "valid", (2, 0, 0)),
    ],
)
def test_what_two_splits_share(labels, kind, scored, seen, expected):
    row = labels.shared.set_index(["kind", "scored", "seen"]).loc[(kind, scored, seen)]
    assert tuple(row[["n", "n_shared", "clips_shared"]]) == expected
    assert row["share_of_clips"] == pytest.approx(expected[2] / {"valid": 1, "test": 2}[scored])


def test_a_tag_without_positives_or_negatives_is_undefined_and_one_with_few_is_too_rare():
    n = 400
    columns = [np.zeros(n), np.ones(n), np.arange(n) < 9, np.arange(n) < 40, np.arange(n) >= 9]
    table = table_of(
        np.column_stack(columns), tags=["none", "all", "few", "enough", "few without"], splits=np.full(n, 2)
    )
    test = CorpusLabels(table=table).rare.query("split == 'test'").set_index("tag")
    assert test["why"].to_dict() == {
        "none": "undefined",
        "all": "undefined",
        "few": "too rare",
        "few without": "too rare",
    }
    assert test.loc["few", "n_positives"] == 9


def test_the_json_is_strict_and_names_the_groups_of_synonyms():
    content = CorpusLabels(table=planted(np.random.default_rng(0))).to_json()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert {frozenset(family) for family in content["synonym_families"]} == {frozenset({"word", "other word"})}
    assert content["contradictory_pairs"]["alternative"] == 1


def test_what_is_not_defined_is_null_in_the_json():
    content = CorpusLabels(table=table_of([[0], [0]])).to_json()
    assert content["imbalance"]["mean_ir"] is None
    json.dumps(content, allow_nan=False)

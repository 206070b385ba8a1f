import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cosine
from scipy.stats import false_discovery_control

from analysis.labels import tag_pairs
from analysis.labels.labels import CorpusLabels
from tests.fake_labels import planted, table_of


@pytest.fixture(scope="module")
def found():
    return CorpusLabels(table=planted(np.random.default_rng(0)))


def names(frame: pd.DataFrame) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in zip(frame["a"], frame["b"], strict=True)}


def pair(labels: CorpusLabels, *tags: str) -> pd.Series:
    rows = labels.pairs[labels.pairs["a"].isin(tags) & labels.pairs["b"].isin(tags)]
    assert len(rows) == 1
    return rows.iloc[0]


def test_the_counts_of_a_pair_counted_by_hand():
    rows = [[1, 1], [1, 1], [1, 0], [0, 1], [1, 0], [0, 0]]
    one = CorpusLabels(table=table_of(rows, tags=["often", "seldom"])).pairs.iloc[0]
    assert (one["a"], one["b"], one["n_a"], one["n_b"], one["observed"]) == ("often", "seldom", 4, 3, 2)
    assert one["p_b_given_a"] == pytest.approx(1 / 2)
    assert one["p_a_given_b"] == pytest.approx(2 / 3)


def test_independent_tags_are_expected_together_as_if_untagged_clips_were_among_them():
    # 6 clips: two independent tags on half of them would leave 6 of 8 clips with a tag, and 2 with both
    assert tag_pairs.population(np.array([4, 4]), 6) == pytest.approx(8)
    assert tag_pairs.expected_together(np.array([4, 4]), 6)[0, 1] == pytest.approx(2)


def test_nothing_is_expected_together_where_every_clip_has_one_tag():
    labels = CorpusLabels(table=table_of([[1, 0]] * 50 + [[0, 1]] * 50))
    assert labels.pairs["expected"].tolist() == [0]
    assert labels.pairs["contradiction"].tolist() == [""]


def test_a_tag_on_every_clip_is_expected_with_every_other():
    rows = [[1, 1], [1, 0], [1, 1]]
    assert CorpusLabels(table=table_of(rows)).pairs["expected"].tolist() == pytest.approx([2])


def test_profiles_are_cosines_over_the_other_tags():
    rng = np.random.default_rng(5)
    half = rng.normal(size=(8, 8))
    residual = half + half.T
    others = [2, 3, 4, 5, 6, 7]
    assert tag_pairs.profiles(residual)[0, 1] == pytest.approx(1 - cosine(residual[0, others], residual[1, others]))


def test_a_few_tags_have_no_profile():
    assert np.isnan(tag_pairs.profiles(np.ones((6, 6)))).all()


def test_the_chance_of_meeting_so_seldom_is_that_of_fisher_s_exact_test():
    from scipy.stats import fisher_exact

    pairs = pd.DataFrame({"observed": [1], "n_a": [8], "n_b": [9]})
    expected = fisher_exact([[1, 7], [8, 4]], alternative="less").pvalue  # 20 clips
    assert tag_pairs.chance_apart(pairs, 20.0, np.ones(1)) == pytest.approx([expected])


def test_alike_clips_count_as_fewer():
    pairs = pd.DataFrame({"observed": [2], "n_a": [16], "n_b": [18]})
    halved = pd.DataFrame({"observed": [1], "n_a": [8], "n_b": [9]})
    same = tag_pairs.chance_apart(halved, 20.0, np.ones(1))
    assert tag_pairs.chance_apart(pairs, 40.0, np.full(1, 2.0)) == pytest.approx(same)


def test_false_discovery_rates_are_those_of_scipy():
    chances = np.random.default_rng(6).random(40) ** 3
    assert tag_pairs.false_discovery_rate(chances) == pytest.approx(false_discovery_control(chances))


@pytest.mark.parametrize("seed", range(3))
def test_of_planted_tags_only_the_two_words_for_one_thing_are_synonyms(seed):
    labels = CorpusLabels(table=planted(np.random.default_rng(seed)))
    assert names(labels.synonyms) == {frozenset({"word", "other word"})}
    assert [set(family) for family in labels.families] == [{"word", "other word"}]


@pytest.mark.parametrize("seed", range(3))
def test_of_planted_tags_only_those_that_exclude_each_other_contradict(seed):
    labels = CorpusLabels(table=planted(np.random.default_rng(seed)))
    assert names(labels.pairs[labels.pairs["contradiction"] != ""]) == {frozenset({"up", "down"})}


def test_a_narrower_word_is_often_with_the_wider_but_no_synonym(found):
    nested = pair(found, "wide", "narrow")
    assert nested["lift"] > 2.5
    assert nested["sibling_correlation"] < 0.7
    assert np.isnan(nested["synonym_score"])


def test_the_spelling_of_tags_plays_no_part(found):
    table = planted(np.random.default_rng(0))
    renamed = table_of(
        table.labels, tags=[f"{k:02d}" for k in range(len(table.tags))], songs=table.songs, splits=table.splits
    )
    assert CorpusLabels(table=renamed).pairs["synonym_score"].tolist() == pytest.approx(
        found.pairs["synonym_score"].tolist(), nan_ok=True
    )


def test_without_siblings_synonyms_are_found_by_company():
    rng = np.random.default_rng(7)
    thing = rng.random(6000) < 0.2
    said = rng.random((6000, 2)) < 0.5
    company = np.column_stack([thing & (rng.random(6000) < 0.6) for _ in range(4)])
    rest = rng.random((6000, 5)) < 0.15
    labels = CorpusLabels(table=table_of(np.hstack([thing[:, None] & said, company | rest[:, :4], rest]), songs=None))
    assert frozenset({"tag 0", "tag 1"}) in names(labels.synonyms)
    assert pair(labels, "tag 0", "tag 1")["sibling_correlation"] is not None
    assert np.isnan(pair(labels, "tag 0", "tag 1")["sibling_correlation"])


def frame_of(**changes: float) -> pd.DataFrame:
    good = {"n_a": 200, "n_b": 100, "observed": 5, "expected": 50.0, "lift": 0.1, "q_apart": 0.001}
    return pd.DataFrame([good | {"sibling_correlation": -0.1, "profile": -0.2} | changes])


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "apart"),
        ({"sibling_correlation": -0.5}, "opposite"),
        ({"sibling_correlation": np.nan, "profile": -0.5}, "opposite"),
        ({"sibling_correlation": -0.1, "profile": -0.5}, "apart"),
        ({"profile": 0.3}, "alternative"),
        ({"q_apart": 0.2}, ""),
        ({"expected": 3.0}, ""),
        ({"lift": 0.7}, ""),
    ],
)
def test_the_kind_of_a_contradiction_follows_the_declared_rule(changes, kind):
    assert tag_pairs.contradictions(frame_of(**changes)) == [kind]


def test_groups_of_synonyms_hold_only_tags_that_are_all_synonyms_of_each_other():
    rows = [("a", "b", 0.9), ("b", "c", 0.8), ("d", "e", 0.95), ("d", "f", 0.95), ("e", "f", 0.95)]
    counts = {"a": 9, "b": 8, "c": 7, "d": 1, "e": 2, "f": 3}
    pairs = pd.DataFrame(
        [{"a": a, "b": b, "n_a": counts[a], "n_b": counts[b], "synonym_score": score} for a, b, score in rows]
    )
    assert tag_pairs.families(("a", "b", "c", "d", "e", "f", "g"), pairs) == [("f", "e", "d"), ("a", "b")]


def test_tags_of_like_company_are_neighbours_in_the_clustered_order():
    profile = np.full((6, 6), -0.5)
    for group in ((0, 3), (1, 4), (2, 5)):
        profile[np.ix_(group, group)] = 0.9
    order = tag_pairs.clustered_order(profile)
    places = {tag: place for place, tag in enumerate(order)}
    assert sorted(order) == list(range(6))
    assert all(abs(places[a] - places[b]) == 1 for a, b in ((0, 3), (1, 4), (2, 5)))

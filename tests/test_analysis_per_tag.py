import numpy as np
import pytest
from scipy import stats

from analysis.tags.per_tag import GROUP_COLUMNS, TAG_COLUMNS, by_group, per_tag
from analysis.tags.tag_effects import effect_frames, group_grid, marked_told
from tests.fake_evidence import N_ARTISTS, arm_of, evidence_of

COUNTS = [1000, 10, 100, 100, 10]  # head: tag 0; mid: tags 2 and 3; tail: tags 1 and 4
BASE = np.full((3, 5), 0.2)
GAINS = np.array([[0.02, 0.07, 0.04, 0.02, 0.09], [0.01, 0.05, 0.02, 0.02, 0.07], [0.03, 0.06, 0.03, 0.02, 0.08]])


@pytest.fixture(scope="module")
def made():
    return evidence_of(COUNTS, arm_of("bce", BASE), arm_of("focal", BASE + GAINS))


def of(frame, column, name, metric="pr_auc"):
    return frame[frame["metric"] == metric].set_index(name)[column]


def test_every_tag_has_a_row_a_metric_with_its_facts(made):
    frame = per_tag(*made, "focal")
    assert list(frame) == TAG_COLUMNS
    assert len(frame) == 2 * len(COUNTS)
    first = frame[frame["metric"] == "pr_auc"]
    assert list(first["group"]) == ["head", "tail", "mid", "mid", "tail"]
    assert list(first["n_train"]) == COUNTS
    assert list(first["n_test"]) == list(first["n_artists"]) == [1, 2, 3, 4, 5]
    assert {*frame["arm"]} == {"focal"}
    assert {*frame["than"]} == {"bce"}


def test_a_tags_difference_is_the_mean_over_seeds_with_the_t_interval(made):
    row = per_tag(*made, "focal").set_index(["metric", "tag"]).loc[("pr_auc", "tag 0")]
    half = stats.t.ppf(0.975, 2) * 0.01 / np.sqrt(3)
    assert (row["value"], row["than_value"]) == pytest.approx((0.22, 0.20))
    assert (row["delta"], row["lower"], row["upper"]) == pytest.approx((0.02, 0.02 - half, 0.02 + half))
    assert row["p"] == pytest.approx(stats.ttest_1samp([0.02, 0.01, 0.03], 0).pvalue, rel=1e-9)


def test_a_difference_is_normalised_by_what_chance_leaves(made):
    frame = per_tag(*made, "focal")
    assert of(frame, "normalised", "tag")["tag 1"] == pytest.approx(0.06 / (1 - 2 / 6))  # on 2 of 6 test clips
    assert of(frame, "normalised", "tag", "roc_auc")["tag 1"] == pytest.approx(0.06 / 0.5)


def test_marks_are_the_false_discoveries_allowed_among_the_tags_of_a_metric(made):
    frame = per_tag(*made, "focal")
    for _, found in frame.groupby("metric"):
        assert found["q"].to_numpy() == pytest.approx(stats.false_discovery_control(found["p"]))
    assert (frame["is_marked"] == (frame["q"] < 0.1)).all()
    assert frame["is_marked"].any()


def test_groups_are_means_over_their_tags(made):
    frame = by_group(*made, "focal")
    assert list(frame) == GROUP_COLUMNS
    delta = of(frame, "delta", "contrast")
    assert delta.to_dict() == pytest.approx(
        {"head": 0.02, "mid": 0.025, "tail": 0.07, "tail - head": 0.05, "slope": -0.078 / 2.8}
    )
    assert of(frame, "n_tags", "contrast").to_dict() == {"head": 1, "mid": 2, "tail": 2, "tail - head": 3, "slope": 5}


def test_the_slope_is_that_of_the_least_squares_line_over_log_counts(made):
    line = stats.linregress(np.log10(COUNTS), GAINS.mean(axis=0))
    assert of(by_group(*made, "focal"), "delta", "contrast")["slope"] == pytest.approx(line.slope)


def test_the_interval_of_a_group_is_that_of_its_mean_over_seeds(made):
    frame = by_group(*made, "focal")
    tail = GAINS[:, [1, 4]].mean(axis=1)
    expected = stats.ttest_1samp(tail, 0)
    limits = [of(frame, column, "contrast")["tail"] for column in ("lower", "upper")]
    assert limits == pytest.approx(list(expected.confidence_interval(0.95)))
    assert of(frame, "p", "contrast")["tail"] == pytest.approx(expected.pvalue, rel=1e-9)


def test_a_groups_normalised_mean_is_that_of_its_tags(made):
    normalised = of(per_tag(*made, "focal"), "normalised", "tag")
    groups = of(by_group(*made, "focal"), "normalised", "contrast")
    assert groups["tail"] == pytest.approx(normalised[["tag 1", "tag 4"]].mean())


def test_artists_that_tell_a_tag_widen_its_interval_and_no_others():
    influence = np.zeros((3, N_ARTISTS, 5))
    influence[:, :, 1] = [0.01, -0.02, 0.01, 0.0, 0.0, 0.0]
    told = arm_of("focal", BASE + GAINS.mean(axis=0), influence)
    frame = per_tag(*evidence_of(COUNTS, arm_of("bce", BASE), told), "focal")
    half = stats.t.ppf(0.975, 5) * np.sqrt(6 / 5 * 0.0006)
    widths = (of(frame, "upper", "tag") - of(frame, "lower", "tag")) / 2
    assert widths.to_numpy() == pytest.approx([0, half, 0, 0, 0], abs=1e-9)


def test_tags_without_training_clips_do_not_bend_the_slope():
    counts = [1000, 0, 100, 10, 1]
    gains = np.array([0.04, 9.0, 0.03, 0.02, 0.01])
    made = evidence_of(counts, arm_of("bce", BASE), arm_of("focal", BASE + gains))
    assert of(by_group(*made, "focal"), "delta", "contrast")["slope"] == pytest.approx(0.01)


def test_equally_frequent_tags_have_no_slope():
    made = evidence_of([7] * 5, arm_of("bce", BASE), arm_of("focal", BASE + GAINS))
    assert "slope" not in set(by_group(*made, "focal")["contrast"])


def test_an_arm_without_a_completed_trial_has_no_rows():
    made = evidence_of(COUNTS, arm_of("bce", BASE), arm_of("focal", np.zeros((0, 5))))
    assert per_tag(*made, "focal").empty
    assert by_group(*made, "focal").empty
    assert list(per_tag(*made, "focal")) == TAG_COLUMNS
    assert effect_frames(*made) == {}


def test_with_one_seed_there_are_differences_and_no_tests():
    made = evidence_of(COUNTS, arm_of("bce", BASE[:1]), arm_of("focal", BASE[:1] + GAINS[:1]))
    frame = per_tag(*made, "focal")
    assert np.isinf(frame["lower"]).all()
    assert frame["p"].isna().all()
    assert not frame["is_marked"].any()
    assert marked_told(frame) == [
        "focal: no tag can be marked; this takes two seeds or more and two test artists or more."
    ]
    assert group_grid(by_group(*made, "focal")).rows[0] == (
        "focal", "ROC AUC", "+0.020", "+0.030", "+0.080", "+0.060", "-0.033"
    )  # fmt: skip


def test_marked_tags_are_told_with_their_direction():
    gains = np.array([[0.02, 0.0, -0.05], [0.021, 0.01, -0.051], [0.019, -0.01, -0.049]])
    made = evidence_of([9, 5, 1], arm_of("bce", BASE[:, :3]), arm_of("focal", BASE[:, :3] + gains))
    (told,) = marked_told(per_tag(*made, "focal"))
    assert told == (
        "focal against bce, at a false discovery rate of 10%: better on tag 0 (ROC AUC); worse on tag 2 (ROC AUC); "
        "better on tag 0 (PR AUC); worse on tag 2 (PR AUC)."
    )

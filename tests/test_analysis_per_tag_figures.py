import numpy as np
import pytest

from analysis.report.canvas import DARK, LIGHT
from analysis.tags import per_tag_figures
from analysis.tags.per_tag import by_group, per_tag
from analysis.tags.per_tag_figures import tag_differences
from tests.fake_evidence import arm_of, evidence_of

COUNTS = [1000, 10, 100, 90, 20]
GAINS = np.array([[0.02, 0.07, 0.04, -0.02, 0.09], [0.01, 0.05, 0.02, 0.02, 0.07], [0.03, 0.06, 0.03, 0.01, 0.08]])
BASE = np.full((3, 5), 0.2)


@pytest.fixture(scope="module")
def frames():
    made = evidence_of(COUNTS, arm_of("bce", BASE), arm_of("focal", BASE + GAINS))
    return per_tag(*made, "focal"), by_group(*made, "focal")


def lines(axes, label):
    (found,) = [line for line in axes.lines if line.get_label() == label]
    return found.get_xydata()


def test_tags_are_rows_by_falling_training_clips(frames):
    axes = tag_differences(*frames).axes[0]
    names = [text.get_text() for text in axes.texts if "(" in text.get_text()]
    assert names == ["tag 0 (1,000)", "tag 2 (100)", "tag 3 (90)", "tag 4 (20)", "tag 1 (10)"]


def test_every_tag_is_a_dot_full_where_it_is_marked(frames):
    tags, _ = frames
    axes = tag_differences(*frames).axes[0]
    drawn = {"not marked": lines(axes, "not marked"), "marked": lines(axes, per_tag_figures.MARK_NAME)}
    order = [0, 2, 3, 4, 1]
    found = tags[tags["metric"] == "pr_auc"].reset_index(drop=True).loc[order]
    for name, chosen in (("marked", found["is_marked"]), ("not marked", ~found["is_marked"])):
        assert drawn[name][:, 0] == pytest.approx(found.loc[chosen, "delta"])
        assert drawn[name][:, 1] == pytest.approx(np.flatnonzero(chosen))
    assert len(drawn["marked"]) > 0 < len(drawn["not marked"])


def test_the_mean_of_a_group_spans_the_rows_of_its_tags(frames):
    axes = tag_differences(*frames).axes[0]
    dashed = [line.get_xydata() for line in axes.lines if line.get_linestyle() == "--"]
    assert [line[0, 0] for line in dashed] == pytest.approx([0.02, 0.0166667, 0.07], abs=1e-6)
    assert np.array([line[:, 1] for line in dashed]) == pytest.approx(
        np.array([(-0.45, 0.45), (0.55, 2.45), (2.55, 4.45)])
    )


def test_of_many_tags_dots_lie_over_their_training_clips_and_the_marked_are_named(frames, monkeypatch):
    monkeypatch.setattr(per_tag_figures, "MOST_ROWS", 4)
    tags, _ = frames
    axes = tag_differences(*frames, DARK).axes[0]
    assert axes.get_xscale() == "log"
    places = np.concatenate([lines(axes, name)[:, 0] for name in ("not marked", per_tag_figures.MARK_NAME)])
    assert sorted(places) == sorted(COUNTS)
    named = {text.get_text() for text in axes.texts if text.get_text().startswith("tag")}
    assert named == set(tags.loc[(tags["metric"] == "pr_auc") & tags["is_marked"], "tag"])


def test_with_one_seed_dots_have_no_interval():
    made = evidence_of(COUNTS, arm_of("bce", BASE[:1]), arm_of("focal", BASE[:1] + GAINS[:1]))
    axes = tag_differences(per_tag(*made, "focal"), by_group(*made, "focal"), LIGHT).axes[0]
    assert len(lines(axes, "not marked")) == 5
    assert all(
        len(collection.get_segments()) == 0 for collection in axes.collections if hasattr(collection, "get_segments")
    )


def test_nothing_to_compare_is_no_picture(frames):
    tags, groups = frames
    assert tag_differences(tags.iloc[:0], groups.iloc[:0]) is None

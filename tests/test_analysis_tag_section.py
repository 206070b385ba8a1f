import dataclasses
import re

import numpy as np
import pytest

from analysis.report.canvas import DARK
from analysis.report.report import write_report
from analysis.report.sections import Picture
from analysis.rundata import gather
from analysis.summary import summarize
from analysis.tags import tag_figures, tag_section
from analysis.tags.tagwise import arm_tagwise, trial_tagwise
from tagsearch import files
from tagsearch.errors import AnalysisError
from tagsearch.records import FINAL, State
from tests.fake_run import FakeRun
from tests.fake_scores import scored_trial, small_corpus

TWO_ARMS = {"bce": 1.0, "focal": 1.5}


def summarized(fake, folder, **changes):
    study = dataclasses.replace(fake.study(), **changes)
    fake.write(folder, study)
    return summarize(gather(folder, study))


def section_of(summary):
    return tag_section.tags_section(summary.run, summary.evidence)


def pictures(section):
    return [part.name for part in section.parts if isinstance(part, Picture)]


def test_every_rival_is_drawn_beside_the_baseline(tmp_path):
    section = section_of(summarized(FakeRun(signals=TWO_ARMS | {"triplet": 1.2}, seeds=2), tmp_path))
    drawn = ["tags_precision_recall", "tags_counts", "tags_effect_focal", "tags_effect_triplet"]
    assert pictures(section) == [*drawn, "tags_arm_focal", "tags_arm_triplet"]


def test_no_name_of_an_arm_takes_the_file_of_another_picture(tmp_path):
    section = section_of(summarized(FakeRun(signals={"bce": 1.0, "counts": 1.2}, seeds=1), tmp_path))
    assert len(set(pictures(section))) == len(pictures(section)) == 4


def test_of_many_arms_the_baseline_and_the_best_on_validation_are_drawn_and_all_are_in_the_table(tmp_path):
    fake = FakeRun(signals=dict.fromkeys("abcde", 1.0), seeds=2, n_clips=200)
    study = fake.study()
    fake.write(tmp_path, study)
    run = gather(tmp_path, study)
    lifted = tuple(
        dataclasses.replace(t, result=dataclasses.replace(t.result, best=0.9)) if t.spec.arm == "d" else t
        for t in run.confirm
    )
    section = section_of(summarize(dataclasses.replace(run, confirm=lifted)))
    assert pictures(section)[2:] == ["tags_effect_d", "tags_arm_d"]
    assert list(section.tables["tags"]["arm"].unique()) == list("abcde")


def test_the_best_rival_has_the_lowest_loss_where_the_objective_is_a_loss(tmp_path):
    fake = FakeRun(signals=TWO_ARMS | {"triplet": 1.2}, seeds=1, n_clips=100)
    study = dataclasses.replace(fake.study(), objective="valid/loss")
    fake.write(tmp_path, study)
    run = gather(tmp_path, study)
    losses = {"bce": 0.1, "focal": 0.3, "triplet": 0.2}
    trials = [
        dataclasses.replace(t, result=dataclasses.replace(t.result, best=losses[t.spec.arm])) for t in run.confirm
    ]
    assert tag_section.best_rival(dataclasses.replace(run, confirm=tuple(trials)), tuple(losses)) == "triplet"


def add_snapshot(run, arm, name, *, worse):
    """An early checkpoint: the final scores with noise."""
    rng = np.random.default_rng(0)
    for trial in run.confirm:
        if trial.spec.arm == arm:
            final = {split: trial.scores(split) for split in ("valid", "test")}
            early = {split: scores + rng.normal(0, worse, scores.shape) for split, scores in final.items()}
            both = {FINAL: final, name: early}
            arrays = {f"{split}/{key}": scores for key, one in both.items() for split, scores in one.items()}
            files.write_npz(trial.folder / "scores.npz", arrays)


def test_a_snapshot_is_drawn_beside_the_end_of_the_baseline(tmp_path):
    summary = summarized(FakeRun(signals=TWO_ARMS, seeds=2), tmp_path, snapshots=(2,))
    add_snapshot(summary.run, "bce", "epoch2", worse=2.0)
    section = section_of(summary)
    assert pictures(section)[-1] == "tags_snapshot_bce_epoch2"
    table = section.tables["tags"].groupby(["arm", "checkpoint"], sort=False)["pr_auc"].mean()
    assert list(table.index) == [("bce", "final"), ("focal", "final"), ("bce", "epoch2")]
    assert table["bce", "epoch2"] < table["bce", "final"]


def test_a_snapshot_that_no_trial_kept_is_told_and_not_drawn(tmp_path):
    section = section_of(summarized(FakeRun(signals=TWO_ARMS, seeds=2), tmp_path, snapshots=(2,)))
    assert pictures(section)[-1] == "tags_arm_focal"
    assert "has no confirm trial with scores of checkpoint 'epoch2'" in section.markdown()


def test_a_trial_with_damaged_scores_is_told(tmp_path):
    fake = FakeRun(signals=TWO_ARMS, seeds=3)
    study = fake.study()
    fake.write(tmp_path, study)
    run = gather(tmp_path, study)
    (run.confirm[0].folder / "scores.npz").write_bytes(b"PK broken")
    section = section_of(summarize(run))
    assert f"{run.confirm[0].spec.name} is left out tag by tag" in section.markdown()
    assert set(section.tables["tags"]["n_seeds"]) == {2, 3}


def test_a_run_without_a_completed_trial_says_so(tmp_path):
    lost = {(arm, 0): State.PENDING for arm in TWO_ARMS}
    section = section_of(summarized(FakeRun(signals=TWO_ARMS, seeds=1, lost=lost), tmp_path))
    assert "No confirm trial has completed yet." in section.markdown()
    assert not section.tables


def test_where_no_scores_can_be_read_it_is_told_why(tmp_path):
    fake = FakeRun(signals=TWO_ARMS, seeds=1)
    study = fake.study()
    fake.write(tmp_path, study)
    run = gather(tmp_path, study)
    for trial in run.confirm:
        (trial.folder / "scores.npz").unlink()
    text = section_of(summarize(run)).markdown()
    assert "completed yet" not in text
    assert "arm 'focal' has no confirm trial with scores" in text


def test_without_the_baseline_nothing_is_drawn_against_it(tmp_path):
    lost = {("bce", k): State.DIVERGED for k in range(2)}
    section = section_of(summarized(FakeRun(signals=TWO_ARMS, seeds=2, lost=lost), tmp_path))
    assert pictures(section) == ["tags_precision_recall", "tags_counts"]


def test_tags_that_no_seed_predicts_are_named(tmp_path):
    low = [[-9.0, 3.0]] * 4
    corpus = small_corpus([[1, 0], [0, 1]], [[1, 0], [1, 1], [0, 1], [0, 0]])
    trial = scored_trial(tmp_path, {FINAL: ([[4, 0], [0, 2]], low)})
    assert tag_section.never_told(trial_tagwise(corpus, trial)) == "bce never predicts 1 of 2 annotated tags: a."


def test_names_of_tags_cannot_inject_html_nor_break_a_picture(tmp_path):
    fake = FakeRun(signals=TWO_ARMS, seeds=2, n_clips=200)
    study = fake.study()
    fake.write(tmp_path, study)
    run = gather(tmp_path, study)
    odd = ("<b>x</b>", "$\\frac{$", "a|b", "x" * 90, "r&b", "plain")
    summary = summarize(dataclasses.replace(run, corpus=dataclasses.replace(run.corpus, tags=odd)))
    page = write_report(summary, tmp_path / "report").read_text()
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<b>x</b>" not in (tmp_path / "report" / "summary.md").read_text()


def test_the_easiest_tags_come_before_the_hardest(tmp_path):
    run = summarized(FakeRun(signals={"bce": 1.0}, seeds=1, n_tags=25, hypotheses=()), tmp_path).run
    easiest, hardest = tag_section.extreme_grids(arm_tagwise(run, "bce"), n_clips=600)
    values = [[float(row[3]) for row in grid.rows] for grid in (easiest, hardest)]
    assert [len(one) for one in values] == [10, 10]
    assert values[0] == sorted(values[0], reverse=True)
    assert values[1] == sorted(values[1])
    assert min(values[0]) > max(values[1])


def test_a_tag_without_a_positive_test_clip_is_named_below_the_table(tmp_path):
    trial = scored_trial(tmp_path, {FINAL: ([[4, 0], [0, 2]], [[2, 0], [0, 0]])})
    model = trial_tagwise(small_corpus([[1, 0], [0, 1]], [[1, 0], [0, 0]]), trial)
    (grid,) = tag_section.extreme_grids(model, n_clips=2)
    assert grid.notes == ("Left out, without a positive or a negative test clip: b.",)


def test_tags_without_a_test_clip_are_not_among_those_that_might_be_predicted(tmp_path):
    trial = scored_trial(tmp_path, {FINAL: ([[4, 0, 0], [0, 2, 0]], [[-2, 5, 0], [-1, 5, 0]])})
    corpus = small_corpus([[1, 0, 0], [0, 1, 0]], [[1, 0, 0], [0, 1, 0]], tags=["a", "b", "c"])
    assert tag_section.never_told(trial_tagwise(corpus, trial)) == "bce never predicts 1 of 2 annotated tags: a."


# --- figures ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    run = summarized(FakeRun(signals=TWO_ARMS, seeds=2), folder).run
    return [arm_tagwise(run, arm) for arm in TWO_ARMS]


def row_names(axes):
    return [text.get_text() for text in axes.texts]


def points(axes, label):
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return line.get_xdata()


def test_precision_and_recall_are_drawn_by_falling_training_clips(models):
    axes = tag_figures.precision_recall(models, DARK, n_clips=600).axes
    counts = [int(re.search(r"\((\d+)\)", name)[1]) for name in row_names(axes[0])]
    assert counts == sorted(models[0].frame["n_train"], reverse=True)
    order = models[0].frame.sort_values("n_train", ascending=False).index
    assert list(points(axes[1], "recall")) == list(models[1].frame.loc[order, "recall"])
    assert list(points(axes[0], "precision of chance")) == list(models[0].frame.loc[order, "n_test"] / 600)


def test_side_by_side_the_tag_that_gains_most_comes_first(models):
    bce, focal = models
    drawn = tag_figures.side_by_side(focal, bce, names=("focal", "bce"), places=(1, 0), n_clips=600)
    gains = points(drawn.axes[0], "focal") - points(drawn.axes[0], "bce")
    assert list(gains) == sorted(gains, reverse=True)
    assert gains.mean() == pytest.approx((focal.frame["pr_auc"] - bce.frame["pr_auc"]).mean())
    assert points(drawn.axes[0], "chance").mean() == pytest.approx(bce.frame["n_test"].mean() / 600)


def test_the_counts_of_every_panel_share_one_axis(models):
    axes = tag_figures.tag_counts(models).axes
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert sorted(points(axes[1], "predicted")) == sorted(models[1].frame["n_predicted"])


def test_a_tag_never_predicted_is_marked(tmp_path):
    trial = scored_trial(tmp_path, {FINAL: ([[4, 0], [0, 2]], [[-9, 3], [-9, 3]])})
    model = trial_tagwise(small_corpus([[1, 0], [0, 1]], [[1, 0], [1, 1]]), trial)
    (axes,) = tag_figures.precision_recall([model], n_clips=2).axes
    assert list(points(axes, "never predicted")) == [0]


def test_a_trial_of_which_no_tag_can_be_scored_is_refused(tmp_path):
    corpus = small_corpus([[1, 0], [0, 1]], [[1, 0], [1, 0]])
    corpus.save(tmp_path / "corpus.npz")
    trial = scored_trial(tmp_path, {FINAL: ([[4, 0], [0, 2]], [[1, 0], [1, 0]])})
    with pytest.raises(AnalysisError, match="no tag has both a positive and a negative clip"):
        tag_figures.trial_figures(tmp_path, trial)

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from analysis.report.experiments import arms_by_factor, experiments
from analysis.report.sections import Picture, outline
from analysis.rundata import gather
from analysis.summary import summarize
from analysis.tags.clip_section import clips_section
from analysis.tags.inspection import TagPairs
from tagsearch.records import FINAL, State
from tagsearch.study.schema import Arm
from tests.fake_run import FakeRun, summary_of

FAKE = FakeRun(signals={"bce": 1.0, "focal": 1.5, "wide": 1.2, "both": 1.6}, n_clips=150, seeds=3, hypotheses=())
LEVELS = {
    "bce": {"loss": "bce", "width": "32"},
    "focal": {"loss": "focal", "width": "32"},
    "wide": {"loss": "bce", "width": "64"},
    "both": {"loss": "focal", "width": "64"},
}


def study_of_two_factors(fake=FAKE):
    arms = tuple(Arm(name=name, levels=LEVELS[name], config=fake.config(name)) for name in LEVELS)
    return replace(fake.study(), arms=arms, design="grid", factors={"loss": ("bce", "focal"), "width": ("32", "64")})


@pytest.fixture(scope="module")
def two_factors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    FAKE.write(folder)
    summary = summarize(gather(folder, study_of_two_factors()))
    return summary, experiments(summary, TagPairs())


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    return summary_of(FakeRun(signals={"bce": 1.0, "focal": 1.5}), tmp_path_factory.mktemp("run"))


def anchors(section):
    return [heading.section.anchor for heading in outline([section])][1:]


def test_every_factor_has_the_arms_that_change_it_alone():
    assert arms_by_factor(study_of_two_factors()) == {"loss": ("focal",), "width": ("wide",)}


def test_a_single_factor_has_no_section_of_its_own(summary):
    assert arms_by_factor(summary.run.study) == {}
    section = experiments(summary, TagPairs())
    assert anchors(section) == ["comparison", "training", "search", "tags", "clips"]
    assert "learning_curves" in [part.name for part in section.sections[0].parts if isinstance(part, Picture)]


def test_arms_that_are_declared_one_by_one_have_no_factor():
    arms = tuple(Arm(name=name, levels={}, config=FAKE.config(name)) for name in LEVELS)
    assert arms_by_factor(replace(FAKE.study(), arms=arms, design="explicit", factors={})) == {}


def test_a_study_of_two_factors_has_a_section_each(two_factors):
    assert anchors(two_factors[1]) == [
        *("comparison", "factor-loss", "factor-width", "training", "search", "tags", "clips")
    ]


def test_the_table_of_a_factor_has_the_baseline_and_its_arms_and_no_other(two_factors):
    loss, width = two_factors[1].sections[1:3]
    assert [row[0] for row in loss.parts[0].rows] == ["bce", "focal"]
    assert [row[0] for row in width.parts[0].rows] == ["bce", "wide"]


def test_pictures_of_a_factor_are_drawn_once_under_names_of_their_own(two_factors):
    headings = outline([two_factors[1]])
    names = [part.name for heading in headings for part in heading.section.parts if isinstance(part, Picture)]
    assert len(set(names)) == len(names)
    assert {"learning_curves_loss", "learning_curves_width", "tags_arm_focal", "tags_arm_wide"} <= set(names)
    assert "learning_curves" not in names


def test_a_factor_s_curves_are_told_for_its_arms_alone(two_factors):
    parts = two_factors[1].sections[1].parts
    (curves,) = [part for part in parts if getattr(part, "name", "") == "learning_curves_loss"]
    assert "focal ends at" in curves.alt
    assert "wide" not in curves.alt


def test_the_forest_is_told_with_its_intervals(summary):
    section = experiments(summary, TagPairs()).sections[0]
    (forest,) = [part for part in section.parts if getattr(part, "name", "") == "forest"]
    row = summary.comparison.iloc[1]
    assert f"focal - bce: ROC AUC +{row['roc_delta']:.3f}"[:30] in forest.alt
    assert "PR AUC +" in forest.alt


# --- the table of arms -----------------------------------------------------------------------------------------------


def test_the_difference_on_rare_tags_is_that_of_scikit_learn_s_average_precision(summary):
    run, rare = summary.run, [3, 4, 5]  # of six tags head has one and mid two
    assert set(np.argsort(run.corpus.train_counts)[:3]) == set(rare)
    labels = run.corpus.labels[run.corpus.rows("test")][:, rare]
    means = {}
    for arm in ("bce", "focal"):
        scores = [trial.scores("test", FINAL)[:, rare] for trial in run.confirm if trial.spec.arm == arm]
        means[arm] = np.mean([average_precision_score(labels, one, average="macro") for one in scores])
    row = summary.arms.set_index("arm").loc["focal"]
    assert row["tail_delta"] == pytest.approx(means["focal"] - means["bce"], rel=1e-5)
    assert row["tail_lower"] < row["tail_delta"] < row["tail_upper"]


def test_the_interval_for_these_very_clips_is_narrower_than_the_one_for_new_artists(summary):
    row = summary.arms.set_index("arm").loc["focal"]
    assert row["roc_lower"] < row["roc_bench_lower"] < row["roc_delta"] < row["roc_bench_upper"] < row["roc_upper"]


def test_seeds_that_beat_the_baseline_tuning_epochs_and_clips_are_counted(summary):
    row = summary.arms.set_index("arm").loc["focal"]
    assert (row["roc_better"], row["pr_better"]) == (5, 5)
    assert (row["n_configs"], row["tune_epochs"]) == (3, 6)
    assert (row["epochs"], row["clips_drawn"], row["hours"]) == (4, 1000, 0)
    assert row["mega_macs"] > 0


def test_the_baseline_is_compared_with_nothing(summary):
    row = summary.arms.set_index("arm").loc["bce"]
    assert np.isnan(row[["roc_delta", "roc_bench_lower", "roc_better", "tail_delta"]].astype(float)).all()
    assert row["gates_failed"] == ""


def test_gates_that_failed_are_named(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.5}, n_clips=150, tuned=False, clips_drawn={"focal": 5000})
    assert summary_of(fake, tmp_path).arms["gates_failed"].tolist() == ["", "G2, G4"]


def test_a_run_that_has_only_begun_has_its_arms_without_numbers(tmp_path):
    lost = {(arm, k): State.PENDING for arm in FAKE.signals for k in range(3)}
    frame = summary_of(replace(FAKE, lost=lost), tmp_path).arms
    assert list(frame["arm"]) == list(FAKE.signals)
    assert frame[["tail_delta", "jsd", "epochs", "clips_drawn"]].isna().all(axis=None)


def test_the_csv_has_every_column_and_the_terminal_the_narrow_table(summary):
    assert "tail_delta" in summary.render("csv").splitlines()[0]
    assert "tail" not in summary.render("table")


def test_excerpts_of_clips_outside_the_test_split_are_left_out_and_told(summary, monkeypatch):
    stranger = type("Excerpt", (), {"tag": "tag 0", "row": 0, "start": 0.0, "seconds": 1.0})()
    monkeypatch.setattr("analysis.tags.clip_section.read_excerpts", lambda folder: (stranger,))
    told = clips_section(summary.run, summary.evidence, TagPairs()).markdown()
    assert "Excerpts that are of no test clip are left out: tag 0 (row 0)." in told
    assert "holds no audio of its test clips" in told

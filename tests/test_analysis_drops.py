import dataclasses

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score

from analysis.rundata import gather
from analysis.search.drops import drops, reading
from analysis.verdict.evidence import collect
from tests.fake_run import FakeRun
from tests.fake_tune import Tried, tuned_run

TWO = {"bce": 1.0, "focal": 1.5}


def run_of(folder, **options):
    fake = FakeRun(signals=TWO, n_clips=150, n_artists=20, **options)
    return gather(folder, fake.write(folder))


def test_the_drop_is_the_history_s_score_less_scikit_learn_s_on_test(tmp_path):
    run = run_of(tmp_path)
    row = drops(run, collect(run), []).set_index("arm").loc["focal"]
    labels = run.corpus.labels[run.corpus.rows("test")]
    trials = [trial for trial in run.confirm if trial.spec.arm == "focal"]
    test = [average_precision_score(labels, trial.scores("test"), average="macro") for trial in trials]
    lost = [trial.history[-1]["valid/pr_auc"] - one for trial, one in zip(trials, test, strict=True)]
    assert row["test"] == pytest.approx(np.mean(test))
    assert row["drop"] == pytest.approx(np.mean(lost), abs=1e-6)  # per-tag scores are stored in float32
    assert row["drop_sd"] == pytest.approx(np.std(lost, ddof=1), abs=1e-6)
    assert (row["n_seeds"], row["n_tags"]) == (5, 6)


def test_a_drop_beyond_the_baseline_s_has_welch_s_interval_over_seeds(tmp_path):
    run = run_of(tmp_path)
    row = drops(run, collect(run), []).set_index("arm").loc["focal"]
    lost = {arm: [] for arm in TWO}
    labels = run.corpus.labels[run.corpus.rows("test")]
    for trial in sorted(run.confirm, key=lambda trial: trial.spec.seed):
        test = average_precision_score(labels, trial.scores("test"), average="macro")
        lost[trial.spec.arm].append(trial.history[-1]["valid/pr_auc"] - test)
    limits = stats.ttest_ind(lost["focal"], lost["bce"], equal_var=False).confidence_interval(0.95)
    assert (row["beyond"] - row["half"], row["beyond"] + row["half"]) == pytest.approx(tuple(limits), abs=1e-6)


def test_tags_that_validation_does_not_define_are_left_out_of_both(tmp_path):
    run = run_of(tmp_path)
    labels = run.corpus.labels.copy()
    labels[run.corpus.rows("valid"), 2] = 0
    run = dataclasses.replace(run, corpus=dataclasses.replace(run.corpus, labels=labels))
    row = drops(run, collect(run), []).iloc[0]
    scores = [trial.scores("test") for trial in run.confirm if trial.spec.arm == "bce"]
    kept = [0, 1, 3, 4, 5]
    truth = labels[run.corpus.rows("test")][:, kept]
    assert row["n_tags"] == 5
    assert row["test"] == pytest.approx(np.mean([average_precision_score(truth, one[:, kept]) for one in scores]))


def test_a_loss_as_objective_is_told_by_both_metrics(tmp_path):
    run = run_of(tmp_path)
    run = dataclasses.replace(run, study=dataclasses.replace(run.study, objective="valid/loss"))
    frame = drops(run, collect(run), [])
    assert list(frame["metric"]) == ["roc_auc", "roc_auc", "pr_auc", "pr_auc"]
    assert frame["chosen"].isna().all()


def test_the_value_when_chosen_is_the_tune_trial_s(tmp_path):
    run = tuned_run(tmp_path, {"bce": [Tried(value=0.31), Tried(value=0.42)], "focal": [Tried(value=0.25)]})
    assert drops(run, collect(run), [])["chosen"].tolist() == [0.42, 0.25]


def test_a_trial_without_its_scores_by_tag_is_noted(tmp_path):
    run = run_of(tmp_path)
    (run.confirm[0].folder / "per_tag.npz").unlink()
    notes = []
    frame = drops(run, collect(run), notes)
    assert frame["n_seeds"].tolist() == [4, 5]
    assert [note.split(": ")[0] for note in notes] == [f"{run.confirm[0].spec.name} is left out of the drops"]


def test_one_seed_tells_no_drop_from_another(tmp_path):
    run = run_of(tmp_path, seeds=1)
    assert reading(run, drops(run, collect(run), [])).startswith("One seed an arm: no drop can be told")


@pytest.mark.parametrize(("beyond", "half", "words"), [
    (0.03, 0.01, "focal 0.030 (PR AUC). Judge these arms by the test split."),
    (0.03, 0.04, "No arm loses more from validation to test than bce"),
    (-0.03, 0.01, "No arm loses more from validation to test than bce"),
])  # fmt: skip
def test_only_a_drop_beyond_the_spread_of_the_seeds_is_told(tmp_path, beyond, half, words):
    run = run_of(tmp_path)
    frame = drops(run, collect(run), [])
    frame.loc[frame["arm"] == "focal", ["beyond", "half"]] = beyond, half
    assert words in reading(run, frame)


def test_arms_without_a_completed_trial_have_no_drop(tmp_path):
    run = dataclasses.replace(run_of(tmp_path), confirm=())
    assert drops(run, collect(run), []).empty

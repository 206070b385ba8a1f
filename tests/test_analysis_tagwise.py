import dataclasses

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

from analysis.rundata import gather
from analysis.tags import tagwise
from tagsearch.errors import AnalysisError, RecordError
from tagsearch.records import FINAL, State
from tests.fake_run import FakeRun
from tests.fake_scores import scored_trial, small_corpus

VALID = [[1, 0], [1, 0], [0, 1], [0, 0]]
VALID_SCORES = [[4, 0], [3, 1], [0, 2], [-9, -9]]  # the third highest is 2, the next 1: the threshold is 1.5
TEST = [[1, 0], [1, 1], [0, 1], [0, 0]]
TEST_SCORES = [[2, 1], [1, 2], [3, 0], [1, 1.4]]  # above 1.5: a on clips 0 and 2, b on clip 1


@pytest.fixture
def by_hand(tmp_path):
    corpus = small_corpus(VALID, TEST)
    return tagwise.trial_tagwise(corpus, scored_trial(tmp_path, {FINAL: (VALID_SCORES, TEST_SCORES)}))


def test_the_threshold_is_fitted_on_validation_and_decides_on_test(by_hand):
    assert by_hand.frame["threshold"].tolist() == [1.5, 1.5]
    assert by_hand.frame["n_predicted"].tolist() == [2, 1]
    assert by_hand.frame["precision"].tolist() == [0.5, 1.0]
    assert by_hand.frame["recall"].tolist() == [0.5, 0.5]
    assert by_hand.frame["f1"].tolist() == pytest.approx([0.5, 2 / 3])


def test_top_k_gives_every_clip_its_highest_scores(by_hand):
    assert by_hand.k == 1  # four annotations on three annotated validation clips
    assert by_hand.frame["n_predicted_at_k"].tolist() == [2, 2]  # clips 0 and 2 get a, clips 1 and 3 get b
    assert by_hand.frame["precision_at_k"].tolist() == [0.5, 0.5]


def test_the_model_as_a_whole_is_told_by_micro_figures(by_hand):
    assert by_hand.totals.precision == pytest.approx(2 / 3)
    assert by_hand.totals.recall == 0.5
    assert by_hand.totals.n_never == 0


def test_counts_are_those_of_the_splits(by_hand):
    assert by_hand.frame[["n_train", "n_valid", "n_test"]].values.tolist() == [[1, 2, 2], [1, 1, 2]]


def test_equal_scores_go_to_the_tags_declared_first():
    assert tagwise.top_k(np.zeros((1, 4)), 2).tolist() == [[True, True, False, False]]


@pytest.mark.parametrize("k", [0, 4])
def test_a_k_that_no_clip_can_have_is_refused(k):
    with pytest.raises(AnalysisError, match=f"from 1 to the number of tags, 3, not {k}"):
        tagwise.top_k(np.zeros((2, 3)), k)


def test_the_threshold_predicts_as_many_tags_as_are_annotated():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(50, 4)), rng.random((50, 4)) < 0.2
    assert (scores > tagwise.count_threshold(scores, labels.astype(int))).sum() == labels.sum()


@pytest.mark.parametrize(("label", "expected"), [(0, 0), (1, 8)])
def test_the_threshold_of_no_and_of_all_tags_predicts_none_and_all(label, expected):
    scores = np.arange(8.0).reshape(4, 2)
    assert (scores > tagwise.count_threshold(scores, np.full((4, 2), label))).sum() == expected


def test_every_measure_is_scikit_learn_s(tmp_path):
    run = gather(tmp_path, FakeRun(signals={"bce": 1.0, "focal": 1.5}, seeds=1).write(tmp_path))
    corpus, trial = run.corpus, run.confirm[0]
    labels, scores = corpus.labels[corpus.rows("test")], trial.scores("test")
    frame = tagwise.trial_tagwise(corpus, trial).frame
    decided = scores > frame["threshold"][0]
    for i in range(labels.shape[1]):
        assert frame["roc_auc"][i] == pytest.approx(roc_auc_score(labels[:, i], scores[:, i]))
        assert frame["pr_auc"][i] == pytest.approx(average_precision_score(labels[:, i], scores[:, i]))
        assert frame["precision"][i] == pytest.approx(precision_score(labels[:, i], decided[:, i]))
        assert frame["recall"][i] == pytest.approx(recall_score(labels[:, i], decided[:, i]))
        assert frame["f1"][i] == pytest.approx(f1_score(labels[:, i], decided[:, i]))


def test_the_divergence_is_scipy_s_distance_squared():
    annotated, predicted = np.array([30, 5, 5, 0]), np.array([50, 3, 0, 7])
    expected = jensenshannon(annotated, predicted, base=2) ** 2
    assert tagwise.shannon_divergence(annotated, predicted) == pytest.approx(expected)


@pytest.mark.parametrize(("predicted", "expected"), [([4, 2, 0], 0.0), ([0, 0, 9], 1.0)])
def test_the_divergence_is_0_for_the_same_shares_and_1_for_no_tag_in_common(predicted, expected):
    assert tagwise.shannon_divergence([2, 1, 0], predicted) == pytest.approx(expected, abs=1e-12)


def test_a_model_that_predicts_nothing_has_no_divergence_and_leaves_every_annotated_tag_out(tmp_path):
    low = [[-9.0, -9.0]] * 4
    trial = scored_trial(tmp_path, {FINAL: (VALID_SCORES, low)})
    model = tagwise.trial_tagwise(small_corpus(VALID, TEST), trial)
    assert np.isnan(model.totals.jsd)
    assert model.never == ("a", "b")
    assert model.frame["precision"].isna().all()
    assert model.frame["f1"].tolist() == [0, 0]


def test_a_tag_without_a_positive_test_clip_has_no_auc_no_recall_and_is_not_missed(tmp_path):
    corpus = small_corpus(VALID, [[1, 0], [0, 0]])
    trial = scored_trial(tmp_path, {FINAL: (VALID_SCORES, [[2, 0], [0, 0]])})
    model = tagwise.trial_tagwise(corpus, trial)
    assert model.frame.loc[1, ["roc_auc", "pr_auc", "recall"]].isna().all()
    assert model.never == ()


def test_a_corpus_of_one_tag_is_scored_too(tmp_path):
    trial = scored_trial(tmp_path, {FINAL: ([[1], [0]], [[2], [0], [3]])})
    model = tagwise.trial_tagwise(small_corpus([[1], [0]], [[1], [0], [0]]), trial)
    assert model.frame.loc[0, ["precision", "recall"]].tolist() == [0.5, 1.0]


def test_scores_of_another_shape_are_refused(tmp_path):
    trial = scored_trial(tmp_path, {FINAL: (VALID_SCORES, [[1, 2]])})
    with pytest.raises(RecordError, match=r"test scores of shape \(1, 2\), not \(4, 2\)"):
        tagwise.trial_tagwise(small_corpus(VALID, TEST), trial)


def test_scores_that_are_no_numbers_are_refused(tmp_path):
    trial = scored_trial(tmp_path, {FINAL: ([[np.nan, 1], *VALID_SCORES[1:]], TEST_SCORES)})
    with pytest.raises(AnalysisError, match=r"1 valid scores are NaN"):
        tagwise.trial_tagwise(small_corpus(VALID, TEST), trial)


# --- several seeds ---------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path):
    lost = {("bce", 1): State.DIVERGED}
    return gather(tmp_path, FakeRun(signals={"bce": 0.7, "focal": 1.5}, seeds=3, lost=lost).write(tmp_path))


def trials_of(run, arm):
    return sorted((t for t in run.confirm if t.spec.arm == arm), key=lambda trial: trial.spec.seed)


def test_an_arm_is_the_mean_and_sd_of_its_seeds(run):
    single = [tagwise.trial_tagwise(run.corpus, trial) for trial in trials_of(run, "focal")]
    arm = tagwise.arm_tagwise(run, "focal")
    recalls = np.array([one.frame["recall"] for one in single])
    assert arm.frame["recall"].tolist() == pytest.approx(recalls.mean(axis=0).tolist())
    assert arm.frame["recall_sd"].tolist() == pytest.approx(recalls.std(axis=0, ddof=1).tolist())
    divergences = [one.totals.jsd for one in single]
    assert (arm.totals.jsd, arm.spread.jsd) == pytest.approx((np.mean(divergences), np.std(divergences, ddof=1)))


def test_a_diverged_trial_is_none_of_the_seeds(run):
    seeds = run.study.confirm_seeds
    assert tagwise.arm_tagwise(run, "bce").seeds == (seeds[0], seeds[2])


def test_a_measure_that_only_some_seeds_have_is_their_mean(tmp_path):
    corpus = small_corpus(VALID, TEST)
    nothing = [[-9.0, -9.0]] * 4
    made = {1: TEST_SCORES, 2: nothing}
    trials = [scored_trial(tmp_path, {FINAL: (VALID_SCORES, test)}, seed=seed) for seed, test in made.items()]
    study = FakeRun(signals={"bce": 1.0, "focal": 1.0}).study()
    corpus.save(tmp_path / "corpus.npz")
    run = dataclasses.replace(gather(tmp_path, study), confirm=tuple(trials))
    arm = tagwise.arm_tagwise(run, "bce")
    assert arm.frame["precision"].tolist() == [0.5, 1.0]  # of seed 1 alone
    assert arm.frame["recall"].tolist() == [0.25, 0.25]
    assert arm.frame["precision_sd"].isna().all()
    assert arm.frame["n_never"].tolist() == [1, 1]
    assert arm.never == ()


def test_a_trial_whose_scores_are_unreadable_is_left_out_with_a_note(run):
    first, *_ = trials_of(run, "focal")
    (first.folder / "scores.npz").write_bytes(b"PK broken")
    arm = tagwise.arm_tagwise(run, "focal")
    assert first.spec.seed not in arm.seeds
    assert len(arm.seeds) == 2
    (note,) = arm.notes
    assert note.startswith(f"{first.spec.name} is left out tag by tag: ")
    assert "damaged" in note


def test_a_checkpoint_that_no_trial_has_is_refused(run):
    with pytest.raises(AnalysisError, match=r"arm 'focal' has no confirm trial with scores of checkpoint 'epoch2': .*"):
        tagwise.arm_tagwise(run, "focal", "epoch2")


def test_an_arm_of_which_nothing_completed_is_refused(run):
    run = dataclasses.replace(run, confirm=())
    with pytest.raises(AnalysisError, match="none has completed"):
        tagwise.arm_tagwise(run, "focal")


def test_differences_are_the_first_less_the_second(run):
    focal, bce = (tagwise.arm_tagwise(run, arm) for arm in ("focal", "bce"))
    delta = tagwise.differences(focal, bce)
    assert delta["pr_auc"].tolist() == pytest.approx((focal.frame["pr_auc"] - bce.frame["pr_auc"]).tolist())
    assert delta["n_test"].tolist() == bce.frame["n_test"].tolist()
    assert (delta["pr_auc"] > 0).all()  # twice the signal


def test_models_of_different_tags_are_not_set_side_by_side(run, by_hand):
    with pytest.raises(AnalysisError, match="have different tags"):
        tagwise.differences(tagwise.arm_tagwise(run, "focal"), by_hand)

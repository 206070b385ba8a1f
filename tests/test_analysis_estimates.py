"""What claims estimate on a whole run, against scikit-learn and scipy."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import average_precision_score, roc_auc_score

from analysis.rundata import gather
from analysis.verdict.evidence import collect
from tagsearch.study.contrasts import versus
from tagsearch.study.endpoints import Endpoint
from tagsearch.study.schema import Contrast
from tests.fake_claims import LINE, hypothesis, part
from tests.fake_run import FakeRun


@pytest.fixture(scope="module")
def fake_run(tmp_path_factory):
    fake = FakeRun(
        signals={"a": 1.0, "b": 1.3, "c": 1.5},
        n_clips=300,
        n_tags=10,
        seeds=3,
        snapshots={2: 0.5},
        models={"c": "cnn2d"},
        hypotheses=(
            hypothesis(part(versus("b", "a"), metrics=("balance",))),
            hypothesis(part(versus("b", "a"), metrics=("balance",), checkpoint="epoch2"), id="h2"),
        ),
    )
    folder = tmp_path_factory.mktemp("run")
    run = gather(folder, fake.write(folder))
    return run, collect(run)


def scores_of(run, arm, split="test", checkpoint="final"):
    trials = sorted((trial for trial in run.confirm if trial.spec.arm == arm), key=lambda trial: trial.spec.seed)
    return [trial.scores(split, checkpoint) for trial in trials]


def by_sklearn(run, arm, tags, metric=average_precision_score, checkpoint="final"):
    """(K,), the mean over these tags."""
    labels = run.corpus.labels[run.corpus.rows("test")]
    return np.array(
        [
            np.mean([metric(labels[:, tag], scores[:, tag]) for tag in tags])
            for scores in scores_of(run, arm, checkpoint=checkpoint)
        ]
    )


def falling(run):
    """Tags by falling number of training clips."""
    return np.argsort(-run.corpus.labels[run.corpus.rows("train")].sum(axis=0, dtype=int), kind="stable")


# --- estimates by hand -----------------------------------------------------------------------------------------------


def test_a_group_of_tags_is_chosen_by_training_clips_and_averaged(fake_run):
    run, evidence = fake_run
    tail = falling(run)[6:]
    estimate = evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc", tags="tail"))
    assert estimate.value == pytest.approx(np.mean(by_sklearn(run, "b", tail) - by_sklearn(run, "a", tail)))


def test_beyond_subtracts_the_other_group_s_effect_seed_by_seed(fake_run):
    run, evidence = fake_run
    order = falling(run)
    per_seed = [
        by_sklearn(run, "b", tags, roc_auc_score) - by_sklearn(run, "a", tags, roc_auc_score)
        for tags in (order[6:], order[:2])
    ]
    estimate = evidence.estimate(versus("b", "a"), Endpoint(metric="roc_auc", tags="tail", beyond="head"))
    assert estimate.paired
    assert estimate.per_seed == pytest.approx(per_seed[0] - per_seed[1])
    assert estimate.seed_variance == pytest.approx(np.var(per_seed[0] - per_seed[1], ddof=1) / 3)


def test_named_tags_are_those_tags(fake_run):
    run, evidence = fake_run
    estimate = evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc", tags=("tag 7", "tag 2")))
    assert estimate.value == pytest.approx(np.mean(by_sklearn(run, "b", (2, 7)) - by_sklearn(run, "a", (2, 7))))


def test_a_snapshot_is_judged_by_its_own_scores(fake_run):
    run, evidence = fake_run
    tags = range(10)
    early = np.mean(by_sklearn(run, "b", tags, checkpoint="epoch2") - by_sklearn(run, "a", tags, checkpoint="epoch2"))
    estimate = evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc", checkpoint="epoch2"))
    assert estimate.value == pytest.approx(early)
    assert estimate.value != evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc")).value


@pytest.mark.parametrize("checkpoint", ["final", "epoch2"])
def test_balance_compares_divergences_at_a_threshold_that_validation_fixes(fake_run, checkpoint):
    run, evidence = fake_run

    def log_divergences(arm):
        valid, test = (run.corpus.labels[run.corpus.rows(split)] for split in ("valid", "test"))
        found = []
        for on_valid, on_test in zip(
            scores_of(run, arm, "valid", checkpoint), scores_of(run, arm, "test", checkpoint), strict=True
        ):
            last, first = np.sort(on_valid.ravel().astype(float))[::-1][[valid.sum() - 1, valid.sum()]]
            counts = (on_test > (last + first) / 2).sum(axis=0)  # as many on validation as are annotated
            found.append(np.log(jensenshannon(test.sum(axis=0), counts, base=2) ** 2))
        return np.array(found)

    estimate = evidence.estimate(versus("b", "a"), Endpoint(metric="balance", checkpoint=checkpoint))
    assert estimate.value == pytest.approx(np.mean(log_divergences("a") - log_divergences("b")))


def test_a_line_through_arms_of_one_architecture_is_paired_and_through_two_is_not(fake_run):
    _, evidence = fake_run
    assert evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc")).paired
    assert not evidence.estimate(LINE, Endpoint(metric="pr_auc")).paired


def test_a_contrast_of_unpaired_arms_adds_their_weighted_variances(fake_run):
    run, evidence = fake_run
    weights = {"a": -0.75, "b": -0.25, "c": 1.0}
    values = {arm: by_sklearn(run, arm, range(10)) for arm in weights}
    estimate = evidence.estimate(Contrast(name="x", weights=weights), Endpoint(metric="pr_auc"))
    assert estimate.value == pytest.approx(sum(weights[arm] * values[arm].mean() for arm in weights))
    parts = [weights[arm] ** 2 * values[arm].var(ddof=1) / 3 for arm in weights]
    assert estimate.seed_variance == pytest.approx(sum(parts))
    assert estimate.seed_df == pytest.approx(sum(parts) ** 2 / sum(one**2 / 2 for one in parts))


def test_an_arm_of_weight_zero_adds_no_doubt(fake_run):
    _, evidence = fake_run
    ends = evidence.estimate(versus("c", "a"), Endpoint(metric="pr_auc"))
    line = evidence.estimate(LINE, Endpoint(metric="pr_auc"))
    assert (line.value, line.seed_variance) == pytest.approx((ends.value, ends.seed_variance))


def test_balance_that_no_part_claims_is_not_measured(tmp_path):
    fake = FakeRun(signals={"a": 1.0, "b": 1.6}, n_clips=200, seeds=2)
    evidence = collect(gather(tmp_path, fake.write(tmp_path)))
    assert evidence.estimate(versus("b", "a"), Endpoint(metric="balance")) is None


def test_a_group_s_tags_that_cannot_be_scored_are_left_out_of_its_mean(tmp_path):
    fake = FakeRun(signals={"a": 1.0, "b": 1.6}, n_clips=300, n_tags=10, seeds=2)
    run = gather(tmp_path, fake.write(tmp_path))
    order = falling(run)
    run.corpus.labels[run.corpus.rows("test"), order[1]] = 0  # of a head of two
    evidence = collect(run)
    one = evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc", tags="head"))
    expected = by_sklearn(run, "b", order[:1]) - by_sklearn(run, "a", order[:1])
    assert one.value == pytest.approx(expected.mean())
    assert evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc", tags=(f"tag {order[1]}",))) is None


def test_a_claim_about_named_tags_is_open_where_one_of_them_cannot_be_scored(tmp_path):
    fake = FakeRun(signals={"a": 1.0, "b": 1.6}, n_clips=300, n_tags=10, seeds=2)
    run = gather(tmp_path, fake.write(tmp_path))
    run.corpus.labels[run.corpus.rows("test"), 3] = 0
    evidence = collect(run)
    assert evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc", tags=("tag 2",))) is not None
    for other in ("tag 3", "tag 99"):
        assert evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc", tags=("tag 2", other))) is None

"""What a run's replicates show of the noise, and that a later plan reads it."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from analysis.rundata import gather
from analysis.verdict.noise import noise_record
from tagsearch.files import write_json
from tagsearch.records import State
from tagsearch.study.noise import NOISE_FILE, find_earlier, upper_bound
from tests.fake_run import FakeRun, claim, summary_of

FAKE = FakeRun(signals={"bce": 1.0, "focal": 1.2, "asl": 1.1}, n_clips=200, n_artists=20, tuned=False)


def rows_of(fake: FakeRun, folder: Path) -> dict[str, dict]:
    summary = summary_of(fake, folder)
    return {row["endpoint"]: row for row in noise_record(summary.run, summary.evidence)["endpoints"]}


def test_the_seed_sd_is_pooled_over_the_arms(tmp_path: Path) -> None:
    rows = rows_of(FAKE, tmp_path)
    run = gather(tmp_path, FAKE.study())
    labels = run.corpus.labels[run.corpus.rows("test")]
    scores: dict[str, list[float]] = {}
    for trial in run.confirm:
        scores.setdefault(trial.spec.arm, []).append(average_precision_score(labels, trial.scores("test")))
    expected = np.sqrt(np.mean([np.var(values, ddof=1) for values in scores.values()]))
    assert rows["PR AUC"]["seed_sd"] == pytest.approx(expected, rel=1e-4)
    assert rows["PR AUC"]["df"] == 3 * 4
    assert rows["PR AUC"]["arms"]["bce"] == {
        "n_seeds": 5,
        "seed_sd": pytest.approx(np.std(scores["bce"], ddof=1), rel=1e-4),
    }


def test_the_artists_variance_is_the_mean_of_the_differences_to_the_baseline(tmp_path: Path) -> None:
    summary = summary_of(FAKE, tmp_path)
    record = noise_record(summary.run, summary.evidence)
    (row,) = (row for row in record["endpoints"] if row["endpoint"] == "ROC AUC")
    differences = [summary.evidence.difference(arm, "bce", "roc_auc") for arm in ("focal", "asl")]
    assert row["clip_variance"] == pytest.approx(np.mean([one.clip_variance for one in differences]))
    assert record["n_artists"] == summary.evidence.split.n_artists


def test_tag_groups_and_what_the_study_claims_are_kept(tmp_path: Path) -> None:
    hypothesis = claim("any", "focal", than="bce", tags="tail", beyond="head")
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.2}, n_clips=100, tuned=False, hypotheses=(hypothesis,))
    names = rows_of(fake, tmp_path)
    assert {"PR AUC", "PR AUC of tail tags", "ROC AUC of head tags", "PR AUC of tail tags beyond head tags"} <= set(
        names
    )


@pytest.mark.parametrize(
    "fake",
    [
        FakeRun(signals={"bce": 1.0, "focal": 1.2}, n_clips=100, seeds=1, tuned=False),
        FakeRun(
            signals={"bce": 1.0, "focal": 1.2},
            n_clips=100,
            seeds=2,
            tuned=False,
            lost={("bce", 0): State.FAILED},
        ),
    ],
    ids=["one seed", "no replicate of the baseline"],
)
def test_without_replicates_there_is_nothing_to_keep(fake: FakeRun, tmp_path: Path) -> None:
    assert rows_of(fake, tmp_path) == {}


def test_a_later_plan_reads_what_a_run_left(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "first"
    summary = summary_of(FAKE, folder)
    write_json(folder / NOISE_FILE, noise_record(summary.run, summary.evidence))
    found = find_earlier(tmp_path / "runs", FAKE.study())
    assert found is not None
    assert found.run == "first"
    rows = {row["endpoint"]: row for row in noise_record(summary.run, summary.evidence)["endpoints"]}
    expected = upper_bound(rows["PR AUC"]["seed_sd"], 12)
    assert found.noise["PR AUC"].seed_sd == pytest.approx(expected)
    assert found.noise["PR AUC"].n_artists == summary.evidence.split.n_artists

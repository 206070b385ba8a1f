import json

import numpy as np
import pytest

from analysis.arms.training_table import LOST_NOTE, training, training_grid
from analysis.rundata import gather
from analysis.verdict import premises
from tests.fake_run import FakeRun

PLAIN = {"train_bce": 0.10, "valid_bce": 0.13, "train_pr_auc": 0.5, "valid_pr_auc": 0.3}
BCE = PLAIN | {"silhouette_before": 0.01, "silhouette_after": 0.02}
TRIPLET = PLAIN | {"train_bce": 0.12, "silhouette_before": 0.01, "silhouette_after": 0.09}


def run_of(folder, **changes):
    fake = FakeRun(signals={"bce": 1.0, "triplet": 1.2}, **changes)
    return gather(folder, fake.write(folder))


def test_the_training_table_has_a_row_an_arm_with_what_was_measured(tmp_path):
    frame = training(run_of(tmp_path, measures={"bce": BCE, "triplet": TRIPLET})).set_index("arm")
    assert list(frame.index) == ["bce", "triplet"]
    assert frame.loc["bce", "gap_mean"] == pytest.approx(0.03)
    assert frame.loc["triplet", "gap_mean"] == pytest.approx(0.01)
    assert frame.loc["triplet", "silhouette_after_mean"] == pytest.approx(0.09)
    assert frame.loc["bce", "gap_sd"] == pytest.approx(0.0)
    assert (frame["epochs"] == 4).all()
    assert (frame["best_epoch"] == 4).all()


def test_the_grid_tells_the_gap_and_the_silhouette_before_and_after(tmp_path):
    grid = training_grid(training(run_of(tmp_path, measures={"bce": BCE, "triplet": TRIPLET})))
    told = dict(zip(grid.head, grid.rows[1], strict=True))
    assert told["CE gap"] == "0.010 ± 0.000"
    assert told["PR AUC train → valid"] == "0.500 → 0.300 ± 0.000"
    assert told["silhouette before → after"] == "0.010 → 0.090 ± 0.000"
    assert LOST_NOTE not in grid.notes


def test_the_mean_and_its_spread_are_over_the_seeds_that_were_measured(tmp_path):
    run = run_of(tmp_path, measures={"bce": BCE}, seeds=3)
    for trial, value in zip(run.confirm[:2], (0.10, 0.20), strict=True):
        assert trial.spec.arm == "bce"
        record = json.loads((trial.folder / "record.json").read_text())
        record["measures"]["train_bce"] = value
        (trial.folder / "record.json").write_text(json.dumps(record))
    lost = json.loads((run.confirm[2].folder / "record.json").read_text())
    lost["measures"] = {}
    (run.confirm[2].folder / "record.json").write_text(json.dumps(lost))
    row = training(gather(tmp_path, run.study)).iloc[0]
    assert row["train_bce_mean"] == pytest.approx(0.15)
    assert row["train_bce_sd"] == pytest.approx(0.1 / np.sqrt(2))


def test_records_without_measures_are_told_as_not_measured(tmp_path):
    frame = training(run_of(tmp_path))
    told = dict(zip(training_grid(frame).head, training_grid(frame).rows[0], strict=True))
    assert frame["gap_mean"].isna().all()
    assert [told[name] for name in ("train CE", "CE gap", "silhouette before → after")] == ["-"] * 3
    assert LOST_NOTE in training_grid(frame).notes


def test_the_underfit_premise_tells_the_baselines_gap_and_judges_it_not(tmp_path):
    with_gap, without = run_of(tmp_path / "a", measures={"bce": BCE}), run_of(tmp_path / "b")
    told, bare = premises.underfit(with_gap), premises.underfit(without)
    assert told.figures["gap"] == pytest.approx(0.03)
    assert "0.1000 on training clips and 0.1300 on validation clips (gap +0.0300)." in told.sentence
    assert np.isnan(bare.figures["gap"])
    assert "gap" not in bare.sentence
    assert told.holds == bare.holds

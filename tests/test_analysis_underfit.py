from dataclasses import replace
from pathlib import Path

import pytest
from scipy.stats import ttest_1samp

from analysis.rundata import RunData
from analysis.verdict.underfit import end_slope
from tagsearch.records import State, Trial, TrialResult, TrialSpec
from tests.fake_corpus import make_table
from tests.fake_run import FakeRun


def run_of(*curves: list[float], state: State = State.COMPLETED, objective: str = "valid/pr_auc") -> RunData:
    study = replace(FakeRun(signals={"bce": 1.0, "focal": 1.0}).study(), objective=objective)
    trials = tuple(
        Trial(
            folder=Path(),
            spec=TrialSpec(phase="confirm", arm="bce", index=k, seed=k, config={"epochs": len(curve)}),
            result=TrialResult(state=state),
            history=tuple({"epoch": e + 1, objective: value} for e, value in enumerate(curve)),
        )
        for k, curve in enumerate(curves)
    )
    table = make_table(n_train=1, n_valid=1, n_test=1)
    return RunData(folder=Path(), study=study, corpus=table, lock=None, tune=(), confirm=trials)


def test_the_slope_is_that_of_the_last_fifth_at_least_five_epochs():
    flat_then_rising = [0.5] * 5 + [0.1, 0.2, 0.3, 0.4, 0.5]
    slope = end_slope(run_of(flat_then_rising, flat_then_rising), "bce")
    assert (slope.mean, slope.n_epochs, slope.budget) == (pytest.approx(0.1), 5, 10)
    long = [float(e) for e in range(50)]
    assert end_slope(run_of(long), "bce").n_epochs == 10


def test_the_interval_is_students_over_the_seeds():
    rises = (0.1, 0.2, 0.6)
    slope = end_slope(run_of(*([k * rise for k in range(5)] for rise in rises)), "bce")
    interval = ttest_1samp(rises, 0).confidence_interval(0.95)
    assert (slope.lower, slope.upper) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_one_seed_has_no_interval():
    slope = end_slope(run_of([0.1, 0.2, 0.3]), "bce")
    assert (slope.lower, slope.upper, slope.n_seeds) == (-float("inf"), float("inf"), 1)


def test_a_falling_loss_is_a_gain():
    assert end_slope(run_of([0.5, 0.4, 0.3], objective="valid/loss"), "bce").mean == pytest.approx(0.1)


def test_the_best_epoch_is_the_mean_over_seeds():
    assert end_slope(run_of([0.1, 0.3, 0.2], [0.1, 0.2, 0.3]), "bce").best_epoch == 2.5


def test_short_and_lost_trials_have_no_slope():
    assert end_slope(run_of([0.1, 0.2]), "bce") is None
    assert end_slope(run_of([0.1, 0.2, 0.3], state=State.DIVERGED), "bce") is None
    assert end_slope(run_of([0.1, 0.2, 0.3]), "focal") is None

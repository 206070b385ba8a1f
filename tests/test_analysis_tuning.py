from itertools import combinations, product

import numpy as np
import pytest

from analysis.search.best_of_n import best_of_n, expected_best, luck
from analysis.search.tuning import edges, position, tune_trials, tuning, tuning_grids
from tagsearch.records import State
from tagsearch.study.schema import Tunable
from tests.fake_tune import LR, Tried, diverged, tuned_run


@pytest.mark.parametrize("direction", ["max", "min"])
@pytest.mark.parametrize("values", [[0.3], [0.1, 0.4], [0.2, 0.2, 0.5, 0.1, 0.4, 0.2, 0.9], [0.5, 0.5, 0.5]])
def test_the_expected_best_is_the_mean_over_all_subsets(values, direction):
    best = max if direction == "max" else min
    by_hand = [np.mean([best(some) for some in combinations(values, n)]) for n in range(1, len(values) + 1)]
    assert expected_best(values, direction) == pytest.approx(by_hand, abs=1e-12)


def test_the_expected_best_two_of_three():
    assert expected_best([4.0, 1.0, 2.0], "max")[1] == pytest.approx(10 / 3)  # pairs: 4, 4, 2
    assert expected_best([4.0, 1.0, 2.0], "min")[1] == pytest.approx(4 / 3)


def test_the_expected_best_of_a_thousand_ranks_is_that_of_the_german_tanks():
    n = np.arange(1, 1001)
    assert expected_best(np.arange(1.0, 1001.0), "max") == pytest.approx(n * 1001 / (n + 1), rel=1e-9)


def curve_of(run, arm):
    frame = best_of_n(run)
    return frame.loc[frame["arm"] == arm, "expected"].tolist()


@pytest.mark.parametrize(("direction", "sign"), [("max", 1), ("min", -1)])
def test_luck_is_the_quartiles_of_the_best_of_n_drawn_with_replacement(direction, sign):
    values = [0.1, 0.4, 0.2, 0.3]
    low, high = luck([sign * value for value in values], direction)
    for n in range(1, 5):
        bests = [max(drawn) for drawn in product(values, repeat=n)]
        quartiles = np.quantile(bests, [0.25, 0.75], method="inverted_cdf")
        assert sorted([sign * low[n - 1], sign * high[n - 1]]) == pytest.approx(quartiles)
    assert (low <= high).all()


def test_a_diverged_trial_counts_as_the_worst_of_the_phase_and_a_failed_one_not_at_all(tmp_path):
    tried = {
        "bce": [Tried(value=0.1, state=State.STOPPED), Tried(value=0.3)],
        "focal": [Tried(value=0.4), diverged(), Tried(state=State.FAILED), Tried(state=State.RUNNING)],
    }
    run = tuned_run(tmp_path, tried)
    assert curve_of(run, "bce") == pytest.approx([0.2, 0.3])
    assert curve_of(run, "focal") == pytest.approx([0.25, 0.4])  # of 0.4 and 0.1


def test_an_arm_whose_trials_all_diverged_has_no_curve(tmp_path):
    run = tuned_run(tmp_path, {"bce": [Tried(value=0.3)], "focal": [diverged(), diverged()]})
    assert set(best_of_n(run)["arm"]) == {"bce"}


def test_nothing_is_expected_of_a_phase_in_which_all_diverged(tmp_path):
    assert best_of_n(tuned_run(tmp_path, {"bce": [diverged()]})).empty


def test_curves_of_a_loss_fall(tmp_path):
    run = tuned_run(tmp_path, {"bce": [Tried(value=0.6), Tried(value=0.2)]}, objective="valid/loss")
    assert curve_of(run, "bce") == pytest.approx([0.4, 0.2])


@pytest.mark.parametrize(("checkpoint", "value"), [("best", 0.5), ("last", 0.3)])
def test_a_trial_is_worth_what_the_checkpoint_rule_keeps(tmp_path, checkpoint, value):
    run = tuned_run(tmp_path, {"bce": [Tried(value=0.5, last=0.3)]}, checkpoint=checkpoint)
    assert tune_trials(run)["value"].tolist() == [value]


def test_the_effort_of_an_arm_is_counted_in_trials_epochs_and_seconds(tmp_path):
    stopped = Tried(value=0.1, state=State.STOPPED, epochs=1, seconds=5.0)
    failed = Tried(state=State.FAILED, epochs=0, seconds=0.0)
    early = Tried(value=0.2, epochs=3, seconds=15.0)  # finished by the study's stop rule
    run = tuned_run(
        tmp_path, {"bce": [Tried(value=0.3), stopped, early], "focal": [Tried(value=0.4), diverged(), failed]}
    )
    bce, focal = tuning(run).to_dict(orient="records")
    assert [bce[name] for name in ("proposed", "stopped", "finished", "diverged", "failed")] == [3, 1, 2, 0, 0]
    assert [focal[name] for name in ("proposed", "stopped", "finished", "diverged", "failed")] == [3, 0, 1, 1, 1]
    assert (bce["full_length"], bce["epochs"], bce["seconds"]) == (1, 8, 30.0)
    assert (bce["share"], bce["budget_share"]) == pytest.approx((8 / 13, 8 / 12))
    assert focal["share"] == pytest.approx(5 / 13)


def test_the_tables_of_the_tune_phase_tell_effort_and_choice_apart(tmp_path):
    run = tuned_run(tmp_path, {"bce": [Tried(value=0.3, seconds=3725.4)], "focal": [diverged()]})
    spent, choice = tuning_grids(tuning(run))
    assert spent.rows[0] == ("bce", "1", "0", "1", "0", "0", "1", "4", "80%", "100%", "1:02:05")
    assert choice.rows == (("bce", "lr=0.01", "0.300"), ("focal", "-", "-"))


def test_a_pure_search_s_choices_are_its_winners(tmp_path):
    run = tuned_run(tmp_path, {"search": [Tried(value=0.3, proposal={"lr": 0.02})]}, design="search")
    spent, choice = tuning_grids(tuning(run))
    assert [row[0] for row in spent.rows] == ["search"]
    assert choice.rows == (("search-1", "lr=0.02", "0.300"),)


def test_epochs_trained_are_kept_apart_from_epochs_proposed(tmp_path):
    epochs = Tunable(name="epochs", kind="choice", choices=(8, 12))
    tried = {"bce": [Tried(value=0.3, state=State.STOPPED, epochs=2, proposal={"epochs": 12})]}
    run = tuned_run(tmp_path, tried, tunables=[epochs])
    row = tune_trials(run).iloc[0]
    assert (row["trained"], row["budget"], row["epochs"]) == (2, 12, 12)


@pytest.mark.parametrize(
    ("tunable", "value", "place"),
    [
        (LR, 1e-3, 1 / 3),
        (Tunable(name="x", kind="uniform", low=0.0, high=4.0), 1.0, 0.25),
        (Tunable(name="x", kind="randint", low=0, high=5), 4, 1.0),
        (Tunable(name="x", kind="lograndint", low=1, high=17), 4, 0.5),
        (Tunable(name="x", kind="randint", low=3, high=4), 3, 0.5),
        (Tunable(name="x", kind="choice", choices=("a", "b", "c")), "b", 0.5),
    ],
)
def test_a_value_has_its_place_on_the_scale_it_was_drawn_on(tunable, value, place):
    assert position(tunable, value) == pytest.approx(place)


@pytest.mark.parametrize(("lr", "end"), [(1.2e-4, "lower"), (0.09, "upper")])
def test_a_choice_at_the_end_of_its_range_is_told(tmp_path, lr, end):
    run = tuned_run(tmp_path, {"bce": [Tried(value=0.3, proposal={"lr": lr})]})
    (line,) = edges(run)
    assert f"bce: the chosen lr = {lr:.3g} lies at the {end} end of its range, 0.0001 to 0.1" in line


def test_a_choice_inside_its_range_is_not_told(tmp_path):
    assert not edges(tuned_run(tmp_path, {"bce": [Tried(value=0.3, proposal={"lr": 0.01})]}))

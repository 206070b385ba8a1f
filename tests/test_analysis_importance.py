import math

import numpy as np
import optuna
import pytest

from analysis.search.importance import N_SHUFFLES, importances
from tagsearch.records import State
from tagsearch.study.schema import Tunable
from tests.fake_tune import LR, Tried, diverged, tuned_run

LOSS = Tunable(name="loss", kind="choice", choices=("bce", "focal"))
GAMMA = Tunable(name="loss.gamma", kind="uniform", low=0.0, high=5.0, when={"loss": ("focal",)})
WIDTH = Tunable(name="model.width", kind="lograndint", low=1, high=65)
ALL = (LR, LOSS, GAMMA, WIDTH)


def proposals(n, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        one = {"lr": float(10 ** rng.uniform(-4, -1)), "loss": ("bce", "focal")[rng.integers(2)]}
        one["model.width"] = int(2 ** rng.integers(0, 7))
        yield one | ({"loss.gamma": float(rng.uniform(0, 5))} if one["loss"] == "focal" else {})


def by_lr(proposal):
    """Best at 10 ** -2.5, whatever the other tunables are."""
    return 0.4 - 0.1 * abs(math.log10(proposal["lr"]) + 2.5)


def weigh(folder, tried, tunables=ALL, **changes):
    run = tuned_run(folder, {"bce": tried}, tunables=tunables, **changes)
    return importances(run, np.random.default_rng(0))


def test_the_tunable_that_decides_weighs_most_and_more_than_by_chance(tmp_path):
    frame = weigh(tmp_path, [Tried(value=by_lr(one), proposal=one) for one in proposals(40)]).frame
    assert frame["tunable"].iloc[0] == "lr"
    assert frame["n_by_chance"].iloc[0] == 0
    assert set(frame["tunable"]) == {one.name for one in ALL}
    assert frame["importance"].sum() == pytest.approx(1)
    assert frame["importance"].is_monotonic_decreasing


def test_scores_that_depend_on_nothing_are_matched_by_chance(tmp_path):
    values = np.random.default_rng(5).normal(0.3, 0.1, 40)
    tried = [Tried(value=float(v), proposal=one) for v, one in zip(values, proposals(40), strict=True)]
    found = weigh(tmp_path, tried).frame
    assert found["n_by_chance"].sum() > N_SHUFFLES  # of 4 x 19 the expectation is half


def test_the_importances_are_those_that_optuna_gives_for_the_same_trials(tmp_path):
    some = list(proposals(20))
    study = optuna.create_study(direction="maximize")
    width = optuna.distributions.IntDistribution(1, 64, log=True)
    lr = optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)
    for one in some:
        params = {"lr": one["lr"], "model.width": one["model.width"]}
        study.add_trial(
            optuna.create_trial(params=params, distributions={"lr": lr, "model.width": width}, value=by_lr(one))
        )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=5 / 20)
    expected = optuna.importance.get_param_importances(study, evaluator=evaluator)
    tried = [Tried(value=by_lr(one), proposal={k: one[k] for k in ("lr", "model.width")}) for one in some]
    found = weigh(tmp_path, tried, tunables=(LR, WIDTH)).frame
    assert dict(zip(found["tunable"], found["importance"], strict=True)) == pytest.approx(expected)


def test_diverged_trials_count_as_worse_than_all_others(tmp_path):
    some = list(proposals(24))
    best = [one for one in some if by_lr(one) > 0.3]
    lost = [one for one in some if by_lr(one) <= 0.3]
    scored = [Tried(value=by_lr(one), proposal=one) for one in best]
    with_values = weigh(tmp_path / "a", scored + [Tried(value=by_lr(one), proposal=one) for one in lost]).frame
    with_losses = weigh(tmp_path / "b", scored + [diverged(**one) for one in lost]).frame
    assert 0 < len(lost) < 12  # else the best twelve were not the same
    assert with_losses["importance"].tolist() == pytest.approx(with_values["importance"].tolist())


def test_failed_trials_are_left_out(tmp_path):
    tried = [Tried(value=by_lr(one), proposal=one) for one in proposals(9)]
    failed = [Tried(state=State.FAILED, proposal=one) for one in proposals(5, seed=1)]
    assert set(weigh(tmp_path, tried + failed).frame["n_trials"]) == {9}


def test_a_loss_is_best_where_it_is_lowest(tmp_path):
    some = list(proposals(20))
    up = weigh(tmp_path / "a", [Tried(value=by_lr(one), proposal=one) for one in some]).frame
    down = weigh(tmp_path / "b", [Tried(value=-by_lr(one), proposal=one) for one in some], objective="valid/loss").frame
    assert down["importance"].tolist() == pytest.approx(up["importance"].tolist())


def test_the_deals_by_chance_come_from_the_generator(tmp_path):
    values = np.random.default_rng(5).normal(0.3, 0.1, 20)
    tried = [Tried(value=float(v), proposal=one) for v, one in zip(values, proposals(20), strict=True)]
    run = tuned_run(tmp_path, {"bce": tried}, tunables=ALL)
    one, same, other = (importances(run, np.random.default_rng(seed)).frame for seed in (1, 1, 2))
    assert one.equals(same)
    assert one["importance"].equals(other["importance"])
    assert not one["n_by_chance"].equals(other["n_by_chance"])


LR_ONLY = [Tried(value=0.01 * k, proposal={"lr": 0.001 * k}) for k in range(1, 10)]
EQUAL = [Tried(value=0.3, proposal=one) for one in proposals(9)]
OUTSIDE = [Tried(value=0.01 * k, proposal={"lr": 0.5, "model.width": k + 1}) for k in range(9)]


@pytest.mark.parametrize(
    ("tried", "reason"),
    [
        (EQUAL[:7], "bce: 7 trials have ended, importance needs 8 or more."),
        (LR_ONLY, "bce: it takes two tunables to weigh one against the other."),
        (EQUAL, "bce: all trials scored the same."),
        ([diverged(**one) for one in proposals(9)], "bce: all trials scored the same."),
        (OUTSIDE, "bce: values of lr lie outside the declared range."),
    ],
)
def test_what_cannot_be_weighed_is_said(tmp_path, tried, reason):
    found = weigh(tmp_path, tried)
    assert found.frame.empty
    assert found.skipped == (reason,)


def test_arms_that_cannot_be_weighed_for_one_reason_share_a_sentence(tmp_path):
    run = tuned_run(tmp_path, {"bce": EQUAL[:7], "focal": EQUAL[:7]}, tunables=ALL)
    found = importances(run, np.random.default_rng(0))
    assert found.skipped == ("bce, focal: 7 trials have ended, importance needs 8 or more.",)


def test_optuna_stays_as_talkative_as_it_was_and_says_nothing(tmp_path, capfd):
    level = optuna.logging.get_verbosity()
    weigh(tmp_path, [Tried(value=by_lr(one), proposal=one) for one in proposals(9)])
    assert optuna.logging.get_verbosity() == level
    assert capfd.readouterr().err == ""

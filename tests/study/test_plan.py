"""Costs, start order, choice and confirm trials."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from tagsearch.records import State, Trial, TrialResult, TrialSpec
from tagsearch.study.plan import (
    START_SECONDS,
    Speed,
    choose,
    chosen_configs,
    confirm_trials,
    expected_epochs,
    make_plan,
    tune_order,
)
from tagsearch.study.schema import Asha, Study

Read = Callable[..., Study]
LOSSES = """\
study: x
base: {epochs: 40}
factors: {loss: [bce, focal, bce_triplet]}
tune:
  trials_per_arm: 8
  tunables: {lr: {loguniform: [1e-4, 1e-1]}}
  asha: {grace_period: 4, reduction_factor: 3}
confirm: {seeds: 5}
"""
SEARCH = """\
study: x
tune:
  trials_per_arm: 8
  tunables: {lr: {choice: [0.1, 0.2, 0.3, 0.4]}, epochs: {choice: [10, 20]}}
  asha: {grace_period: 4}
confirm: {top: 2, seeds: 2}
"""


def ended(
    study: Study,
    index: int,
    best: float | None,
    *,
    state: State = State.COMPLETED,
    epochs: int = 40,
    arm: str | None = None,
    last: float | None = None,
    changes: Mapping[str, float] | None = None,
) -> Trial:
    """A tune trial as found on disk."""
    arm = arm or study.baseline.name
    config = {**study.by_name[arm].config, "lr": 0.001 * (index + 1), **(changes or {})}
    spec = TrialSpec(phase="tune", arm=arm, index=index, seed=study.tune_seed(index), config=config)
    result = TrialResult(state=state, epochs=epochs, best=best, last=last)
    return Trial(folder=Path("none"), spec=spec, result=result, history=())


def indices(trials: list[Trial]) -> list[int]:
    return [trial.spec.index for trial in trials]


# --- costs -----------------------------------------------------------------------------------------------------------


def test_a_plan_counts_the_trials_and_epochs_of_each_phase(read: Read) -> None:
    plan = make_plan(read(LOSSES), n_clips={"train": 900, "valid": 100, "test": 200}, clip_seconds=8.0, n_slots=2)
    tune, confirm = plan.phases
    assert plan.arms == ("bce", "focal", "bce_triplet")
    assert (tune.phase, tune.n_trials, tune.most_epochs) == ("tune", 24, 960)
    assert (confirm.phase, confirm.n_trials, confirm.most_epochs, confirm.expected_epochs) == ("confirm", 15, 600, 600)
    assert 24 * 4 < tune.expected_epochs < 960
    assert plan.n_trials == 39


def test_a_study_that_tunes_nothing_has_one_phase(read: Read) -> None:
    plan = make_plan(
        read(LOSSES, "tune=null"), n_clips={"train": 1, "valid": 1, "test": 1}, clip_seconds=8.0, n_slots=1
    )
    assert [phase.phase for phase in plan.phases] == ["confirm"]


def test_seconds_follow_the_arithmetic_and_the_steps(read: Read) -> None:
    """By hand: 160 clips in batches of 16 are 10 steps; 3 x 160 + 20 clips of 3 chunks are 540 forwards of 2.1 M."""
    study = read("study: x\nbase: {epochs: 2}\narms: {a: , b: {lr: 1}}\nconfirm: {seeds: 1}\n")
    speed = Speed(macs_per_second=2.1e6, seconds_per_step=0.5)
    plan = make_plan(study, n_clips={"train": 160, "valid": 20, "test": 7}, clip_seconds=8.0, n_slots=1, speed=speed)
    assert plan.seconds == pytest.approx(START_SECONDS + 2 * 2 * (10 * 0.5 + 540))


def test_a_wider_network_costs_more_than_its_width_and_less_than_its_square(read: Read) -> None:
    text = "study: x\nbase: {model.width: WIDTH}\narms: {a: , b: {lr: 1}}\n"
    speed = Speed(macs_per_second=1.0, seconds_per_step=0.0)
    seconds = [
        make_plan(
            read(text.replace("WIDTH", str(width))),
            n_clips={"train": 100, "valid": 10, "test": 10},
            clip_seconds=8.0,
            n_slots=1,
            speed=speed,
        ).seconds
        - START_SECONDS
        for width in (8, 32)
    ]
    assert 4 < seconds[1] / seconds[0] < 16


def test_no_number_of_slots_beats_the_longest_trial(read: Read) -> None:
    study = read("study: x\narms: {short: {epochs: 1}, long: {epochs: 99}}\nconfirm: {seeds: 1}\n")
    speed = Speed(macs_per_second=1e12, seconds_per_step=1.0)
    sizes = {"train": 16, "valid": 0, "test": 0}
    plan = make_plan(study, n_clips=sizes, clip_seconds=8.0, n_slots=50, speed=speed)
    assert plan.seconds == pytest.approx(START_SECONDS + 99, rel=1e-3)


def test_a_search_is_planned_at_the_budgets_it_may_draw(read: Read) -> None:
    plan = make_plan(read(SEARCH), n_clips={"train": 100, "valid": 10, "test": 10}, clip_seconds=8.0, n_slots=1)
    tune, confirm = plan.phases
    assert tune.most_epochs == 8 * 20
    assert confirm.n_trials == 2 * 3
    assert confirm.most_epochs == 2 * (10 + 20 + 20)  # the baseline's own ten, the winners' longest


def test_without_asha_every_trial_runs_its_budget() -> None:
    assert expected_epochs(8, 40, None) == 320


def simulated_epochs(n: int, budget: int, asha: Asha, generator: np.random.Generator) -> int:
    """Ray's rule with numpy's own percentile: the first at a rung goes on, later ones if not below the cutoff."""
    scores = generator.random((n, len(asha.rungs(budget))))
    total, alive, before = 0, list(range(n)), 0
    for k, rung in enumerate(asha.rungs(budget)):
        total += len(alive) * (rung - before)
        passed, recorded = [], []
        for trial in alive:
            cutoff = np.percentile(recorded, 100 * (1 - 1 / asha.reduction_factor)) if recorded else -np.inf
            if scores[trial, k] >= cutoff:
                passed.append(trial)
            recorded.append(scores[trial, k])
        alive, before = passed, rung
    return total + len(alive) * (budget - before)


@pytest.mark.parametrize(("n", "budget", "reduction_factor"), [(8, 40, 3), (24, 40, 3), (16, 30, 4), (4, 20, 2)])
def test_expected_epochs_agree_with_a_simulation_of_asha(n: int, budget: int, reduction_factor: int) -> None:
    asha = Asha(grace_period=4, reduction_factor=reduction_factor)
    generator = np.random.default_rng(0)
    simulated = np.mean([simulated_epochs(n, budget, asha, generator) for _ in range(1_000)])
    assert expected_epochs(n, budget, asha) == pytest.approx(simulated, rel=0.05)


# --- start order -----------------------------------------------------------------------------------------------------


def test_tune_trials_start_in_rounds_of_one_trial_an_arm(read: Read) -> None:
    order = tune_order(read(LOSSES))
    assert [index for _, index in order] == [k for k in range(8) for _ in range(3)]
    assert all({arm for arm, i in order if i == k} == {"bce", "focal", "bce_triplet"} for k in range(8))


def test_the_order_inside_a_round_is_drawn_from_the_studys_seed(read: Read) -> None:
    order = tune_order(read(LOSSES))
    assert order == tune_order(read(LOSSES))
    assert order != tune_order(read(LOSSES, "seed=1"))
    assert len({tuple(arm for arm, i in order if i == k) for k in range(8)}) > 1


def test_a_study_that_tunes_nothing_starts_no_tune_trial(read: Read) -> None:
    assert tune_order(read(LOSSES, "tune=null")) == []


# --- choice ----------------------------------------------------------------------------------------------------------


def test_the_best_completed_trial_is_chosen(read: Read) -> None:
    study = read(LOSSES)
    assert indices(choose(study, "bce", [ended(study, 0, 0.3), ended(study, 1, 0.5), ended(study, 2, 0.4)])) == [1]


def test_the_lowest_loss_is_chosen_where_the_objective_is_a_loss(read: Read) -> None:
    study = read(LOSSES, "objective=valid/loss")
    assert indices(choose(study, "bce", [ended(study, 0, 0.3), ended(study, 1, 0.5)])) == [0]


def test_a_stopped_trial_does_not_beat_one_that_went_further(read: Read) -> None:
    study = read(LOSSES)
    stopped = ended(study, 0, 0.9, state=State.STOPPED, epochs=12)
    assert indices(choose(study, "bce", [stopped, ended(study, 1, 0.2)])) == [1]


def test_if_none_completed_the_highest_rung_reached_decides(read: Read) -> None:
    study = read(LOSSES)
    trials = [
        ended(study, 0, 0.9, state=State.STOPPED, epochs=4),
        ended(study, 1, 0.2, state=State.STOPPED, epochs=12),
        ended(study, 2, 0.3, state=State.STOPPED, epochs=13),
    ]
    assert indices(choose(study, "bce", trials)) == [2]


@pytest.mark.parametrize("state", [State.DIVERGED, State.FAILED, State.RUNNING, State.PENDING])
def test_a_trial_without_a_usable_end_is_never_chosen(read: Read, state: State) -> None:
    study = read(LOSSES)
    trials = [ended(study, 0, 0.9, state=state), ended(study, 1, 0.1, state=State.STOPPED, epochs=4)]
    assert indices(choose(study, "bce", trials)) == [1]


@pytest.mark.parametrize("best", [None, float("nan"), float("inf")])
def test_an_objective_that_is_not_finite_is_never_chosen(read: Read, best: float | None) -> None:
    study = read(LOSSES)
    assert choose(study, "bce", [ended(study, 0, best)]) == []


def test_a_tie_goes_to_the_lower_index(read: Read) -> None:
    study = read(LOSSES)
    assert indices(choose(study, "bce", [ended(study, 5, 0.5), ended(study, 2, 0.5)])) == [2]


def test_the_checkpoint_rule_says_which_score_counts(read: Read) -> None:
    study = read(LOSSES, "checkpoint=last")
    assert indices(choose(study, "bce", [ended(study, 0, 0.9, last=0.1), ended(study, 1, 0.5, last=0.4)])) == [1]


def test_another_arms_trials_do_not_count(read: Read) -> None:
    study = read(LOSSES)
    assert choose(study, "bce", [ended(study, 0, 0.9, arm="focal")]) == []


def test_a_search_chooses_its_best_different_configurations(read: Read) -> None:
    study = read(SEARCH)
    trials = [
        ended(study, 0, 0.9, changes={"lr": 0.1}),
        ended(study, 1, 0.8, changes={"lr": 0.1}),
        ended(study, 2, 0.7, changes={"lr": 0.2}),
        ended(study, 3, 0.6, changes={"lr": 0.3}),
    ]
    assert indices(choose(study, "baseline", trials)) == [0, 2]


def test_a_search_sends_the_baseline_and_its_winners_to_the_confirm_phase(read: Read) -> None:
    study = read(SEARCH)
    chosen = chosen_configs(study, [ended(study, 0, 0.1), ended(study, 1, 0.2)])
    assert list(chosen) == ["baseline", "search-1", "search-2"]
    assert [config["lr"] for config in chosen.values()] == [0.001, 0.002, 0.001]


def test_an_arm_without_a_usable_trial_has_no_configuration(read: Read) -> None:
    study = read(LOSSES)
    trials = [ended(study, 0, 0.1), ended(study, 0, None, arm="focal", state=State.DIVERGED)]
    assert list(chosen_configs(study, trials)) == ["bce"]


def test_what_is_not_tuned_is_confirmed_as_it_is(read: Read) -> None:
    study = read(LOSSES, "tune=null")
    assert chosen_configs(study, []) == {arm.name: arm.config for arm in study.arms}


# --- confirm ---------------------------------------------------------------------------------------------------------


def test_confirm_trials_go_seed_by_seed_through_the_arms(read: Read) -> None:
    study = read(LOSSES, "tune=null", "confirm.seeds=2", "seed=3")
    trials = confirm_trials(study, chosen_configs(study, []))
    assert [(t.arm, t.seed, t.index) for t in trials] == [
        ("bce", 30_001, 0),
        ("focal", 30_001, 0),
        ("bce_triplet", 30_001, 0),
        ("bce", 30_002, 1),
        ("focal", 30_002, 1),
        ("bce_triplet", 30_002, 1),
    ]
    assert trials[1].config == study.by_name["focal"].config
    assert {t.phase for t in trials} == {"confirm"}


def test_more_confirm_seeds_begin_with_the_same_trials(read: Read) -> None:
    few, more = (read(LOSSES, "tune=null", f"confirm.seeds={n}") for n in (2, 4))
    names = [[t.name for t in confirm_trials(study, chosen_configs(study, []))] for study in (few, more)]
    assert names[1][: len(names[0])] == names[0]


def test_tune_and_confirm_seeds_never_meet(read: Read) -> None:
    study = read(LOSSES, "confirm.seeds=1000", "tune.trials_per_arm=4999")
    tune_seeds = {study.tune_seed(index) for index in range(4999)}
    assert not tune_seeds & set(study.confirm_seeds)
    assert max(tune_seeds) < 10_000

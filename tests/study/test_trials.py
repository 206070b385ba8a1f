"""Start order, choice and confirm trials."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tagsearch.errors import StudyError
from tagsearch.records import State, Trial, TrialResult, TrialSpec
from tagsearch.study.schema import SEARCH as SEARCH_ARM
from tagsearch.study.schema import Study
from tagsearch.study.trials import choose, chosen_configs, confirm_trials, tune_order
from tests.study.examples import LOSSES, SEARCH

Read = Callable[..., Study]


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
    config = {**study.by_name.get(arm, study.baseline).config, "lr": 0.001 * (index + 1), **(changes or {})}
    spec = TrialSpec(phase="tune", arm=arm, index=index, seed=study.tune_seed(index), config=config)
    result = TrialResult(state=state, epochs=epochs, best=best, last=last)
    return Trial(folder=Path("none"), spec=spec, result=result, history=())


def indices(trials: list[Trial]) -> list[int]:
    return [trial.spec.index for trial in trials]


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
        ended(study, index, best, arm=SEARCH_ARM, changes={"lr": lr})
        for index, (best, lr) in enumerate([(0.9, 0.1), (0.8, 0.1), (0.7, 0.2), (0.6, 0.3)])
    ]
    assert indices(choose(study, SEARCH_ARM, trials)) == [0, 2]


def test_a_search_sends_the_baseline_and_its_winners_to_the_confirm_phase(read: Read) -> None:
    study = read(SEARCH)
    chosen = chosen_configs(study, [ended(study, k, 0.1 + k, arm=SEARCH_ARM) for k in range(2)])
    assert list(chosen) == ["baseline", "search-1", "search-2"]
    assert [config["lr"] for (config,) in chosen.values()] == [0.001, 0.002, 0.001]


def test_an_arm_without_a_usable_trial_has_no_configuration(read: Read) -> None:
    study = read(LOSSES)
    trials = [ended(study, 0, 0.1), ended(study, 0, None, arm="focal", state=State.DIVERGED)]
    assert list(chosen_configs(study, trials)) == ["bce"]


def test_what_is_not_tuned_is_confirmed_as_it_is(read: Read) -> None:
    study = read(LOSSES, "tune=null")
    assert chosen_configs(study, []) == {arm.name: [arm.config] for arm in study.arms}


# --- confirm ---------------------------------------------------------------------------------------------------------


def test_confirm_trials_go_seed_by_seed_through_the_arms(read: Read) -> None:
    study = read(LOSSES, "tune=null", "confirm.seeds=2", "seed=3")
    trials = confirm_trials(study, chosen_configs(study, []), study.confirm_seeds)
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
    names = [
        [t.name for t in confirm_trials(study, chosen_configs(study, []), study.confirm_seeds)] for study in (few, more)
    ]
    assert names[1][: len(names[0])] == names[0]


def test_tune_and_confirm_seeds_never_meet(read: Read) -> None:
    study = read(LOSSES, "confirm.seeds=1000", "tune.trials_per_arm=4999")
    tune_seeds = {study.tune_seed(index) for index in range(4999)}
    assert not tune_seeds & set(study.confirm_seeds)
    assert max(tune_seeds) < 10_000


def test_an_arms_best_configurations_take_its_seeds_in_turn(read: Read) -> None:
    study = read(LOSSES, "tune.asha=null", "confirm.seeds=5", "confirm.configs=2")
    ended_trials = [ended(study, k, 0.1 + k) for k in range(3)]
    chosen = chosen_configs(study, ended_trials)
    assert [config["lr"] for config in chosen["bce"]] == [ended_trials[k].spec.config["lr"] for k in (2, 1)]
    trials = confirm_trials(study, chosen, study.confirm_seeds)
    assert [t.config["lr"] for t in trials] == [chosen["bce"][k % 2]["lr"] for k in range(5)]


MISTAKES = {
    "search": (SEARCH, ["confirm={configs: 2}"], r"confirm\.configs belongs to a study with arms"),
    "seeds": (LOSSES, ["confirm={seeds: 3, configs: 4}"], r"at most the number of seeds .* 3 here, not 4$"),
    "untuned": (LOSSES, ["tune=null", "confirm={configs: 2}"], r"at most .* 1 here, not 2$"),
    "top": (LOSSES, ["confirm={top: 2}"], r"confirm\.top belongs to a pure search; .* say confirm\.configs$"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_more_configurations_than_can_be_had_are_refused(read: Read, mistake: str) -> None:
    text, overrides, message = MISTAKES[mistake]
    with pytest.raises(StudyError, match=message):
        read(text, *overrides)

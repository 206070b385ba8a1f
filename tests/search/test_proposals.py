"""Proposals of the tune phase."""

from dataclasses import replace

import pytest

from tagsearch.search.proposals import ArmProposals
from tagsearch.study.schema import Study, Tunable, Tune
from tests.fake_trial import BASE, tiny_study


def with_search(search: str, *tunables: Tunable) -> Study:
    study = tiny_study(trials_per_arm=12)
    assert study.tune is not None
    tune: Tune = replace(study.tune, search=search, tunables=tunables or study.tune.tunables)  # type: ignore[arg-type]
    return replace(study, tune=tune)


def run(study: Study, n: int, *, arm: str = "bce", stop_at: int | None = None) -> list[float]:
    """lr of `n` proposals, each told its score; `stop_at`: a new process takes over there."""
    proposals = ArmProposals(study, arm=arm, base=BASE)
    history: list[tuple[dict[str, object], float]] = []
    for index in range(n):
        if index == stop_at:
            proposals = ArmProposals(study, arm=arm, base=BASE)
            for past, (proposal, score) in enumerate(history):
                proposals.recall(past, proposal, ended=True, score=score)  # type: ignore[arg-type]
        config, proposal = proposals.propose(index)
        score = -abs(float(config["lr"]) - 0.003)
        history.append((dict(proposal), score))
        proposals.tell(index, score)
    return [float(proposal["lr"]) for proposal, _ in history]  # type: ignore[arg-type]


@pytest.mark.parametrize("search", ["random", "optuna"])
def test_the_same_study_proposes_the_same(search: str) -> None:
    study = with_search(search)
    assert run(study, 8) == run(study, 8)
    assert run(study, 8) != run(replace(study, seed=1), 8)
    assert run(study, 8) != run(study, 8, arm="focal")


@pytest.mark.parametrize("search", ["random", "optuna"])
def test_a_new_process_goes_on_as_the_old_one_would_have(search: str) -> None:
    study = with_search(search)
    assert run(study, 12, stop_at=7) == run(study, 12)


def test_random_proposals_do_not_depend_on_what_came_before() -> None:
    study = with_search("random")
    config, _ = ArmProposals(study, arm="bce", base=BASE).propose(5)
    assert config["lr"] == run(study, 6)[5]


def test_tpe_learns_where_the_good_values_are() -> None:
    lrs = run(with_search("optuna"), 30)
    distance = [abs(lr - 0.003) for lr in lrs]
    assert sorted(distance[15:])[7] < sorted(distance[:15])[7]


def test_a_conditional_tunable_exists_only_where_its_condition_holds() -> None:
    model = Tunable(name="model", kind="choice", choices=("cnn1d", "cnn2d"))
    width = Tunable(name="model.width", kind="randint", low=4, high=8, when={"model": ("cnn2d",)})
    proposals = ArmProposals(with_search("random", model, width), arm="bce", base=BASE)
    made = [proposals.propose(k) for k in range(20)]
    assert {config["model"] for config, _ in made} == {"cnn1d", "cnn2d"}
    for config, proposal in made:
        assert ("model.width" in proposal) == (config["model"] == "cnn2d")
        assert config["model.width"] == proposal.get("model.width", 32)


def test_the_upper_end_of_randint_is_excluded() -> None:
    width = Tunable(name="model.width", kind="randint", low=4, high=6)
    proposals = ArmProposals(with_search("random", width), arm="bce", base=BASE)
    assert {proposals.propose(k)[0]["model.width"] for k in range(30)} == {4, 5}


def test_diverged_trials_are_told_without_a_score() -> None:
    proposals = ArmProposals(with_search("optuna"), arm="bce", base=BASE)
    for index in range(6):
        proposals.propose(index)
        proposals.tell(index, None)
    assert proposals.propose(6)[1]["lr"]

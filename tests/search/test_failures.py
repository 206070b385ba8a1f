"""Whose fault a failure is, and when a trial is given up. The texts are Ray 2.60's."""

from pathlib import Path

import pytest

from tagsearch.records import write_history
from tagsearch.search.failures import Failures

OWN = "Failure # 1 (occurred at 2026-11-22_10-00-00)\nray::TrialActor.train() (pid=7, ip=10.0.0.7)\nRuntimeError: no"
DIED = "The actor died unexpectedly before finishing this task.\n\tclass_name: TrialActor\n\tpid: 7\n"
KILLED = f"Failure # 1\n{DIED}The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR"
DEAD = (
    f"Failure # 1\n{DIED}The actor died because its node has died. Node Id: a4584251f919b63e27bb59b294e9a21c1365d04567"
)
LOST = "Failure # 1\nThe actor 419fa631 is unavailable: The actor is temporarily unavailable: RpcError: Socket closed"
UNSEEN = "Failure # 1\nray::TrialActor.train()\ntagsearch.errors.StorageUnseenError: machine b lacks /nfs; mount it"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def failures(tmp_path: Path, said: list[str]) -> Failures:
    return Failures(tmp_path, max_retries=1, notice=said.append)


def train(folder: Path, trial: str, n_epochs: int) -> None:
    rows = [{"epoch": epoch, "valid/pr_auc": 0.5} for epoch in range(1, n_epochs + 1)]
    write_history(folder / trial, rows, {})


@pytest.mark.parametrize("error", [OWN, KILLED, ""])
def test_a_trial_that_fails_by_itself_is_given_up_after_its_retries(
    failures: Failures, said: list[str], error: str
) -> None:
    failures.add("a", error)
    assert not failures.gives_up("a")
    failures.add("a", error)
    assert failures.gives_up("a")
    assert not failures.gives_up("b")
    assert failures.n_retries == {"a": 1}
    assert not said


@pytest.mark.parametrize("error", [LOST, DEAD])
def test_a_trial_may_lose_any_number_of_machines_if_it_gets_on_in_between(
    failures: Failures, tmp_path: Path, said: list[str], error: str
) -> None:
    for n_epochs in range(1, 20):
        train(tmp_path, "a", n_epochs)
        failures.add("a", error)
    assert not failures.gives_up("a")
    assert failures.n_retries == {"a": 19}
    assert said[-1] == "the machine of a is lost; it goes on from epoch 19 where there is room"


def test_a_trial_whose_machines_are_lost_in_a_row_is_given_up_like_one_that_fails(
    failures: Failures, tmp_path: Path
) -> None:
    train(tmp_path, "a", 4)
    given_up = []
    for _ in range(5):  # three are free, then one retry
        failures.add("a", LOST)
        given_up.append(failures.gives_up("a"))
    assert given_up == [False, False, False, False, True]


def test_a_machine_without_the_storage_is_named_once_and_costs_no_retry(failures: Failures, said: list[str]) -> None:
    for trial in ("a", "b", "a", "a"):
        failures.add(trial, UNSEEN)
    assert said == ["machine b lacks /nfs; mount it; its trials go elsewhere until then"]
    assert not failures.gives_up("a")
    assert failures.blind == ""


def test_trials_that_meet_nothing_but_machines_without_the_storage_end_the_phase(
    failures: Failures, tmp_path: Path
) -> None:
    train(tmp_path, "a", 2)
    for _ in range(9):
        failures.add("a", UNSEEN)
    train(tmp_path, "a", 3)
    for _ in range(9):
        failures.add("a", UNSEEN)
    assert failures.blind == ""
    failures.add("a", UNSEEN)
    assert failures.blind == "machine b lacks /nfs; mount it"
    assert not failures.gives_up("a")

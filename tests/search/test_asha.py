"""Fair early stopping: brackets per arm and budget, and a state that survives the process."""

import random
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler

from tagsearch.errors import RecordError
from tagsearch.search.asha import ArmScheduler, Rungs, RungValue, read_log
from tagsearch.search.failures import Failures
from tagsearch.search.storage import StorageWatch
from tagsearch.study.schema import Asha

ASHA = Asha(grace_period=1, reduction_factor=3)


def rungs(folder: Path) -> Rungs:
    return Rungs(ASHA, direction="max", log=folder / "rungs.jsonl")


def value(trial: str, score: float, *, arm: str = "bce", budget: int = 9, epoch: int = 1) -> RungValue:
    return RungValue(trial=trial, arm=arm, budget=budget, epoch=epoch, value=score)


def test_a_trial_below_its_arms_top_third_is_stopped(tmp_path: Path) -> None:
    asha = rungs(tmp_path)
    assert not asha.see(value("a", 0.9))  # the first has nothing to be compared with
    assert asha.see(value("b", 0.5))
    assert not asha.see(value("c", 0.95))


def test_a_weak_arm_is_not_starved_by_a_strong_one(tmp_path: Path) -> None:
    asha = rungs(tmp_path)
    for k in range(10):
        asha.see(value(f"strong{k}", 0.9 + k / 1000))
    assert not asha.see(value("weak", 0.1, arm="focal"))


def test_budgets_of_one_arm_have_brackets_of_their_own(tmp_path: Path) -> None:
    asha = rungs(tmp_path)
    asha.see(value("long", 0.9, budget=81))
    assert not asha.see(value("short", 0.1, budget=9))


def test_nothing_is_decided_between_rungs_or_at_the_end_of_the_budget(tmp_path: Path) -> None:
    asha = rungs(tmp_path)
    asha.see(value("a", 0.9))
    assert not asha.see(value("b", 0.1, epoch=2))
    assert not asha.see(value("b", 0.1, epoch=9))
    assert [seen.trial for seen in read_log(tmp_path / "rungs.jsonl")] == ["a"]


def test_a_value_seen_before_changes_nothing(tmp_path: Path) -> None:
    asha = rungs(tmp_path)
    asha.see(value("a", 0.9))
    assert asha.see(value("b", 0.5))
    assert asha.see(value("b", 0.99))
    assert len(read_log(tmp_path / "rungs.jsonl")) == 2


def test_decisions_are_those_of_rays_own_scheduler_in_every_arm(tmp_path: Path) -> None:
    generator = random.Random(1)
    ours = rungs(tmp_path)
    theirs = {arm: AsyncHyperBandScheduler("epoch", "value", "max", 27, 1, 3) for arm in "xy"}
    for k in range(60):
        arm, trial = generator.choice("xy"), SimpleNamespace(trial_id=str(k))
        theirs[arm].on_trial_add(None, trial)
        for epoch in (1, 3, 9):
            score = generator.random()
            expected = theirs[arm].on_trial_result(None, trial, {"epoch": epoch, "value": score}) == "STOP"
            assert ours.see(value(str(k), score, arm=arm, budget=27, epoch=epoch)) == expected
            if expected:
                break


def test_a_new_process_stands_where_the_old_one_stood(tmp_path: Path) -> None:
    generator = random.Random(2)
    values = [value(str(k), generator.random()) for k in range(40)]
    whole = rungs(tmp_path / "whole") if (tmp_path / "whole").mkdir() is None else None
    assert whole is not None
    (tmp_path / "cut").mkdir()
    expected = [whole.see(v) for v in values]
    first = rungs(tmp_path / "cut")
    before = [first.see(v) for v in values[:17]]
    second = rungs(tmp_path / "cut")
    assert before + [second.see(v) for v in values[17:]] == expected
    assert second.stopped == whole.stopped


def test_a_torn_last_line_is_reported_again(tmp_path: Path) -> None:
    asha = rungs(tmp_path)
    asha.see(value("a", 0.9))
    log = tmp_path / "rungs.jsonl"
    log.write_text(log.read_text() + '{"trial": "b", "ar')
    again = rungs(tmp_path)
    assert again.see(value("b", 0.5))
    assert [seen.trial for seen in read_log(log)] == ["a", "b"]


def test_a_damaged_line_is_not_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "rungs.jsonl"
    log.write_text("rubbish\n")
    with pytest.raises(RecordError, match=r"rungs\.jsonl is damaged"):
        rungs(tmp_path)


def scheduler_of(folder: Path, *, max_retries: int = 0) -> tuple[ArmScheduler, Failures]:
    failures = Failures(folder, max_retries=max_retries, notice=print)
    return ArmScheduler(None, objective="valid/pr_auc", failures=failures, storage=StorageWatch(folder)), failures


def test_trials_start_in_the_order_proposed_and_ended_ones_are_not_looked_at(tmp_path: Path) -> None:
    scheduler, _ = scheduler_of(tmp_path)
    error_file = str(tmp_path / "error.txt")
    Path(error_file).write_text("Failure # 1\nRuntimeError: first\n")
    trials = [
        SimpleNamespace(trial_id=str(k), status=Trial.RUNNING, config={"name": str(k)}, error_file=error_file)
        for k in range(4)
    ]
    for trial in trials:
        scheduler.on_trial_add(None, trial)
    assert scheduler.choose_trial_to_run(None) is None
    scheduler.on_trial_complete(None, trials[0], {})
    scheduler.on_trial_error(None, trials[1])
    trials[2].status = trials[3].status = Trial.PENDING  # one of them after a failure
    assert scheduler.choose_trial_to_run(None) is trials[2]
    scheduler.on_trial_remove(None, trials[2])
    del trials[0].status, trials[1].status
    assert scheduler.choose_trial_to_run(None) is trials[3]


@pytest.mark.parametrize(("status", "dropped"), [("ERROR", set()), ("PENDING", {"t"})])
def test_a_trial_that_ray_gives_up_before_its_retries_is_remembered(
    tmp_path: Path, status: str, dropped: set[str]
) -> None:
    scheduler, failures = scheduler_of(tmp_path, max_retries=1)
    (tmp_path / "error.txt").write_text("Failure # 1\nRuntimeError: first\nFailure # 2\nRuntimeError: second\n")
    trial = SimpleNamespace(trial_id="t", config={"name": "t"}, status=status, error_file=str(tmp_path / "error.txt"))
    scheduler.on_trial_error(None, trial)
    assert failures.dropped == dropped
    scheduler.on_trial_error(None, trial)
    assert failures.gives_up("t")


def test_only_the_last_failure_in_rays_file_is_new(tmp_path: Path) -> None:
    scheduler, failures = scheduler_of(tmp_path)
    lost = "Failure # 1\nRuntimeError: own\nFailure # 2\nThe actor 1 is unavailable: Socket closed\n"
    (tmp_path / "error.txt").write_text(lost)
    trial = SimpleNamespace(trial_id="t", config={"name": "t"}, status="ERROR", error_file=str(tmp_path / "error.txt"))
    scheduler.on_trial_error(None, trial)
    assert not failures.gives_up("t")

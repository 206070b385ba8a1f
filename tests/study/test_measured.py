"""What a probe's measurements make of a plan."""

import dataclasses
from collections.abc import Callable

import pytest

from tagsearch.study.measured import Measured, cost_key, gpu_share, to_measure, trials_that_fit
from tagsearch.study.plan import START_SECONDS, PhasePlan, Plan, make_plan, predict
from tagsearch.study.plan_file import plan_record
from tagsearch.study.plan_text import describe
from tagsearch.study.schema import Study
from tagsearch.study.settings import defaults
from tests.study.examples import LOSSES, SEARCH

Read = Callable[..., Study]
CPU = Measured(
    seconds_per_step=0.5, seconds_per_chunk=0.1, peak_bytes=10**9, total_bytes=8 * 10**9, device="cpu", on_gpu=False
)
GPU = dataclasses.replace(CPU, peak_bytes=5 * 10**9, total_bytes=80 * 10**9, device="H100", on_gpu=True)
TWO_ARMS = "study: x\nbase: {epochs: 2}\narms: {a: , b: {lr: 1}}\nconfirm: {seeds: 1}\n"
SIZE = {"train": 160, "valid": 20, "test": 7}


@pytest.mark.parametrize("free", [{"lr": 0.5}, {"epochs": 3}, {"loss.label_smoothing": 0.1}, {"sampler": "power"}])
def test_settings_that_change_no_step_share_a_measurement(free: dict[str, float]) -> None:
    assert cost_key({**defaults(), **free}) == cost_key(defaults())


@pytest.mark.parametrize(
    "costly", [{"model.width": 64}, {"batch_size": 8}, {"precision": "bf16"}, {"loss": "bce_triplet"}, {"model": "fcn"}]
)
def test_settings_that_change_a_step_are_measured_apart(costly: dict[str, float]) -> None:
    assert cost_key({**defaults(), **costly}) != cost_key(defaults())


def test_each_cost_is_measured_once_and_each_drawn_model_too(read: Read) -> None:
    assert len(to_measure(read(TWO_ARMS))) == 1
    assert len(to_measure(read(LOSSES))) == 3
    study = read(SEARCH, "tune.tunables.model={choice: [cnn1d, fcn]}", "model=cnn1d")
    assert [config["model"] for config in to_measure(study).values()] == ["cnn1d", "fcn"]


def test_measured_times_take_the_place_of_estimates(read: Read) -> None:
    """By hand: 10 steps of 0.5 s and 20 clips of 3 chunks of 0.1 s are 11 s an epoch."""
    study = read(TWO_ARMS)
    plan = make_plan(study, n_clips=SIZE, clip_seconds=8.0, n_slots=1, measured=dict.fromkeys(to_measure(study), CPU))
    assert plan.seconds == pytest.approx(START_SECONDS + 2 * 2 * 11)
    (probed,) = plan.probed
    assert (probed.arms, probed.cost) == (("a", "b"), CPU)
    assert probed.seconds_per_epoch == pytest.approx(11)


def test_an_arm_that_was_not_measured_is_estimated(read: Read) -> None:
    study = read(LOSSES)
    known = {cost_key(study.baseline.config): CPU}
    plans = [make_plan(study, n_clips=SIZE, clip_seconds=8.0, n_slots=1, measured=measured) for measured in ({}, known)]
    assert plans[0].seconds < plans[1].seconds
    assert [one.arms for one in plans[1].probed] == [("bce",)]


def test_a_plan_keeps_what_was_measured(read: Read) -> None:
    study = read(TWO_ARMS)
    plan = make_plan(study, n_clips=SIZE, clip_seconds=8.0, n_slots=1, measured=dict.fromkeys(to_measure(study), CPU))
    (kept,) = plan_record(plan)["probed"]  # type: ignore[misc]
    assert kept["arms"] == ("a", "b")
    assert kept["cost"]["peak_bytes"] == 10**9


@pytest.mark.parametrize(
    ("peaks", "most", "share"),
    [
        ([5], 4, 0.25),  # 8 networks of 5 GB beside the features in 80 GB, and more than 4 trials gain nothing
        ([5, 20], 4, 0.5),  # the largest arm counts: 2 of 20 GB
        ([5], 8, 0.125),
        ([30], 4, 1.0),
        ([50], 4, 1.0),  # not even one: a whole GPU is the best that can be given
    ],
)
def test_the_share_of_a_gpu_follows_from_the_largest_arm(peaks: list[int], most: int, share: float) -> None:
    measured = [dataclasses.replace(GPU, peak_bytes=peak * 10**9) for peak in peaks]
    assert gpu_share(measured, most=most) == share


def test_on_a_cpu_all_memory_is_for_trials() -> None:
    assert trials_that_fit([CPU]) == 8
    assert trials_that_fit([GPU]) == 8  # of 80 GB one half


def described(read: Read, cost: Measured, *, n_slots: int) -> str:
    study = read(TWO_ARMS)
    measured = dict.fromkeys(to_measure(study), cost)
    return describe(study, make_plan(study, n_clips=SIZE, clip_seconds=8.0, n_slots=n_slots, measured=measured))


def test_more_trials_than_fit_into_memory_are_warned_of(read: Read) -> None:
    assert "measured: 11 s an epoch, 1.00 GB of memory a trial: a, b" in described(read, CPU, n_slots=8)
    assert "warning: 9 trials at a time do not fit into 8 GB of memory; --max-concurrent 8" in described(
        read, CPU, n_slots=9
    )
    assert "do not fit" not in described(read, CPU, n_slots=8)


def test_on_a_gpu_the_share_is_told(read: Read) -> None:
    text = described(read, GPU, n_slots=4)
    assert "a GPU of 80 GB (H100) holds the networks of 8 trials: --gpus-per-trial 0.25" in text
    too_big = described(read, dataclasses.replace(GPU, peak_bytes=50 * 10**9), n_slots=1)
    assert "warning: the largest arm may not fit into a GPU" in too_big


def test_gpu_hours_are_those_of_the_gpus_kept_busy(read: Read) -> None:
    phase = PhasePlan(phase="confirm", n_trials=1, most_epochs=1, expected_epochs=1, seconds=7200, disk_bytes=0)
    plan = Plan(arms=("a",), phases=(phase,), n_slots=2, feature_bytes=0, n_gpus=1.5)
    assert plan.gpu_hours == 3.0
    assert "predicted: 2.0 hours (3.0 GPU-hours) with 2 trials" in describe(read(TWO_ARMS), plan)
    assert predict(read(TWO_ARMS)).n_gpus == 0

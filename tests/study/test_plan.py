"""What a study costs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagsearch.errors import CorpusError
from tagsearch.registry import MODELS
from tagsearch.study.plan import (
    START_SECONDS,
    Speed,
    expected_epochs,
    make_plan,
    predict,
)
from tagsearch.study.schema import Asha, Study
from tests.study.examples import LOSSES, SEARCH

Read = Callable[..., Study]


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
    """By hand: 160 clips in batches of 16 are 10 steps; 3 x 160 + 20 clips of 3 chunks are 540 forwards of a chunk."""
    study = read("study: x\nbase: {epochs: 2}\narms: {a: , b: {lr: 1}}\nconfirm: {seeds: 1}\n")
    speed = Speed(macs_per_second=MODELS["cnn1d"].mega_macs * 1e6, seconds_per_step=0.5)
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


@pytest.mark.parametrize(
    ("data", "n_seconds"),
    [
        ("{corpus: builtin, size: small}", (117 + 39 + 96) * 8.0),
        ("{corpus: mtat}", (18_706 + 1_825 + 5_329) * 29.1),
        ("{corpus: mtat, split: filtered}", (15_244 + 1_529 + 4_332) * 29.1),
        ("{corpus: mtat_hw2}", (6_206 + 1_529 + 1_339) * 8.0),
    ],
)
def test_a_known_corpus_is_planned_in_the_size_of_the_chosen_split(read: Read, data: str, n_seconds: float) -> None:
    plan = predict(read(LOSSES + f"data: {data}\n"), n_slots=1)
    assert plan.feature_bytes == pytest.approx(n_seconds * 62.5 * 96 * 2)


def test_a_folder_is_planned_in_the_size_that_its_label_file_tells(read: Read, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,split,rock\na,train,1\nb,train,0\nc,valid,1\nd,test,1\n")
    plan = predict(read(LOSSES + f"data: {{corpus: folder, path: '{tmp_path}'}}\n"), n_slots=1)
    assert plan.feature_bytes == pytest.approx(4 * 30.0 * 62.5 * 96 * 2)


def test_a_folder_without_labels_cannot_be_planned(read: Read, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"holds no \.csv or \.tsv file"):
        predict(read(LOSSES + f"data: {{corpus: folder, path: '{tmp_path}'}}\n"), n_slots=1)


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

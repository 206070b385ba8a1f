"""What a study costs."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tagsearch.errors import CorpusError, StudyError
from tagsearch.registry import CORPORA, MODELS
from tagsearch.study.chunks import longest_chunk_of
from tagsearch.study.plan import (
    CHECKPOINT_BYTES,
    LOG_BYTES,
    START_SECONDS,
    Speed,
    make_plan,
    predict,
)
from tagsearch.study.plan_text import describe
from tagsearch.study.schema import Asha, Confirm, Study
from tagsearch.study.stopping import expected_epochs
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


def test_a_plan_tells_a_declared_extension_apart_from_what_it_starts(read: Read) -> None:
    study = read(LOSSES, "confirm.extension=9")
    plan = predict(study)
    assert plan.phases[1].n_trials == 15
    assert "declared: a second look at 9 seeds an arm, 12 more trials if it is taken" in describe(study, plan)
    assert "declared" not in describe(read(LOSSES), predict(read(LOSSES)))


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


def test_a_longer_chunk_costs_more_and_is_heard_less_often(read: Read) -> None:
    """By hand: 3 x 100 crops and, of 10 clips of 8 s, 3 chunks of 3 s or 1 of 6 s, at 1,202 MMAC for 3 s."""
    text = "study: x\nbase: {model: musicnn, model.chunk_seconds: SECONDS, epochs: 1}\narms: {a: , b: {lr: 1}}\n"
    for seconds, expected in (("3.0", 330 * 1202.0), ("6.0", (300 + 2 * 10) * 2 * 1202.0)):
        plan = make_plan(
            read(text.replace("SECONDS", seconds), "confirm.seeds=1"),
            n_clips={"train": 100, "valid": 10, "test": 10},
            clip_seconds=8.0,
            n_slots=1,
            speed=Speed(macs_per_second=1e6, seconds_per_step=0.0),
        )
        assert plan.seconds - START_SECONDS == pytest.approx(2 * expected)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "arms: {a: , b: {model: fcn}}",
            "model fcn hears chunks of 29 s, .* corpus builtin last 8 s; choose a model with shorter",
        ),
        (
            "base: {model: crnn}\narms: {a: , b: {lr: 1}}",
            "model crnn hears .* 29 s, .*; set model.chunk_seconds to at most 8",
        ),
        ("tune: {trials_per_arm: 2, tunables: {model: {choice: [cnn1d, fcn]}}}", "model fcn hears chunks of 29 s"),
        (
            "base: {model: musicnn}\ntune: {trials_per_arm: 2, tunables: {model.chunk_seconds: {uniform: [3.0, 9.0]}}}",
            "model musicnn hears chunks of 9 s",
        ),
    ],
)
def test_a_model_that_hears_more_than_a_clip_is_refused_before_anything_starts(
    text: str, complaint: str, read: Read
) -> None:
    with pytest.raises(StudyError, match=complaint):
        predict(read(f"study: x\n{text}\n"))


def test_the_refusal_names_the_setting_that_repeats_short_clips(read: Read) -> None:
    text = "study: x\narms: {a: , b: {model: fcn}}\n"
    with pytest.raises(StudyError, match=r"or repeat them to fill the chunk: data\.pad: repeat$"):
        predict(read(text))
    predict(read(text, "data.pad=repeat"))


def test_a_clip_that_is_repeated_is_heard_once_in_evaluation(read: Read) -> None:
    """By hand: 3 x 100 crops and one chunk of each of 10 clips, at 2,154 MMAC for 29 s; two arms of one epoch."""
    study = read("study: x\nbase: {model: fcn, epochs: 1}\narms: {a: , b: {lr: 1}}\ndata: {pad: repeat}\n")
    plan = make_plan(
        dataclasses.replace(study, confirm=Confirm(seeds=1)),
        n_clips={"train": 100, "valid": 10, "test": 10},
        clip_seconds=8.0,
        n_slots=1,
        speed=Speed(macs_per_second=1e6, seconds_per_step=0.0),
    )
    assert plan.seconds - START_SECONDS == pytest.approx(2 * 310 * 2154.0)


def test_a_folder_whose_clips_may_be_long_enough_is_planned(read: Read, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,split,rock\na,train,1\nb,train,0\nc,valid,1\nd,test,1\n")
    text = "study: x\nbase: {model: crnn, model.chunk_seconds: 60.0}\narms: {a: , b: {lr: 1}}\n"
    predict(read(text + f"data: {{corpus: folder, path: '{tmp_path}'}}\n"))


def test_the_longest_chunk_of_a_study_is_that_of_any_model_it_may_train(read: Read) -> None:
    arms = "study: x\narms: {a: , b: {model: crnn, model.chunk_seconds: 7.5}, c: {model: harmonic_cnn}}\n"
    assert longest_chunk_of(read(arms)) == 7.5
    models = "{model: {choice: [cnn1d, musicnn]}, model.chunk_seconds: {choice: [1.0, 4.5], when: {model: musicnn}}}"
    assert longest_chunk_of(read(f"study: x\ntune: {{trials_per_arm: 2, tunables: {models}}}\n")) == 4.5


def test_a_chunk_as_long_as_the_clip_fits(read: Read) -> None:
    predict(read("study: x\nbase: {model: crnn, model.chunk_seconds: 8.0}\narms: {a: , b: {lr: 1}}\n"))


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


@pytest.mark.parametrize(
    ("text", "bytes_per_second"),
    [
        ("arms: {a: , b: {model: cnn2d}}", 12_000),  # 62.5 frames of 96 bands in float16, shared
        ("arms: {a: {model: short_chunk}, b: {model: self_attention, model.chunk_seconds: 5.0}}", 16_000),  # 128 bands
        ("arms: {a: {model: sample_cnn}, b: {model: harmonic_cnn}}", 32_000),  # 16,000 samples in int16
        ("arms: {a: , b: {model: short_chunk_res}, c: {model: sample_cnn_se}}", 60_000),
        ("tune: {trials_per_arm: 2, tunables: {model: {choice: [cnn1d, sample_cnn]}}}", 44_000),
    ],
)
def test_features_are_planned_for_every_front_end_once(text: str, bytes_per_second: int, read: Read) -> None:
    plan = predict(read(f"study: x\n{text}\n"), n_slots=1)
    assert plan.feature_bytes == pytest.approx((1199 + 396 + 1106) * 8.0 * bytes_per_second)


@pytest.mark.parametrize(
    ("data", "n_tags"),
    [
        ("{corpus: builtin, size: full}", 50),
        ("{corpus: mtat}", 50),
        ("{corpus: mtat, tags: all}", 188),
        ("{corpus: mtat_hw2, tags: top20}", 20),
        ("{corpus: mtat_hw2, tags: top999}", 188),
    ],
)
def test_score_files_are_planned_for_the_tags_of_the_corpus(data: str, n_tags: int, read: Read) -> None:
    study = read(LOSSES + f"data: {data}\ncheckpoint: last\nsnapshots: [5, 10]\n")
    size = CORPORA[str(study.data["corpus"])].size({k: v for k, v in study.data.items() if k not in ("corpus", "pad")})
    rest = 15 * (3 * CHECKPOINT_BYTES + LOG_BYTES)  # 15 trials, two snapshots and the final checkpoint, float32
    assert predict(study, n_slots=1).phases[-1].disk_bytes - rest == 15 * (size.valid + size.test) * n_tags * 3 * 4


def test_a_folders_tags_are_those_that_its_label_file_lists(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,split,rock,jazz,folk\na,train,1,0,0\nb,valid,0,0,1\nc,test,1,0,1\n")
    knobs = {"path": str(tmp_path), "labels": "", "sample_rate": 16_000}
    assert [CORPORA["folder"].size({**knobs, "tags": tags}).n_tags for tags in ("all", "top2")] == [3, 2]


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


def test_trials_that_another_run_has_cost_nothing(read: Read) -> None:
    size = {"n_clips": {"train": 900, "valid": 100, "test": 200}, "clip_seconds": 8.0, "n_slots": 2}
    arms = ("bce", "focal", "bce_triplet")
    to_do = {("tune", arm): 0 for arm in arms[1:]} | {
        ("confirm", arm): n for arm, n in zip(arms, (5, 0, 1), strict=True)
    }
    whole, rest = make_plan(read(LOSSES), **size), make_plan(read(LOSSES), **size, to_do=to_do)
    assert [phase.n_trials for phase in rest.phases] == [8, 6]
    assert [phase.most_epochs for phase in rest.phases] == [8 * 40, 6 * 40]
    assert rest.phases[0].expected_epochs == pytest.approx(whole.phases[0].expected_epochs / 3)
    assert rest.disk_bytes == whole.disk_bytes  # copies take their place


def test_trials_that_are_there_make_it_harder_for_the_others(read: Read) -> None:
    asha = Asha(grace_period=4, reduction_factor=3)
    size = {"n_clips": {"train": 900, "valid": 100, "test": 200}, "clip_seconds": 8.0, "n_slots": 2}
    to_do = {("tune", arm): 2 for arm in ("bce", "focal", "bce_triplet")}
    rest = make_plan(read(LOSSES), **size, to_do=to_do)
    expected = expected_epochs(8, 40, asha) - expected_epochs(6, 40, asha)
    assert rest.phases[0].expected_epochs == pytest.approx(3 * expected)


def test_a_phase_with_nothing_to_train_takes_no_time(read: Read) -> None:
    nothing = {(phase, arm): 0 for phase in ("tune", "confirm") for arm in ("bce", "focal", "bce_triplet")}
    plan = make_plan(
        read(LOSSES), n_clips={"train": 9, "valid": 1, "test": 2}, clip_seconds=8.0, n_slots=2, to_do=nothing
    )
    assert plan.seconds == 0.0

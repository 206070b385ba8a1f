"""Components that should not meet: refused, or warned of."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tagsearch.errors import StudyError
from tagsearch.registry import MODELS
from tagsearch.registry.front_ends import WAVEFORM
from tagsearch.study.component_checks import double_corrections, reachable
from tagsearch.study.plan import predict
from tagsearch.study.plan_text import describe
from tagsearch.study.schema import Study

Read = Callable[..., Study]
TUNE = "tune:\n  trials_per_arm: 2\n  tunables:\n"


@pytest.fixture
def _deaf_to_mels(monkeypatch: pytest.MonkeyPatch) -> None:
    """cnn2d hears waveforms."""
    monkeypatch.setitem(MODELS, "cnn2d", replace(MODELS["cnn2d"], front_end=WAVEFORM))


# --- what can meet ---------------------------------------------------------------------------------------------------


def pairs(study: Study, *kinds: str) -> set[tuple[str, ...]]:
    assert study.tune is not None
    found = reachable(study.tune_arms[0], study.tune.tunables)
    return {tuple(chosen[kind] for kind in kinds) for chosen in found}


def test_tuned_components_meet_in_every_combination(read: Read) -> None:
    study = read("study: x\n" + TUNE + "    loss: {choice: [bce, focal]}\n    sampler: {choice: [shuffle, power]}\n")
    assert pairs(study, "loss", "sampler") == {
        *(("bce", "shuffle"), ("bce", "power"), ("focal", "shuffle"), ("focal", "power"))
    }


def test_a_condition_keeps_components_apart(read: Read) -> None:
    study = read(
        "study: x\n" + TUNE + "    sampler: {choice: [shuffle, power], when: {loss: bce}}\n"
        "    loss: {choice: [bce, focal]}\n"
    )
    assert pairs(study, "loss", "sampler") == {("bce", "shuffle"), ("bce", "power"), ("focal", "shuffle")}


def test_a_condition_on_something_else_holds_in_some_trials(read: Read) -> None:
    study = read(
        "study: x\n" + TUNE + "    epochs: {choice: [10, 20]}\n"
        "    sampler: {choice: [power, tag_uniform], when: {epochs: 10}}\n"
    )
    assert pairs(study, "sampler") == {("shuffle",), ("power",), ("tag_uniform",)}


# --- front ends ------------------------------------------------------------------------------------------------------

MISFITS = {
    "base": ("study: x\nbase:\n  augment: spec_augment\nfactors: {model: [cnn1d, cnn2d]}\n", 3),
    "factor": (
        "study: x\nbase: {model: cnn2d}\nfactors:\n  augment: [none, {spec_augment: {freq_masks: 1}}]\n",
        4,
    ),
    "arm": ("study: x\narms:\n  a:\n  b: {model: cnn2d, augment: spec_augment}\n", 4),
    "tunable": (
        "study: x\nfactors: {model: [cnn1d, cnn2d]}\n" + TUNE + "    augment: {choice: [none, spec_augment]}\n",
        6,
    ),
}


@pytest.mark.usefixtures("_deaf_to_mels")
@pytest.mark.parametrize(("text", "line"), MISFITS.values(), ids=MISFITS)
def test_masks_on_a_spectrogram_are_refused_where_a_model_hears_waveforms(read: Read, text: str, line: int) -> None:
    message = rf"^s\.yaml:{line}: augment 'spec_augment' works on log_mel chunks, and model 'cnn2d' hears waveform"
    with pytest.raises(StudyError, match=message):
        read(text)


@pytest.mark.usefixtures("_deaf_to_mels")
def test_masks_are_welcome_where_a_condition_keeps_them_from_waveforms(read: Read) -> None:
    read(
        "study: x\nfactors: {model: [cnn1d, cnn2d]}\n" + TUNE + "    augment: {choice: [none, spec_augment], "
        "when: {model: cnn1d}}\n    augment.freq_masks: {randint: [1, 3], when: {augment: spec_augment}}\n"
    )


@pytest.mark.usefixtures("_deaf_to_mels")
def test_mixup_takes_any_front_end(read: Read) -> None:
    read("study: x\nbase: {augment: mixup}\nfactors: {model: [cnn1d, cnn2d]}\n")


# --- optimizers ------------------------------------------------------------------------------------------------------


def test_a_plan_that_begins_with_adam_is_refused_with_another_optimizer(read: Read) -> None:
    with pytest.raises(StudyError, match=r"^s\.yaml:2: schedule 'adam_then_sgd' begins with optimizer adam, not 'sgd'"):
        read("study: x\nbase: {schedule: adam_then_sgd}\nfactors: {loss: [bce, focal]}\n")
    read("study: x\nbase: {schedule: adam_then_sgd, optimizer: adam}\nfactors: {loss: [bce, focal]}\n")


# --- batches ---------------------------------------------------------------------------------------------------------

TOO_SMALL = {
    "base": ("study: x\nbase:\n  batch_size: 1\nfactors: {model: [cnn1d, short_chunk]}\n", 3),
    "factor": ("study: x\nbase: {model: short_chunk}\nfactors:\n  batch_size:\n    - 16\n    - 1\n", 6),
    "arm": ("study: x\nbase: {batch_size: 8}\narms:\n  a:\n  b: {model: short_chunk, batch_size: 1}\n", 5),
    "choice": (
        "study: x\nbase: {batch_size: 8}\nfactors: {model: [cnn1d, short_chunk]}\n" + TUNE + "    batch_size:\n"
        "      choice: [4, 2, 1]\n",
        8,
    ),
    "range": ("study: x\nfactors: {model: [cnn1d, short_chunk]}\n" + TUNE + "    batch_size: {randint: [1, 9]}\n", 6),
    "searched model": (
        "study: x\nbase: {batch_size: 1}\n" + TUNE + "    model: {choice: [cnn2d, short_chunk]}\n",
        2,
    ),
}


@pytest.mark.parametrize(("text", "line"), TOO_SMALL.values(), ids=TOO_SMALL)
def test_a_batch_smaller_than_a_models_batch_norm_needs_is_refused(read: Read, text: str, line: int) -> None:
    message = (
        rf"^s\.yaml:{line}: model 'short_chunk' trains on batches of at least 2 clips, not batch_size 1: .* "
        r"set batch_size to 2 or more \(arm '.+'\)$"
    )
    with pytest.raises(StudyError, match=message):
        read(text)


def test_a_batch_size_on_the_command_line_is_checked_too(read: Read) -> None:
    with pytest.raises(StudyError, match=r"^override 'batch_size=1': model 'sample_cnn' trains on batches of at least"):
        read("study: x\nfactors: {model: [cnn1d, sample_cnn]}\n", "batch_size=1")


def test_single_clips_are_welcome_where_no_model_of_theirs_needs_more(read: Read) -> None:
    read("study: x\nbase: {batch_size: 1}\nfactors: {model: [cnn1d, cnn2d]}\n")
    read(
        "study: x\nbase: {batch_size: 2}\nfactors: {model: [cnn1d, short_chunk]}\n"
        + TUNE
        + "    batch_size: {choice: [1, 4], when: {model: cnn1d}}\n"
    )


def test_a_batch_size_that_is_always_tuned_does_not_matter_in_the_base(read: Read) -> None:
    read(
        "study: x\nbase: {batch_size: 1}\nfactors: {model: [cnn1d, short_chunk]}\n"
        + TUNE
        + "    batch_size: {choice: [2, 4]}\n"
    )


# --- corrections -----------------------------------------------------------------------------------------------------


def test_an_arm_that_corrects_for_frequency_twice_is_named_with_both_places(read: Read) -> None:
    study = read(
        "study: x\ndesign: grid\nfactors: {loss: [bce, class_balanced], sampler: [shuffle, power, repeat_factor]}\n"
    )
    assert double_corrections(study) == tuple(
        f"arm class_balanced+{sampler} corrects for tag frequency twice: sampler {sampler} and loss class_balanced; "
        "drop one of them, unless both together are the question"
        for sampler in ("power", "repeat_factor")
    )


def test_an_arm_whose_tunables_allow_it_may_correct_twice(read: Read) -> None:
    study = read(
        "study: x\nfactors: {sampler: [shuffle, tag_uniform]}\n" + TUNE + "    loss: {choice: [bce, weighted_bce]}\n"
    )
    (sentence,) = double_corrections(study)
    assert sentence.startswith("arm tag_uniform may correct for tag frequency twice: sampler tag_uniform and loss weig")


def test_one_correction_is_no_matter(read: Read) -> None:
    study = read("study: x\nfactors: {sampler: [shuffle, power], loss: [bce, logit_adjusted]}\ndesign: one_factor\n")
    assert double_corrections(study) == ()


def test_the_plan_prints_the_warning(read: Read) -> None:
    study = read("study: x\nbase: {loss: logit_adjusted}\nfactors: {sampler: [shuffle, power]}\n")
    last = describe(study, predict(study, n_slots=1)).splitlines()[-1]
    assert last.startswith("warning: arm power corrects for tag frequency twice: sampler power and loss logit_adjusted")

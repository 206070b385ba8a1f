"""Profiles and `key=value`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tagsearch.errors import StudyError
from tagsearch.study import overrides as overrides_module
from tagsearch.study.schema import Study

Read = Callable[..., Study]
LOSSES = """\
study: x
base: {epochs: 40, model: {cnn1d: {width: 8}}}
factors: {loss: [bce, focal]}
tune:
  trials_per_arm: 8
  tunables:
    lr: {loguniform: [1e-4, 1e-1]}
  asha: {grace_period: 4}
"""
PROFILES = (
    LOSSES
    + """\
profiles:
  cpu:
    base.epochs: 20
    tune: {trials_per_arm: 4, asha: {grace_period: 2}}
  gpu:
    factors.loss: [bce, bce_triplet]
"""
)


def test_a_dotted_path_sets_a_value(read: Read) -> None:
    study = read(
        LOSSES, "confirm.seeds=3", "tune.asha.grace_period=2", "factors.loss=[bce, focal, bce_triplet]", "seed=7"
    )
    assert study.tune is not None
    assert study.tune.asha is not None
    assert (study.confirm.seeds, study.tune.asha.grace_period, study.seed) == (3, 2, 7)
    assert len(study.arms) == 3


def test_a_bare_name_sets_the_base(read: Read) -> None:
    study = read(LOSSES, "epochs=30", "batch_size=8", "model.width=4", "schedule={cosine: }")
    assert [study.base[s] for s in ("epochs", "batch_size", "model.width", "schedule")] == [30, 8, 4, "cosine"]


def test_values_are_yaml_1_2(read: Read) -> None:
    assert read(LOSSES, "optimizer.momentum=1e-1").base["optimizer.momentum"] == 0.1
    assert read(LOSSES, "question=no").question == "no"


def test_an_override_may_hold_an_equals_sign(read: Read) -> None:
    assert read(LOSSES, "question=is a=b?").question == "is a=b?"


def test_the_last_override_wins(read: Read) -> None:
    assert read(LOSSES, "epochs=30", "epochs=31").base["epochs"] == 31


def test_another_component_drops_the_knobs_of_the_one_before(read: Read) -> None:
    assert read(LOSSES, "model=cnn2d").base["model.width"] == 64
    assert read(LOSSES, "model=cnn1d").base["model.width"] == 8
    assert read(LOSSES, "model.width=16", "model=cnn2d").base["model.width"] == 16


def test_another_corpus_drops_the_knobs_of_the_one_before(read: Read) -> None:
    text = LOSSES + "data: {corpus: builtin, size: small}\n"
    data = read(text, "data.path=/m", "data.corpus=folder").data
    own = {"path": "/m", "labels": "", "tags": "all", "sample_rate": 16_000}
    assert data == {"corpus": "folder", **own, "pad": "refuse"}
    assert read(text, "data.seed=3").data == {"corpus": "builtin", "size": "small", "seed": 3, "pad": "refuse"}


def test_another_corpus_keeps_what_holds_for_any(read: Read) -> None:
    text = LOSSES + "data: {corpus: builtin, size: small, pad: repeat}\n"
    assert read(text, "data.path=/m", "data.corpus=mtat_hw2").data["pad"] == "repeat"
    assert read(text, "data.pad=refuse", "data.corpus=mtat_hw2").data["pad"] == "refuse"


def test_an_override_can_leave_a_section_out(read: Read) -> None:
    assert read(LOSSES, "tune=null").tune is None


def test_a_tunable_can_be_set_whole(read: Read) -> None:
    tune = read(LOSSES, "tune.tunables.loss.gamma={uniform: [0, 1], when: {loss: focal}}").tune
    assert tune is not None
    assert [t.name for t in tune.tunables] == ["lr", "loss.gamma"]


def test_an_arm_can_be_changed(read: Read) -> None:
    text = "study: x\narms: {short: {epochs: 10}, long: {epochs: 20}}\n"
    assert [arm.config["epochs"] for arm in read(text, "arms.long.epochs=40").arms] == [10, 40]


def test_a_profile_changes_values_nested_or_dotted(read: Read) -> None:
    study = read(PROFILES, profile="cpu")
    assert study.tune is not None
    assert study.tune.asha is not None
    assert (study.profile, study.base["epochs"], study.base["model.width"]) == ("cpu", 20, 8)
    assert (study.tune.trials_per_arm, study.tune.asha.grace_period, len(study.tune.tunables)) == (4, 2, 1)


def test_overrides_come_after_the_profile(read: Read) -> None:
    assert read(PROFILES, "epochs=21", profile="cpu").base["epochs"] == 21


def test_the_default_profile_is_what_the_machine_has(
    read: Read, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert read(PROFILES).profile == "cpu"
    device = tmp_path / "nvidia0"
    device.touch()
    monkeypatch.setattr(overrides_module, "GPU_DEVICE", device)
    assert read(PROFILES).profile == "gpu"


def test_a_study_without_profiles_has_none(read: Read) -> None:
    assert read(LOSSES).profile is None


OVERRIDES = {
    "tune.trails=4": r"tune has no key 'trails'; did you mean .* known: asha, search, trials_per_arm, tunables$",
    "tuen.search=random": r"unknown key 'tuen\.search'; did you mean 'tune'\?",
    "epoch=3": r"unknown key 'epoch'; did you mean 'epochs'\?",
    "loss.gama=3": r"no loss has a knob 'gama'; did you mean 'loss\.gamma'\?",
    "data.sise=small": r"corpus 'builtin' has no knob 'sise'; did you mean 'size'\?",
    "epochs=many": r"epochs must be a whole number, not 'many'$",
    "epochs=0": r"epochs must lie in \[1, 100000\], not 0$",
    "epochs=": r"epochs must be a single value like 10, not nothing$",
    "epochs": r"an override is written key=value$",
    "=3": r"an override is written key=value$",
    "seed=[1": r"not valid YAML: ",
    "seed.x=3": r"seed must be a single value like 0, not \{'x': 3\}$",
    "objective.x=3": r"objective cannot be",
    "confirm.seeds.x=3": r"confirm\.seeds must be a single value",
    "profile=gpu": r"a profile is chosen with --profile NAME",
    "loss=focal": r"loss is a factor of this study; set factors\.loss=\[\.\.\.\]$",
    "loss.gamma=3": r"loss is a factor of this study; set factors\.loss=\[\.\.\.\]$",
    "base.lr=3": r"lr is a tunable of this study; set tune\.tunables\.lr=\{\.\.\.\}$",
    "lr=3": r"lr is a tunable of this study",
    "model.width=0": r"model\.width must lie in \[1, 1024\], not 0$",
    "hypotheses.0.text=x": r"hypotheses must be a list",
}


@pytest.mark.parametrize("override", OVERRIDES)
def test_a_wrong_override_is_refused_by_its_own_words(read: Read, override: str) -> None:
    with pytest.raises(StudyError, match=OVERRIDES[override]) as caught:
        read(LOSSES, override)
    assert str(caught.value).startswith(f"override {override!r}: ")


def test_a_setting_that_an_arm_controls_is_refused(read: Read) -> None:
    with pytest.raises(StudyError, match=r"arm 'a' sets epochs itself; set arms\.a\.epochs=\.\.\.$"):
        read("study: x\narms: {a: {epochs: 10}, b: {epochs: 20}}\n", "epochs=3")


def test_an_arm_that_does_not_exist_is_not_made_by_setting_a_part_of_it(read: Read) -> None:
    text = "study: x\narms: {short: {epochs: 10}, long: {epochs: 20}}\n"
    with pytest.raises(StudyError, match=r"no arm is called 'lang'; did you mean 'long'\? known: long, short$"):
        read(text, "arms.lang.epochs=40")
    assert len(read(text, "arms.longer={epochs: 30}").arms) == 3


def test_the_baseline_of_a_search_may_be_changed_under_its_tunables(read: Read) -> None:
    text = "study: x\ntune: {trials_per_arm: 2, tunables: {lr: {uniform: [0.1, 1]}}}\n"
    assert read(text, "base.lr=0.5").baseline.config["lr"] == 0.5


def test_setting_a_list_inside_a_list_is_refused(read: Read) -> None:
    text = LOSSES + "hypotheses: [{id: a, text: b, arm: focal}]\n"
    with pytest.raises(StudyError, match=r"^override 'hypotheses\.0=3': there is no '0' to set in \[.* \(s\.yaml:9\)$"):
        read(text, "hypotheses.0=3")


PROFILE_MISTAKES = {
    "unknown profile": (PROFILES, "gpuu", r"^s\.yaml:9: profile 'gpuu' is not in this study; did you mean 'gpu'\?"),
    "no profiles": (LOSSES, "gpu", r"^s\.yaml:1: profile 'gpu' is not in this study, which has no profiles$"),
    "unknown key": (
        LOSSES + "profiles:\n  cpu:\n    epoch: 3\n",
        None,
        r"^s\.yaml:11: unknown key 'epoch'; did you mean",
    ),
    "unknown key in another profile": (
        LOSSES + "profiles:\n  cpu: {}\n  gpu:\n    epoch: 3\n",
        "cpu",
        r"^s\.yaml:12: unknown key 'epoch'; did you mean",
    ),
    "value": (LOSSES + "profiles:\n  cpu:\n    base.epochs: x\n", None, r"^s\.yaml:11: epochs must be a whole number"),
    "nested": (
        LOSSES + "profiles:\n  cpu:\n    tune:\n      trials: 3\n",
        None,
        r"^s\.yaml:12: tune has no key 'trials'; did you mean 'trials_per_arm'",
    ),
    "a factor": (LOSSES + "profiles:\n  cpu:\n    loss: focal\n", None, r"^s\.yaml:11: loss is a factor of this study"),
    "no mapping": (LOSSES + "profiles: [a]\n", None, r"^s\.yaml:9: profiles must be a mapping"),
    "profile inside": (LOSSES + "profiles:\n  cpu: {profiles: {}}\n", None, r"^s\.yaml:10: a profile is chosen with"),
    "applied already": (PROFILES + "profile: cpu\n", None, r"^s\.yaml:15: `profile:` names a profile already applied"),
}


@pytest.mark.parametrize("mistake", PROFILE_MISTAKES)
def test_a_mistake_in_a_profile_is_refused_with_its_line(read: Read, mistake: str) -> None:
    text, profile, message = PROFILE_MISTAKES[mistake]
    with pytest.raises(StudyError, match=message):
        read(text, profile=profile)

"""Designs and arm names."""

from collections.abc import Callable

import pytest

from tagsearch.errors import StudyError
from tagsearch.study.schema import Study

Read = Callable[..., Study]
TWO = "study: x\nfactors:\n  loss: [bce, focal]\n  sampler: [shuffle, tag_uniform]\n"


def names(study: Study) -> list[str]:
    return [arm.name for arm in study.arms]


def chosen(study: Study, *settings: str) -> list[tuple[object, ...]]:
    return [tuple(arm.config[setting] for setting in settings) for arm in study.arms]


def test_one_factor_names_its_arms_by_level(read: Read) -> None:
    study = read("study: x\nfactors:\n  loss: [bce, focal, bce_triplet]\n")
    assert names(study) == ["bce", "focal", "bce_triplet"]
    assert study.factors == {"loss": ("bce", "focal", "bce_triplet")}
    assert study.baseline.levels == {"loss": "bce"}


def test_several_factors_are_changed_one_at_a_time(read: Read) -> None:
    study = read(TWO + "design: one_factor\n")
    assert names(study) == ["baseline", "focal", "tag_uniform"]
    assert chosen(study, "loss", "sampler") == [("bce", "shuffle"), ("focal", "shuffle"), ("bce", "tag_uniform")]


def test_leave_one_out_compares_with_the_full_system(read: Read) -> None:
    study = read(TWO + "  epochs: [10, 20]\ndesign: leave_one_out\n")
    assert names(study) == ["full", "loss=bce", "sampler=shuffle", "epochs=10"]
    assert chosen(study, "loss", "sampler", "epochs") == [
        ("focal", "tag_uniform", 20),
        ("bce", "tag_uniform", 20),
        ("focal", "shuffle", 20),
        ("focal", "tag_uniform", 10),
    ]
    assert study.base["loss"] == "bce"


def test_a_grid_is_the_product_of_all_levels(read: Read) -> None:
    study = read(TWO + "design: grid\n")
    assert names(study) == ["bce+shuffle", "bce+tag_uniform", "focal+shuffle", "focal+tag_uniform"]


def test_exclude_removes_what_it_matches_in_part(read: Read) -> None:
    study = read(TWO + "design: grid\nexclude: [{loss: focal, sampler: tag_uniform}]\n")
    assert names(study) == ["bce+shuffle", "bce+tag_uniform", "focal+shuffle"]
    assert names(read(TWO + "design: grid\nexclude: [{loss: focal}]\n")) == ["bce+shuffle", "bce+tag_uniform"]


def test_include_adds_a_combination(read: Read) -> None:
    study = read(TWO + "design: one_factor\ninclude: [{loss: focal, sampler: tag_uniform}]\n")
    assert names(study) == ["baseline", "focal", "tag_uniform", "focal+tag_uniform"]
    assert study.arms[-1].levels == {"loss": "focal", "sampler": "tag_uniform"}


def test_include_may_name_a_level_that_is_no_other_arms(read: Read) -> None:
    study = read(TWO + "design: one_factor\ninclude: [{loss: {focal: {gamma: 3}}}]\n")
    assert study.arms[-1].name == "focal.gamma=3"
    assert study.arms[-1].config["loss.gamma"] == 3.0


def test_explicit_arms_change_the_base(read: Read) -> None:
    study = read(
        "study: x\nbase: {lr: 0.01}\narms:\n  plain:\n  long: {epochs: 99}\n  both: {epochs: 99, loss: focal}\n"
    )
    assert (study.design, names(study)) == ("explicit", ["plain", "long", "both"])
    assert chosen(study, "lr", "epochs", "loss") == [(0.01, 10, "bce"), (0.01, 99, "bce"), (0.01, 99, "focal")]


def test_levels_of_one_component_are_told_apart_by_their_knobs(read: Read) -> None:
    study = read("study: x\nfactors:\n  loss: [bce, focal, {focal: {gamma: 3}}, {focal: {gamma: 0.5, alpha: 0.25}}]\n")
    assert names(study) == ["bce", "focal.gamma=2", "focal.gamma=3", "focal.gamma=0.5"]


def test_numbers_are_labelled_with_their_setting(read: Read) -> None:
    assert names(read("study: x\nfactors: {lr: [1e-5, 0.1]}\n")) == ["lr=1e-05", "lr=0.1"]
    assert names(read("study: x\nfactors: {model.width: [8, 16]}\n")) == ["width=8", "width=16"]


def test_a_level_has_declared_defaults_in_what_it_does_not_name(read: Read) -> None:
    study = read("study: x\nfactors:\n  loss: [{focal: {alpha: 0.5}}, {focal: {gamma: 3}}]\n")
    assert chosen(study, "loss.alpha", "loss.gamma") == [(0.5, 2.0), (0.25, 3.0)]


def test_the_base_may_agree_with_the_first_level(read: Read) -> None:
    assert read("study: x\nbase: {loss: focal}\nfactors: {loss: [focal, bce]}\n").base["loss"] == "focal"


MISTAKES = {
    "base disagrees": (
        "study: x\nbase: {loss: focal}\nfactors: {loss: [bce, focal]}\n",
        r"^s\.yaml:2: base says loss is 'focal', but the first level of factor loss is bce",
    ),
    "base sets a knob of a factor": (
        "study: x\nbase: {model.width: 8}\nfactors: {model: [cnn1d, cnn2d]}\n",
        r"^s\.yaml:2: model is a factor, so its levels say model\.width",
    ),
    "no factors": ("study: x\nfactors: {}\n", r"^s\.yaml:2: factors is empty"),
    "empty factor": ("study: x\nfactors:\n  loss: []\n", r"^s\.yaml:3: factor loss is empty$"),
    "one level": ("study: x\nfactors:\n  loss: [bce]\n", r"^s\.yaml:3: factor loss has one level only"),
    "no list": ("study: x\nfactors:\n  loss: bce\n", r"^s\.yaml:3: factor loss must be a list, not 'bce'$"),
    "unknown factor": (
        "study: x\nfactors: {los: [1, 2]}\n",
        r"^s\.yaml:2: factor 'los' is no setting; did you mean 'loss'",
    ),
    "unknown level": ("study: x\nfactors:\n  loss:\n    - bce\n    - fcal\n", r"^s\.yaml:5: no loss is called 'fcal'"),
    "same level twice": ("study: x\nfactors: {loss: [bce, bce]}\n", r"two levels bce that are the same configuration"),
    "same level by default": (
        "study: x\nfactors: {loss: [focal, {focal: {gamma: 2.0}}]}\n",
        r"^s\.yaml:2: factor loss has two levels focal that are the same configuration",
    ),
    "design not said": (TWO, r"^s\.yaml:2: with several factors say the design: one_factor, leave_one_out, grid$"),
    "unknown design": (TWO + "design: gird\n", r"^s\.yaml:5: design cannot be 'gird'; did you mean 'grid'"),
    "design without factors": ("study: x\ndesign: grid\narms: {a: {}, b: {lr: 1}}\n", r"^s\.yaml:2: design grid needs"),
    "explicit with factors": (TWO + "design: explicit\n", r"^s\.yaml:5: design explicit has no `factors:`"),
    "factors and arms": (
        TWO + "arms: {a: {}, b: {lr: 1}}\n",
        r"^s\.yaml:5: a study has `factors:` or explicit `arms:`",
    ),
    "one arm": ("study: x\narms: {a: {}}\n", r"^s\.yaml:2: arms holds 1; a comparison needs two$"),
    "arm's name": ("study: x\narms: {a b: {}, b: {lr: 1}}\n", r"^s\.yaml:2: an arm's name is made of letters.* 'a b'$"),
    "same arms": (
        "study: x\narms:\n  a: {}\n  b: {lr: 1}\n  c:\n    loss: bce\n",
        r"^s\.yaml:6: arms 'a' and 'c' resolve to the same configuration$",
    ),
    "included twice": (
        TWO + "design: one_factor\ninclude: [{loss: focal}]\n",
        r"arms 'focal' and 'focal' resolve to the same configuration$",
    ),
    "include of no factor": (
        TWO + "design: grid\ninclude: [{epochs: 3}]\n",
        r"^s\.yaml:6: include names 'epochs', which is no factor",
    ),
    "include without factors": (
        "study: x\narms: {a: {}, b: {lr: 1}}\ninclude: [{lr: 2}]\n",
        r"^s\.yaml:3: include needs `factors:`",
    ),
    "exclude of nothing": (
        TWO + "design: grid\nexclude: [{loss: bce_triplet}]\n",
        r"^s\.yaml:6: exclude: no arm matches",
    ),
    "exclude of the baseline": (TWO + "design: grid\nexclude: [{loss: bce}]\n", r"^s\.yaml:6: .* matches the baseline"),
    "exclude of all others": (
        TWO + "design: grid\nexclude: [{loss: focal}, {sampler: tag_uniform}]\n",
        r"^s\.yaml:6: exclude leaves the baseline alone",
    ),
    "exclude outside a grid": (
        TWO + "design: one_factor\nexclude: [{loss: focal}]\n",
        r"^s\.yaml:6: exclude belongs to the grid design",
    ),
    "three levels left out": (
        "study: x\ndesign: leave_one_out\nfactors: {loss: [bce, focal, bce_triplet], lr: [1, 2]}\n",
        r"^s\.yaml:3: leave_one_out takes two levels of each factor, loss has 3$",
    ),
    "factor inside a level": (
        "study: x\ndesign: grid\nfactors: {model: [cnn1d, {cnn2d: {width: 8}}], model.width: [8, 16]}\n",
        r"^s\.yaml:3: model\.width is a factor and is set in level cnn2d of model too$",
    ),
    "knob that a level lacks": (
        "study: x\ndesign: grid\nfactors: {loss: [focal, bce], loss.gamma: [1, 2]}\n",
        r"^s\.yaml:3: loss 'bce' has no knob 'gamma'",
    ),
    "a grid too large": (
        "study: x\ndesign: grid\nfactors:\n  lr: [1, 2, 3, 4, 5, 6, 7, 8, 9]\n  epochs: [1, 2, 3, 4, 5]\n"
        "  batch_size: [1, 2, 3, 4, 5]\n",
        r"^s\.yaml:4: the grid has 225 arms, at most 200 can be compared",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_line(read: Read, mistake: str) -> None:
    text, message = MISTAKES[mistake]
    with pytest.raises(StudyError, match=message):
        read(text)

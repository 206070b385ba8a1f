"""Tunables: Ray Tune's words, ranges, conditions and their order."""

from collections.abc import Callable

import pytest

from tagsearch.errors import StudyError
from tagsearch.study.schema import Study, Tunable

Read = Callable[..., Study]
HEAD = "study: x\nfactors:\n  loss: [bce, focal]\ntune:\n  trials_per_arm: 2\n  tunables:\n"
SEARCH = "study: x\ntune:\n  trials_per_arm: 2\n  tunables:\n"


def tunables(study: Study) -> tuple[Tunable, ...]:
    assert study.tune is not None
    return study.tune.tunables


def test_every_word_of_ray_is_read(read: Read) -> None:
    study = read(
        HEAD
        + "    lr: {loguniform: [1e-4, 1]}\n    batch_size: {choice: [8, 16]}\n    epochs: {lograndint: [2, 9]}\n"
        + "    model.width: {randint: [8, 33]}\n    optimizer.momentum: {uniform: [0, 0.9]}\n"
    )
    assert [(t.name, t.kind, t.low, t.high, t.choices) for t in tunables(study)] == [
        ("lr", "loguniform", 1e-4, 1.0, ()),
        ("batch_size", "choice", 0.0, 0.0, (8, 16)),
        ("epochs", "lograndint", 2, 9, ()),
        ("model.width", "randint", 8, 33, ()),
        ("optimizer.momentum", "uniform", 0.0, 0.9, ()),
    ]


def test_a_condition_restricts_a_tunable_to_some_arms(read: Read) -> None:
    study = read(HEAD + "    loss.gamma: {uniform: [0, 5], when: {loss: focal}}\n")
    (gamma,) = tunables(study)
    assert gamma.when == {"loss": ("focal",)}
    assert [gamma.applies(arm.config) for arm in study.arms] == [False, True]


def test_a_condition_may_name_several_values(read: Read) -> None:
    study = read(
        SEARCH
        + "    loss: {choice: [bce, focal, bce_triplet]}\n    lr: {uniform: [0.1, 1], when: {loss: [bce, focal]}}\n"
    )
    assert tunables(study)[1].when == {"loss": ("bce", "focal")}


def test_what_a_condition_names_is_drawn_first(read: Read) -> None:
    study = read(
        SEARCH
        + "    loss.gamma: {uniform: [0, 5], when: {loss: focal, epochs: 20}}\n    lr: {uniform: [0.1, 1]}\n"
        + "    epochs: {choice: [10, 20], when: {model: cnn2d}}\n    loss: {choice: [bce, focal]}\n"
        + "    model: {choice: [cnn1d, cnn2d]}\n"
    )
    assert [t.name for t in tunables(study)] == ["lr", "loss", "model", "epochs", "loss.gamma"]


def test_a_knob_that_every_choice_has_needs_no_condition(read: Read) -> None:
    study = read(SEARCH + "    model: {choice: [cnn1d, cnn2d]}\n    model.width: {choice: [8, 16]}\n")
    assert [t.name for t in tunables(study)] == ["model", "model.width"]


def test_the_upper_end_of_a_whole_range_is_excluded(read: Read) -> None:
    assert tunables(read(HEAD + "    model.width: {randint: [1, 1025]}\n"))[0].high == 1025
    with pytest.raises(StudyError, match=r"a value must lie in \[1, 1024\], not 1025"):
        read(HEAD + "    model.width: {randint: [1, 1026]}\n")


OTHER_TOOLS = {
    "values: [0.1, 0.2]": "`values:` is W&B's word; here it is `choice:`",
    "distribution: log_uniform_values, min: 0.1, max: 1": "`distribution:` is W&B's word",
    "min: 0.1, max: 1": "`min:` is W&B's word; here it is `uniform:",
    "int_uniform: [1, 3]": "`int_uniform:` is W&B's word; here it is `randint:",
    "log_uniform: [0.1, 1]": "`log_uniform:` is W&B's word; here it is `loguniform:",
    "grid_search: [0.1, 1]": "`grid_search:` is Ray's word for comparing; here it is a factor under `factors:`",
    "low: 0.1, high: 1, log: true": "`low:` is Optuna's word",
    "log: true": "`log:` is Optuna's word; here it is `loguniform:",
    "categorical: [0.1, 1]": "`categorical:` is Optuna's word; here it is `choice:`",
    "type: range": "`type:` is Ax's word",
    "quniform: [0, 1, 0.1]": "`quniform:` is Ray's word for rounded values",
}


@pytest.mark.parametrize("written", OTHER_TOOLS)
def test_words_of_other_tools_are_recognised(read: Read, written: str) -> None:
    with pytest.raises(StudyError, match=r"^s\.yaml:7: tunable lr: ") as caught:
        read(HEAD + f"    lr: {{{written}}}\n")
    assert OTHER_TOOLS[written] in str(caught.value)


MISTAKES = {
    "empty": (HEAD[: HEAD.rindex("\n") + 1].rstrip() + " {}\n", r"^s\.yaml:6: tunables is empty"),
    "unknown": (
        HEAD + "    lrr: {uniform: [0.1, 1]}\n",
        r"^s\.yaml:7: tunable 'lrr' is no setting; did you mean 'lr'\?",
    ),
    "a list": (HEAD + "    lr: [0.1, 1]\n", r"^s\.yaml:7: tunable lr says how to draw, like .*, not \[0\.1, 1\]$"),
    "misspelt": (HEAD + "    lr: {unifrom: [0.1, 1]}\n", r"has no key 'unifrom'; did you mean 'uniform'\?"),
    "two kinds": (
        HEAD + "    lr: {uniform: [1, 2], choice: [1, 2]}\n",
        r"exactly one of .*; it has uniform and choice$",
    ),
    "no kind": (HEAD + "    lr: {when: {loss: focal}}\n", r"exactly one of .*; it has none$"),
    "three ends": (HEAD + "    lr: {uniform: [1, 2, 3]}\n", r"^s\.yaml:7: uniform of lr takes \[low, high\]"),
    "turned round": (
        HEAD + "    lr: {uniform: [2, 1]}\n",
        r"^s\.yaml:7: uniform of lr needs low < high, not \[2, 1\]$",
    ),
    "log of zero": (HEAD + "    lr: {loguniform: [0, 1]}\n", r"^s\.yaml:7: loguniform of lr needs low > 0, not 0$"),
    "words for ends": (HEAD + "    lr: {uniform: [a, b]}\n", r"^s\.yaml:7: uniform of lr must be a number, not 'a'$"),
    "not a number": (HEAD + "    lr: {uniform: [0.1, .nan]}\n", r"^s\.yaml:7: uniform of lr must lie in .*, not nan$"),
    "beyond the knob": (
        HEAD + "    lr: {uniform: [1, 101]}\n",
        r"^s\.yaml:7: tunable lr: a value must lie in \[1e-08, 100\], not 101\.0 \(arm 'bce'\)$",
    ),
    "choice beyond the knob": (
        HEAD + "    epochs: {choice: [0, 10]}\n",
        r"^s\.yaml:7: tunable epochs: a value must lie in \[1, 100000\], not 0",
    ),
    "fraction of a whole number": (
        HEAD + "    epochs: {uniform: [1, 9]}\n",
        r"so it takes randint or lograndint, not uni",
    ),
    "whole range of a number": (
        HEAD + "    lr: {randint: [1, 9]}\n",
        r"so it takes uniform or loguniform, not randint$",
    ),
    "range of names": (
        SEARCH + "    loss: {uniform: [1, 9]}\n",
        r"^s\.yaml:5: tunable loss is a name, so it takes `choice:`",
    ),
    "unknown choice": (
        SEARCH + "    loss: {choice: [bce, foca]}\n",
        r"no loss is called 'foca'; did you mean 'focal'\?",
    ),
    "choice with knobs": (
        SEARCH + "    loss: {choice: [bce, {focal: {gamma: 1}}]}\n",
        r"^s\.yaml:5: a choice of loss names components only; tune their knobs as `loss\.<knob>`$",
    ),
    "one choice": (HEAD + "    lr: {choice: [0.1]}\n", r"^s\.yaml:7: choice of lr has one value"),
    "choice twice": (HEAD + "    lr: {choice: [1, 1.0]}\n", r"^s\.yaml:7: choice of lr names 1\.0 twice$"),
    "also a factor": (
        HEAD + "    loss: {choice: [bce, focal]}\n",
        r"^s\.yaml:7: loss is a factor of this study and cannot be a tunable too$",
    ),
    "missing condition": (
        HEAD + "    loss.gamma: {uniform: [0, 5]}\n",
        r"^s\.yaml:7: tunable loss\.gamma does not exist for loss 'bce' \(arm 'bce'\); add `when: \{loss: focal\}`$",
    ),
    "missing condition in a search": (
        SEARCH + "    loss: {choice: [focal, bce]}\n    loss.gamma: {uniform: [0, 5]}\n",
        r"^s\.yaml:6: tunable loss\.gamma does not exist for loss 'bce' .* add `when: \{loss: focal\}`$",
    ),
    "missing condition on several": (
        SEARCH + "    optimizer: {choice: [sgd, adam, adamw]}\n    optimizer.beta1: {uniform: [0, 0.9]}\n",
        r"add `when: \{optimizer: \[adam, adamw\]\}`$",
    ),
    "condition never holds": (
        HEAD + "    loss.weight: {uniform: [0, 5], when: {loss: bce_triplet}}\n",
        r"^s\.yaml:7: when of loss\.weight can never hold: no arm has loss 'bce_triplet'.* known: bce, focal$",
    ),
    "condition misspelt": (
        HEAD + "    loss.gamma: {uniform: [0, 5], when: {loss: foca}}\n",
        r"no arm has loss 'foca'; did you mean 'focal'\?",
    ),
    "conditions never hold together": (
        "study: x\narms: {a: {loss: focal}, b: {sampler: tag_uniform}}\ntune:\n  trials_per_arm: 2\n  tunables:\n"
        "    loss.gamma: {uniform: [0, 5], when: {loss: focal, sampler: tag_uniform}}\n",
        r"^s\.yaml:6: when of loss\.gamma can never hold: no arm fulfils all its conditions$",
    ),
    "condition on what no arm has": (
        HEAD + "    lr: {uniform: [1, 2], when: {schedule.warmup: 0.3}}\n",
        r"can never hold: no arm has schedule\.warmup 0\.3; no arm has a schedule\.warmup$",
    ),
    "condition on no setting": (
        HEAD + "    lr: {uniform: [1, 2], when: {los: bce}}\n",
        r"'los' is no setting; did you mean",
    ),
    "condition on itself": (HEAD + "    lr: {uniform: [1, 2], when: {lr: 1}}\n", r"when of lr names lr itself$"),
    "empty condition": (HEAD + "    lr: {uniform: [1, 2], when: {}}\n", r"^s\.yaml:7: when of lr is empty$"),
    "no values": (HEAD + "    lr: {uniform: [1, 2], when: {loss: []}}\n", r"^s\.yaml:7: when of lr is empty$"),
    "condition on a range": (
        SEARCH + "    lr: {uniform: [0.1, 1]}\n    epochs: {choice: [1, 2], when: {lr: 0.5}}\n",
        r"^s\.yaml:6: when of epochs: lr is drawn from a range; name a choice instead$",
    ),
    "conditions in a circle": (
        SEARCH
        + "    epochs: {choice: [10, 20], when: {batch_size: 8}}\n"
        + "    batch_size: {choice: [8, 16], when: {epochs: 10}}\n",
        r"^s\.yaml:5: the `when:` of epochs and batch_size wait for each other$",
    ),
    "arms that differ in what is tuned": (
        "study: x\narms: {a: {lr: 0.1}, b: {lr: 0.2}}\n" + SEARCH.partition("\n")[2] + "    lr: {uniform: [0.1, 1]}\n",
        r"^s\.yaml:6: arms 'a' and 'b' differ only in lr, and lr is tuned in both$",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_line(read: Read, mistake: str) -> None:
    text, message = MISTAKES[mistake]
    with pytest.raises(StudyError, match=message):
        read(text)

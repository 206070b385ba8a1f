"""From claims as written to weights of arms."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tagsearch.errors import StudyError
from tagsearch.study.parse import read_study, write_resolved
from tagsearch.study.schema import Part, Study

Read = Callable[..., Study]

EPOCHS = "study: x\nfactors: {epochs: [10, 20, 40, 80]}\nhypotheses:\n"
GRID = "study: x\nfactors: {loss: [bce, focal], epochs: [10, 20, 40]}\ndesign: grid\nhypotheses:\n"
TWO_BY_TWO = "study: x\nfactors: {loss: [bce, focal], sampler: [shuffle, tag_uniform]}\ndesign: grid\nhypotheses:\n"
SEARCH = "study: x\ntune: {trials_per_arm: 4, tunables: {lr: {uniform: [0.1, 1]}}}\nconfirm: {top: 3}\nhypotheses:\n"
EXPLICIT = "study: x\narms: {a: {epochs: 10}, b: {epochs: 20}, c: {epochs: 80}}\nhypotheses:\n"


def hypothesis(claim: str) -> str:
    return f"  - {{id: H, text: t, {claim}}}\n"


def part_of(read: Read, head: str, claim: str) -> Part:
    return read(head + hypothesis(claim)).hypotheses[0].parts[0]


def weights(part: Part) -> list[dict[str, float]]:
    return [dict(contrast.weights) for contrast in part.contrasts]


# --- arms against a rival --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "at_least"),
    [
        ("any: [epochs=20, epochs=40, epochs=80]", 1),
        ("all: [epochs=20, epochs=40, epochs=80]", 3),
        ("at_least: {n: 2, of: [epochs=20, epochs=40, epochs=80]}", 2),
    ],
)
def test_several_arms_are_each_set_against_the_baseline(read: Read, claim: str, at_least: int) -> None:
    part = part_of(read, EPOCHS, claim)
    assert (part.kind, part.at_least, part.steps) == ("versus", at_least, ())
    assert weights(part) == [{arm: 1.0, "epochs=10": -1.0} for arm in ("epochs=20", "epochs=40", "epochs=80")]
    assert part.arms == ("epochs=20", "epochs=10", "epochs=40", "epochs=80")


def test_one_arm_may_be_set_against_another_than_the_baseline(read: Read) -> None:
    assert weights(part_of(read, EPOCHS, "arm: epochs=80, than: epochs=20")) == [{"epochs=80": 1.0, "epochs=20": -1.0}]


def test_at_least_takes_a_rival_too(read: Read) -> None:
    part = part_of(read, EPOCHS, "at_least: {n: 1, of: [epochs=10, epochs=20]}, than: epochs=80")
    assert weights(part) == [{"epochs=10": 1.0, "epochs=80": -1.0}, {"epochs=20": 1.0, "epochs=80": -1.0}]


# --- ordered arms ----------------------------------------------------------------------------------------------------


def test_a_trend_is_the_line_through_log2_of_the_epochs_from_first_to_last(read: Read) -> None:
    part = part_of(read, EPOCHS, "trend: [epochs=10, epochs=20, epochs=40, epochs=80]")
    # x = 0, 1, 2, 3 doublings; slope = sum (x - 1.5) y / 5; times the 3 doublings
    (found,) = weights(part)
    assert found == pytest.approx({"epochs=10": -0.9, "epochs=20": -0.3, "epochs=40": 0.3, "epochs=80": 0.9})
    assert part.doublings == pytest.approx(3)
    assert [dict(step.weights) for step in part.steps] == [
        {"epochs=20": 1.0, "epochs=10": -1.0},
        {"epochs=40": 1.0, "epochs=20": -1.0},
        {"epochs=80": 1.0, "epochs=40": -1.0},
    ]


def test_a_trend_over_uneven_steps_weighs_the_arms_by_their_place(read: Read) -> None:
    # x = 0, 1, 3; mean 4/3; squares 16/9 + 1/9 + 25/9 = 14/3; weight = 3 (x - 4/3) / (14/3)
    (found,) = weights(part_of(read, EXPLICIT, "trend: [a, b, c]"))
    assert found == pytest.approx({"a": -12 / 14, "b": -3 / 14, "c": 15 / 14})


def test_the_middle_of_three_even_steps_weighs_nothing_at_all(read: Read) -> None:
    (found,) = weights(part_of(read, EPOCHS, "trend: [epochs=20, epochs=40, epochs=80]"))
    assert found == {"epochs=20": -1.0, "epochs=40": 0.0, "epochs=80": 1.0}


def test_a_trend_may_be_on_another_number_of_the_arms(read: Read) -> None:
    arms = "study: x\narms: {s: {model.width: 4}, m: {model.width: 8}, l: {model.width: 32}}\nhypotheses:\n"
    part = part_of(read, arms, "trend: [s, m, l], on: model.width")
    assert weights(part)[0] == pytest.approx({"s": -12 / 14, "m": -3 / 14, "l": 15 / 14})
    assert part.contrasts[0].name == "l over s, fitted on log model.width"


def test_a_ladder_is_the_line_in_equal_steps_whatever_its_arms_are(read: Read) -> None:
    part = part_of(read, EXPLICIT, "ladder: [c, a, b]")
    assert part.kind == "ladder"
    assert weights(part) == [{"c": -1.0, "a": 0.0, "b": 1.0}]
    assert [step.name for step in part.steps] == ["a - c", "b - a"]


def test_a_ladder_of_four_has_the_weights_of_a_line(read: Read) -> None:
    (found,) = weights(part_of(read, EPOCHS, "ladder: [epochs=80, epochs=10, epochs=40, epochs=20]"))
    assert list(found.values()) == pytest.approx([-0.9, -0.3, 0.3, 0.9])


# --- factors ---------------------------------------------------------------------------------------------------------


def test_a_main_effect_is_averaged_over_the_other_factor(read: Read) -> None:
    (found,) = weights(part_of(read, GRID, "main: {loss: focal}"))
    third = pytest.approx(1 / 3)
    assert found == {f"focal+epochs={n}": third for n in (10, 20, 40)} | {
        f"bce+epochs={n}": pytest.approx(-1 / 3) for n in (10, 20, 40)
    }


def test_a_main_effect_leaves_out_where_the_grid_has_a_hole(read: Read) -> None:
    holed = GRID.replace("design: grid", "design: grid\nexclude: [{loss: focal, epochs: 40}]")
    (found,) = weights(part_of(read, holed, "main: {loss: focal}"))
    assert found == {"focal+epochs=10": 0.5, "bce+epochs=10": -0.5, "focal+epochs=20": 0.5, "bce+epochs=20": -0.5}


@pytest.mark.parametrize("level", ["epochs=40", "40"])
def test_a_level_that_is_a_number_may_be_written_as_one(read: Read, level: str) -> None:
    (found,) = weights(part_of(read, GRID, f"main: {{epochs: {level}}}"))
    assert found == {
        "bce+epochs=40": 0.5, "bce+epochs=10": -0.5, "focal+epochs=40": 0.5, "focal+epochs=10": -0.5
    }  # fmt: skip


def test_an_interaction_is_a_difference_of_differences(read: Read) -> None:
    part = part_of(read, TWO_BY_TWO, "interaction: {loss: focal, sampler: tag_uniform}")
    assert (part.kind, part.contrasts[0].name) == (
        "interaction",
        "(focal - bce) with tag_uniform, less the same with shuffle",
    )
    assert weights(part) == [
        {"focal+tag_uniform": 1.0, "focal+shuffle": -1.0, "bce+tag_uniform": -1.0, "bce+shuffle": 1.0}
    ]


def test_an_interaction_is_averaged_over_a_third_factor(read: Read) -> None:
    three = TWO_BY_TWO.replace("{loss:", "{epochs: [1, 2], loss:")
    (found,) = weights(part_of(read, three, "interaction: {loss: focal, sampler: tag_uniform}"))
    assert len(found) == 8
    assert found["epochs=1+focal+tag_uniform"] == found["epochs=2+bce+shuffle"] == 0.5
    assert found["epochs=2+focal+shuffle"] == found["epochs=1+bce+tag_uniform"] == -0.5


@pytest.mark.parametrize(
    ("head", "claim"),
    [
        (EPOCHS, "any: [epochs=20, epochs=40]"),
        (EPOCHS, "arm: epochs=20, than: epochs=80, tags: [rock, '90s', 'no']"),
        (EPOCHS, "at_least: {n: 2, of: [epochs=20, epochs=40, epochs=80]}, than: epochs=10, tags: tail, beyond: head"),
        (EPOCHS, "trend: [epochs=10, epochs=20, epochs=80], metrics: [balance], margin: {balance: 0.2}"),
        (EPOCHS, "ladder: [epochs=10, epochs=80, epochs=20], check: silhouette"),
        (GRID, "main: {epochs: 20}, metrics: [roc_auc], margin: 0"),
        (TWO_BY_TWO, "interaction: {sampler: tag_uniform, loss: focal}, role: secondary"),
        ("snapshots: [2]\n" + EXPLICIT, "all: [b, c], checkpoint: epoch2"),
        (SEARCH, "ladder: [baseline, search-3, search-1]"),
    ],
)
def test_every_form_reads_the_same_from_the_resolved_study(read: Read, head: str, claim: str) -> None:
    study = read(head + hypothesis(claim))
    Path("resolved.yaml").write_text(write_resolved(study), encoding="utf-8")
    assert read_study(Path("resolved.yaml")).hypotheses == study.hypotheses


# --- mistakes --------------------------------------------------------------------------------------------------------

MISTAKES = {
    "at_least of too few": (EPOCHS, "at_least: {n: 2, of: [epochs=20]}", r"^s\.yaml:4: at_least asks for 2 of 1 arms$"),
    "at_least none": (EPOCHS, "at_least: {n: 0, of: [epochs=20]}", r"^s\.yaml:4: n of at_least must lie in \[1, 200\]"),
    "at_least of a half": (EPOCHS, "at_least: {n: 1.5, of: [epochs=20]}", r"^s\.yaml:4: .* whole number, not 1\.5"),
    "at_least without n": (EPOCHS, "at_least: {of: [epochs=20]}", r"^s\.yaml:4: at_least needs n and of: at_least: "),
    "at_least of nothing": (EPOCHS, "at_least: {n: 1, of: []}", r"^s\.yaml:4: of is empty$"),
    "at_least of itself": (EPOCHS, "at_least: {n: 1, of: [epochs=10]}", r"'epochs=10' is compared with itself$"),
    "at_least a number": (EPOCHS, "at_least: 2", r"^s\.yaml:4: at_least must be a mapping"),
    "rival inside": (EPOCHS, "at_least: {n: 1, of: [epochs=20], than: epochs=10}", r"at_least has no key 'than'"),
    "trend of two": (EPOCHS, "trend: [epochs=10, epochs=20]", r"^s\.yaml:4: a trend needs three arms or more, not 2"),
    "ladder of two": (
        EPOCHS,
        "ladder: [epochs=10, epochs=20]",
        r"^s\.yaml:4: a ladder needs three arms or more, not 2",
    ),
    "trend falls": (
        EPOCHS,
        "trend: [epochs=20, epochs=10, epochs=40]",
        r"^s\.yaml:4: a trend names its arms by rising epochs, and theirs are 20, 10, 40$",
    ),
    "trend on what all share": (EPOCHS, "trend: [epochs=10, epochs=20, epochs=40], on: lr", r"rising lr, and theirs"),
    "trend on a word": (
        EPOCHS,
        "trend: [epochs=10, epochs=20, epochs=40], on: model",
        r"^s\.yaml:4: a trend needs a number above 0 of every arm, and model is not one in all$",
    ),
    "trend on a typing error": (EPOCHS, "trend: [epochs=10, epochs=20, epochs=40], on: epoch", r"epoch is not one"),
    "trend of one arm twice": (EPOCHS, "trend: [epochs=10, epochs=10, epochs=40]", r"trend names 'epochs=10' twice$"),
    "trend than": (
        EPOCHS,
        "trend: [epochs=10, epochs=20, epochs=40], than: epochs=10",
        r"^s\.yaml:4: than belongs to any, all, arm, at_least, and this part has trend$",
    ),
    "ladder on": (
        EPOCHS,
        "ladder: [epochs=10, epochs=20, epochs=40], on: epochs",
        r"^s\.yaml:4: on belongs to trend, and this part has ladder$",
    ),
    "two claims": (EPOCHS, "arm: epochs=20, main: {epochs: 20}", r"it has arm and main$"),
    "main of an unknown factor": (GRID, "main: {los: focal}", r"^s\.yaml:5: a factor cannot be 'los'; did you mean"),
    "main of the first level": (
        GRID,
        "main: {loss: bce}",
        r"^s\.yaml:5: a level of loss that is not its first cannot be 'bce'; known: focal$",
    ),
    "main of an unknown number": (GRID, "main: {epochs: 30}", r"cannot be 'epochs=30'; did you mean"),
    "main of two": (
        GRID,
        "main: {loss: focal, epochs: 20}",
        r"^s\.yaml:5: main takes 1 factor with a level each, not 2",
    ),
    "main of a list": (GRID, "main: [loss]", r"^s\.yaml:5: main must be a mapping"),
    "interaction of one": (GRID, "interaction: {loss: focal}", r"^s\.yaml:5: interaction takes 2 factors with a level"),
    "interaction without a grid": (
        GRID.replace("grid", "one_factor"),
        "interaction: {loss: focal, epochs: 20}",
        r"^s\.yaml:5: it takes arms of focal with epochs=20, .* all else equal, and the design has not all of them",
    ),
    "main of explicit arms": (
        EXPLICIT,
        "main: {epochs: 20}",
        r"^s\.yaml:4: main compares levels of factors, and this study has no `factors:`$",
    ),
    "main in a search": (SEARCH, "main: {loss: focal}", r"^s\.yaml:5: main compares levels of factors"),
    "interaction in a search": (SEARCH, "interaction: {a: b, c: d}", r"^s\.yaml:5: interaction compares levels of"),
    "trend in a search": (
        SEARCH,
        "trend: [baseline, search-1, search-2]",
        r"^s\.yaml:5: a trend needs arms that the study declares, and baseline is an arm of a pure search$",
    ),
    "unknown group": (EPOCHS, "arm: epochs=20, tags: tial", r"^s\.yaml:4: tags cannot be 'tial'; did you mean 'tail'"),
    "tag twice": (EPOCHS, "arm: epochs=20, tags: [rock, rock]", r"^s\.yaml:4: tags names 'rock' twice$"),
    "no tag": (EPOCHS, "arm: epochs=20, tags: []", r"^s\.yaml:4: tags is empty$"),
    "tag that is a number": (EPOCHS, "arm: epochs=20, tags: [1980]", r"^s\.yaml:4: a tag must be text, not 1980$"),
    "beyond without tags": (
        EPOCHS,
        "arm: epochs=20, beyond: head",
        r"^s\.yaml:4: beyond sets some tags against a group",
    ),
    "beyond itself": (EPOCHS, "arm: epochs=20, tags: tail, beyond: tail", r"^s\.yaml:4: beyond sets some tags against"),
    "balance of some tags": (
        EPOCHS,
        "arm: epochs=20, tags: tail, metrics: [pr_auc, balance]",
        r"^s\.yaml:4: balance is of the shares of all tags; claim it in a part of its own, without tags$",
    ),
    "no such snapshot": (EPOCHS, "arm: epochs=20, checkpoint: epoch5", r"^s\.yaml:4: a checkpoint cannot be 'epoch5'"),
    "margin of what is not claimed": (
        EPOCHS,
        "arm: epochs=20, metrics: [pr_auc], margin: {balance: 0.2}",
        r"^s\.yaml:4: a margin of balance, and the part's metrics are pr_auc$",
    ),
    "no such check": (EPOCHS, "arm: epochs=20, check: shiluette", r"^s\.yaml:4: a check cannot be 'shiluette'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistaken_claim_is_refused_with_its_line(read: Read, mistake: str) -> None:
    head, claim, message = MISTAKES[mistake]
    with pytest.raises(StudyError, match=message):
        read(head + hypothesis(claim))

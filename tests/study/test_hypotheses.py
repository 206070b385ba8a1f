"""Hypotheses and their parts."""

from collections.abc import Callable

import pytest

from tagsearch.errors import StudyError
from tagsearch.study.schema import Contrast, Part, Study

Read = Callable[..., Study]
HEAD = "study: x\nfactors: {loss: [bce, focal, bce_triplet]}\nhypotheses:\n"


def test_the_short_form_is_one_part_against_the_baseline(read: Read) -> None:
    (hypothesis,) = read(HEAD + "  - {id: H2, text: It helps, arm: focal}\n").hypotheses
    assert (hypothesis.id, hypothesis.text, hypothesis.alpha) == ("H2", "It helps", 0.05)
    assert hypothesis.parts == (
        Part(
            id="1",
            kind="versus",
            contrasts=(Contrast(name="focal - bce", weights={"focal": 1.0, "bce": -1.0}),),
            at_least=1,
            written={"arm": "focal", "than": "bce"},
            metrics=("roc_auc", "pr_auc"),
            margins={"roc_auc": 0.005, "pr_auc": 0.010},
            role="primary",
        ),
    )


def test_parts_say_everything_themselves(read: Read) -> None:
    study = read(
        HEAD
        + "  - id: H\n    text: t\n    alpha: 0.01\n    parts:\n"
        + "      - {any: [focal, bce_triplet], metrics: [pr_auc], margin: 0.02, role: secondary}\n"
        + "      - {id: second, all: [bce, focal], than: bce_triplet, margin: {roc_auc: 0}}\n"
    )
    first, second = study.hypotheses[0].parts
    assert (first.id, first.at_least, first.margins, first.role) == ("1", 1, {"pr_auc": 0.02}, "secondary")
    assert [contrast.name for contrast in first.contrasts] == ["focal - bce", "bce_triplet - bce"]
    assert (second.id, second.at_least) == ("second", 2)
    assert [contrast.name for contrast in second.contrasts] == ["bce - bce_triplet", "focal - bce_triplet"]
    assert second.margins == {"roc_auc": 0.0, "pr_auc": 0.010}
    assert study.hypotheses[0].alpha == 0.01


def test_the_study_sets_the_default_margins_and_alpha(read: Read) -> None:
    study = read("alpha: 0.1\nmargins: {pr_auc: 0.03}\n" + HEAD + "  - {id: H, text: t, arm: focal}\n")
    assert study.hypotheses[0].alpha == 0.1
    assert study.hypotheses[0].parts[0].margins == {"roc_auc": 0.005, "pr_auc": 0.03}


def test_a_search_may_be_claimed_about(read: Read) -> None:
    study = read(
        "study: x\ntune: {trials_per_arm: 4, tunables: {lr: {uniform: [0.1, 1]}}}\nconfirm: {top: 2}\n"
        "hypotheses: [{id: H, text: t, any: [search-1, search-2]}]\n"
    )
    assert study.hypotheses[0].parts[0].arms == ("search-1", "baseline", "search-2")


MISTAKES = {
    "no list": ("  {id: H}\n", r"^s\.yaml:3: hypotheses must be a list"),
    "no id": ("  - {text: t, arm: focal}\n", r"^s\.yaml:4: a hypothesis needs id$"),
    "no text": ("  - {id: H, arm: focal}\n", r"^s\.yaml:4: a hypothesis needs text$"),
    "unknown key": (
        "  - {id: H, text: t, arms: [focal]}\n",
        r"^s\.yaml:4: a hypothesis has no key 'arms'; did you mean 'arm'",
    ),
    "unknown arm": (
        "  - {id: H, text: t, arm: focl}\n",
        r"^s\.yaml:4: an arm cannot be 'focl'; did you mean 'focal'\?",
    ),
    "unknown rival": (
        "  - {id: H, text: t, arm: focal, than: bc}\n",
        r"^s\.yaml:4: an arm cannot be 'bc'; did you mean",
    ),
    "no arm": (
        "  - {id: H, text: t}\n",
        r"^s\.yaml:4: a part needs exactly one of any, all, arm, at_least, .* interaction; it has none$",
    ),
    "any and all": ("  - {id: H, text: t, any: [focal], all: [focal]}\n", r"it has any and all$"),
    "empty any": ("  - {id: H, text: t, any: []}\n", r"^s\.yaml:4: any is empty$"),
    "arm twice": ("  - {id: H, text: t, all: [focal, focal]}\n", r"^s\.yaml:4: all names 'focal' twice$"),
    "itself": ("  - {id: H, text: t, arm: bce}\n", r"^s\.yaml:4: arm 'bce' is compared with itself$"),
    "itself among others": (
        "  - {id: H, text: t, any: [bce, focal]}\n",
        r"^s\.yaml:4: arm 'bce' is compared with itself$",
    ),
    "metric": (
        "  - {id: H, text: t, arm: focal, metrics: [f1]}\n",
        r"^s\.yaml:4: a metric cannot be 'f1'; known: balance, pr_auc",
    ),
    "no metrics": ("  - {id: H, text: t, arm: focal, metrics: []}\n", r"^s\.yaml:4: metrics is empty$"),
    "margin": ("  - {id: H, text: t, arm: focal, margin: -1}\n", r"^s\.yaml:4: margin must lie in \[0, 1\], not -1"),
    "role": ("  - {id: H, text: t, arm: focal, role: main}\n", r"^s\.yaml:4: role cannot be 'main'"),
    "alpha": ("  - {id: H, text: t, arm: focal, alpha: 0}\n", r"^s\.yaml:4: alpha must lie in"),
    "id twice": (
        "  - {id: H, text: t, arm: focal}\n  - {id: H, text: u, arm: focal}\n",
        r"^s\.yaml:5: two hypotheses are called 'H'$",
    ),
    "part twice": (
        "  - id: H\n    text: t\n    parts:\n      - {id: a, arm: focal}\n      - {id: a, arm: bce_triplet}\n",
        r"^s\.yaml:8: two parts are called 'a'$",
    ),
    "parts and inline": (
        "  - id: H\n    text: t\n    arm: focal\n    parts: [{arm: focal}]\n",
        r"^s\.yaml:6: arm belongs inside parts",
    ),
    "no parts": ("  - {id: H, text: t, parts: []}\n", r"^s\.yaml:4: parts is empty$"),
    "unknown key in a part": (
        "  - {id: H, text: t, parts: [{arm: focal, then: bce}]}\n",
        r"has no key 'then'; did you mean",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_line(read: Read, mistake: str) -> None:
    text, message = MISTAKES[mistake]
    with pytest.raises(StudyError, match=message):
        read(HEAD + text)


@pytest.mark.parametrize("written", ["imbalance", "[imbalance]"])
def test_a_hypothesis_names_what_it_rests_on(read: Read, written: str) -> None:
    (hypothesis,) = read(HEAD + f"  - {{id: H2, text: It helps, arm: focal, premise: {written}}}\n").hypotheses
    assert hypothesis.premises == ("imbalance",)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("imbalanced", r"s\.yaml:4: a premise cannot be 'imbalanced'; did you mean 'imbalance'\?"),
        ("[underfit, underfit]", r"s\.yaml:4: premise names 'underfit' twice"),
        ("[]", r"s\.yaml:4: premise is empty"),
    ],
)
def test_an_unknown_premise_is_refused(read: Read, written: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        read(HEAD + f"  - {{id: H2, text: It helps, arm: focal, premise: {written}}}\n")

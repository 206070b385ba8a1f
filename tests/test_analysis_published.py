"""The study that tagsearch grew from, judged by its published numbers: its own three verdicts come out."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from analysis.verdict.cards import Card
from analysis.verdict.judgement import HypothesisVerdict
from analysis.verdict.outcomes import Outcome, Verdict
from analysis.verdict.sources import NumbersSource
from analysis.verdict.verdicts import judge_numbers
from tagsearch.study.parse import read_study

ARMS = """\
study: homework
arms:
  cnn1d:
  longer: {epochs: 80}
  cnn2d: {model: cnn2d}
  short: {model: short_chunk}
  residual: {model: short_chunk_res}
  attention: {model: self_attention}
  focal: {loss: focal}
  uniform: {sampler: tag_uniform}
  triplet: {loss: bce_triplet}
hypotheses:
"""
BASE = (0.794, 0.258)  # ROC AUC, PR AUC
GAINS = {
    "cnn1d": (0.0, 0.0),
    "cnn2d": (0.046, 0.052),
    "short": (0.071, 0.100),
    "residual": (0.059, 0.075),
    "attention": (0.037, 0.043),
    "focal": (-0.024, -0.022),
    "uniform": (-0.010, -0.014),
    "triplet": (-0.304, -0.190),
}
MACRO = {arm: {"roc_auc": BASE[0] + roc, "pr_auc": BASE[1] + pr} for arm, (roc, pr) in GAINS.items()}
RARE = {"cnn1d": (0.100, 0.050), "focal": (0.120, 0.040), "uniform": (0.102, 0.048)}  # tail PR AUC, divergence in bits
BY_TAG = MACRO | {arm: MACRO[arm] | {"tail/pr_auc": tail, "jsd": jsd} for arm, (tail, jsd) in RARE.items()}

H1 = """\
  - id: H1
    text: More epochs and bigger networks help
    parts:
      - {id: epochs, arm: longer}
      - {id: complex, all: [cnn2d, short, residual, attention]}
      - {id: order, ladder: [cnn1d, cnn2d, short, residual, attention]}
"""
H2 = """\
  - id: H2
    text: Losses and samplers for imbalance help
    parts:
      - {id: macro, any: [focal, uniform]}
"""
RARE_PARTS = """\
      - {id: tail, any: [focal, uniform], tags: tail, metrics: [pr_auc], role: secondary}
      - {id: shares, any: [focal, uniform], metrics: [balance], role: secondary}
"""
H3 = "  - {id: H3, text: A triplet loss disentangles the labels, arm: triplet}\n"

Judge = Callable[..., HypothesisVerdict]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    def judge(hypothesis: str, values: Mapping[str, Mapping[str, float]] = MACRO) -> HypothesisVerdict:
        file = tmp_path / "homework.yaml"
        file.write_text(ARMS + hypothesis)
        (verdict,) = judge_numbers(read_study(file), NumbersSource(values=values, prevalence=0.065))
        return verdict

    return judge


def outcomes(verdict: HypothesisVerdict) -> list[str]:
    return [str(part.outcome) for part in verdict.parts]


def test_bigger_networks_help_but_not_in_their_order_and_epochs_have_no_number(judge: Judge) -> None:
    verdict = judge(H1)
    assert (outcomes(verdict), verdict.verdict) == (["?", "+", "0"], Verdict.PARTIALLY)
    (line,) = verdict.parts[2].members
    assert [str(step.outcome) for step in line.steps] == ["+", "+", "-", "-"]
    assert line.reason == "no ladder, as it leads down at residual - short, attention - residual"


def test_losses_for_imbalance_help_rare_tags_only(judge: Judge) -> None:
    verdict = judge(H2 + RARE_PARTS, BY_TAG)
    assert (outcomes(verdict), verdict.verdict) == (["-", "+", "+"], Verdict.PARTIALLY)
    assert verdict.qualifiers[0] == "secondary only - the primary part is worse"
    # focal: .050 -> .040 bits is a fifth less
    assert "+0.200" in verdict.parts[2].members[0].claims[0].reason


def test_slight_gains_of_rare_tags_below_the_margin_support_nothing(judge: Judge) -> None:
    slight = {arm: {**values, "tail/pr_auc": 0.1, "jsd": 0.05} for arm, values in BY_TAG.items()}
    slight["focal"] = {**slight["focal"], "tail/pr_auc": 0.109, "jsd": 0.0455}
    assert judge(H2 + RARE_PARTS, slight).verdict is Verdict.NOT_SUPPORTED


def test_without_rare_tags_declared_the_losses_are_just_worse(judge: Judge) -> None:
    verdict = judge(H2)
    assert (outcomes(verdict), verdict.verdict) == (["-"], Verdict.NOT_SUPPORTED)


def test_what_was_declared_and_not_measured_stays_open(judge: Judge) -> None:
    verdict = judge(H2 + RARE_PARTS)
    assert (outcomes(verdict), verdict.verdict) == (["-", "?", "?"], Verdict.INCONCLUSIVE)


def test_a_triplet_network_that_ranks_at_chance_supports_nothing_and_refutes_nothing(judge: Judge) -> None:
    verdict = judge(H3)
    assert (outcomes(verdict), verdict.verdict) == (["-"], Verdict.NOT_SUPPORTED)
    assert MACRO["triplet"] == pytest.approx({"roc_auc": 0.490, "pr_auc": 0.068})
    assert "triplet is not shown to rank better than chance (ROC AUC 0.490)" in verdict.reason


@pytest.mark.parametrize("hypothesis", [H1, H2, H2 + RARE_PARTS, H3])
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_numbers_never_refute(judge: Judge, hypothesis: str, factor: float) -> None:
    verdict = judge(hypothesis, BY_TAG)
    assert verdict.verdict is not Verdict.REFUTED
    assert verdict.other_margins[factor] is not Verdict.REFUTED


def test_it_is_told_that_numbers_only_describe(judge: Judge) -> None:
    verdict = judge(H3)
    assert (verdict.basis, verdict.grade, verdict.scope) == ("descriptive", "D", "point")
    text = Card(verdict=verdict).plain(200)
    assert text.startswith("H3: Not supported (grade D: descriptive, 1 seed)\n")
    assert "taken as exact" in text
    assert "Run five seeds an arm" in text
    assert "test set alone" not in text
    assert "level" not in judge(H1).parts[1].reason


def test_a_full_set_of_gains_is_called_confirmed_and_descriptive(judge: Judge) -> None:
    verdict = judge("  - {id: H, text: t, all: [cnn2d, short]}\n")
    assert verdict.verdict is Verdict.CONFIRMED
    assert verdict.reason.startswith("By the numbers alone")


@pytest.mark.parametrize(("roc", "pr"), [(0.895, 0.300), (0.705, 0.360), (0.805, 0.110)])
def test_a_gain_of_exactly_the_margin_reaches_it_whatever_its_binary_fraction(judge: Judge, roc: float, pr: float):
    values = {"cnn1d": {"roc_auc": roc - 0.005, "pr_auc": pr - 0.010}, "cnn2d": {"roc_auc": roc, "pr_auc": pr}}
    assert judge("  - {id: H, text: t, arm: cnn2d}\n", values).parts[0].outcome is Outcome.GAIN


def test_one_missing_arm_of_all_leaves_them_open_and_of_any_does_not(judge: Judge) -> None:
    without = {arm: values for arm, values in MACRO.items() if arm != "short"}
    assert judge("  - {id: H, text: t, all: [cnn2d, short]}\n", without).verdict is Verdict.INCONCLUSIVE
    assert judge("  - {id: H, text: t, any: [cnn2d, short]}\n", without).verdict is Verdict.CONFIRMED


def test_rare_tags_beyond_frequent_ones_are_a_difference_of_two_columns(judge: Judge) -> None:
    values = {
        "cnn1d": {"tail/pr_auc": 0.10, "head/pr_auc": 0.40},
        "focal": {"tail/pr_auc": 0.13, "head/pr_auc": 0.42},
    }
    verdict = judge("  - {id: H, text: t, arm: focal, tags: tail, beyond: head, metrics: [pr_auc]}\n", values)
    assert verdict.parts[0].members[0].claims[0].estimate.value == pytest.approx(0.01)
    assert verdict.verdict is Verdict.CONFIRMED


def test_equal_shares_of_tags_are_the_best_balance_there_is(judge: Judge) -> None:
    values = {"cnn1d": {"jsd": 0.05}, "focal": {"jsd": 0.0}}
    assert judge("  - {id: H, text: t, arm: focal, metrics: [balance]}\n", values).verdict is Verdict.CONFIRMED


def test_a_declared_check_that_no_number_tells_of_is_said(judge: Judge) -> None:
    verdict = judge("  - {id: H3, text: t, arm: triplet, check: silhouette}\n")
    assert any("the check by silhouette is not among the numbers" in text for text in verdict.qualifiers)

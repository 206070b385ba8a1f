"""Claims of every kind on whole runs with a known truth: what is decided and told of them."""

import dataclasses
import math

import pytest

from analysis.rundata import gather
from analysis.verdict.cards import Card
from analysis.verdict.outcomes import Outcome, Verdict
from tagsearch.records import State
from tagsearch.study.contrasts import versus
from tests.fake_claims import INTERACTION, LINE, STEPS, hypothesis, judged, only_member, part
from tests.fake_run import FakeRun

# --- lines and ladders -----------------------------------------------------------------------------------------------


def test_a_rising_trend_is_confirmed_and_told_by_doubling_and_step(tmp_path):
    trend = part(LINE, kind="trend", steps=STEPS, doublings=2.0)
    verdict = judged(tmp_path, trend, signals={"a": 1.0, "b": 1.3, "c": 1.7})
    assert verdict.verdict is Verdict.CONFIRMED
    (claim, _) = only_member(verdict).claims
    assert f"That is {claim.estimate.value / 2:+.4f} for each doubling." in claim.reason
    assert [step.contrast.name for step in only_member(verdict).steps] == ["b - a", "c - b"]


def test_a_ladder_with_a_step_down_is_no_ladder_though_its_line_rises(tmp_path):
    signals = {"a": 1.0, "b": 2.2, "c": 1.6}
    verdict = judged(tmp_path, part(LINE, kind="ladder", steps=STEPS), signals=signals)
    assert only_member(verdict).outcome is Outcome.NO_GAIN
    assert all(claim.outcome is Outcome.GAIN for claim in only_member(verdict).claims)
    assert only_member(verdict).reason == "no ladder, as it leads down at c - b"
    assert verdict.parts[0].reason == "c over a, fitted in equal steps, is no ladder."
    assert verdict.reason == "A gain of the margin or more is excluded, or a step leads down."
    trend = judged(tmp_path / "t", part(LINE, kind="trend", steps=STEPS, doublings=2.0), signals=signals)
    assert trend.verdict is Verdict.CONFIRMED


def test_a_rung_that_diverges_breaks_the_ladder_though_it_weighs_nothing(tmp_path):
    ladder = part(LINE, kind="ladder", steps=STEPS)
    lost = {("b", 1): State.DIVERGED}
    verdict = judged(tmp_path, ladder, signals={"a": 1.0, "b": 1.3, "c": 1.7}, lost=lost)
    assert only_member(verdict).outcome is Outcome.NO_GAIN
    assert "1 of 5 trials of b diverged, so that it cannot count as a gain" in only_member(verdict).reason


# --- k of m ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at_least", "expected"), [(1, Outcome.GAIN), (2, Outcome.GAIN), (3, Outcome.HARM)])
def test_so_many_of_three_arms_must_gain(tmp_path, at_least, expected):
    contrasts = tuple(versus(arm, "bce") for arm in ("x", "y", "z"))
    signals = {"bce": 1.0, "x": 1.6, "y": 1.6, "z": 0.6}
    verdict = judged(tmp_path, part(*contrasts, at_least=at_least), signals=signals)
    assert verdict.parts[0].outcome is expected
    # gains at alpha / (m - k + 1), no gain at alpha / k
    levels = only_member(verdict).claims[0].levels
    assert (levels.lower, levels.upper) == pytest.approx((0.05 / (4 - at_least), 0.05 / at_least))


# --- interactions ----------------------------------------------------------------------------------------------------


def test_an_interaction_is_confirmed_and_told_without_the_ceiling(tmp_path):
    signals = {"bce+shuffle": 1.0, "focal+shuffle": 1.0, "bce+uniform": 1.0, "focal+uniform": 2.0}
    verdict = judged(tmp_path, part(INTERACTION, kind="interaction"), signals=signals)
    assert verdict.verdict is Verdict.CONFIRMED
    assert all("On the logit scale, which has no ceiling, it is +" in c.reason for c in only_member(verdict).claims)


def test_an_interaction_whose_sign_turns_on_the_logit_scale_is_flagged(tmp_path):
    # both gain the same in signal; near the ceiling ROC AUC has less room
    signals = {"bce+shuffle": 0.8, "focal+shuffle": 2.0, "bce+uniform": 2.4, "focal+uniform": 4.4}
    verdict = judged(tmp_path, part(INTERACTION, kind="interaction", metrics=("roc_auc",)), signals=signals)
    (claim,) = only_member(verdict).claims
    assert claim.estimate.value < 0
    assert "its sign turns (+" in claim.reason


def test_an_arm_of_negative_weight_that_diverges_leaves_an_interaction_open(tmp_path):
    signals = {"bce+shuffle": 1.0, "focal+shuffle": 1.0, "bce+uniform": 1.0, "focal+uniform": 2.0}
    interaction = part(INTERACTION, kind="interaction")
    rival = judged(tmp_path / "r", interaction, signals=signals, lost={("bce+uniform", 0): State.DIVERGED})
    assert only_member(rival).outcome is Outcome.OPEN
    own = judged(tmp_path / "o", interaction, signals=signals, lost={("bce+shuffle", 0): State.DIVERGED})
    assert only_member(own).outcome is Outcome.NO_GAIN


# --- gates -----------------------------------------------------------------------------------------------------------


def test_arms_that_heard_unequal_audio_are_not_compared(tmp_path):
    verdict = judged(tmp_path, part(versus("b", "a")), signals={"a": 1.0, "b": 1.6}, audio_seconds={"b": 3600.0})
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert only_member(verdict).reason == "b drew 20% more seconds of audio than a"


def test_arms_of_equal_epochs_must_draw_alike_though_epochs_are_a_factor_too(tmp_path):
    from analysis.summary import summarize

    fake = FakeRun(
        signals={"a": 1.0, "b": 1.6},
        n_clips=300,
        clips_drawn={"b": 2000},
        hypotheses=(hypothesis(part(versus("b", "a"))),),
    )
    study = dataclasses.replace(fake.write(tmp_path), factors={"epochs": ("10", "20"), "sampler": ("a", "b")})
    (verdict,) = summarize(gather(tmp_path, study)).verdicts
    assert only_member(verdict).reason == "b drew 100% more training clips than a"


def test_architectures_may_hear_unequal_audio_and_it_is_said(tmp_path):
    verdict = judged(
        tmp_path,
        part(versus("b", "a")),
        signals={"a": 1.0, "b": 1.6},
        audio_seconds={"b": 29000.0},
        models={"b": "short_chunk"},
    )
    assert verdict.verdict is Verdict.CONFIRMED
    assert any("seconds of audio" in text and "length of a chunk" in text for text in verdict.qualifiers)


@pytest.mark.parametrize(
    ("measures", "complaint"),
    [
        ({"a": {"silhouette_after": 0.1}, "b": {"silhouette_after": 0.3}}, ""),
        ({"a": {"silhouette_after": 0.3}, "b": {"silhouette_after": 0.3}}, "is not shown to rise (b - a: +0.000"),
        ({"a": {"silhouette_after": 0.3}, "b": {"silhouette_after": 0.1}}, "is not shown to rise (b - a: -0.200"),
        ({"a": {"silhouette_after": 0.3}}, "the check by silhouette was not measured"),
    ],
)
def test_a_loss_that_did_not_separate_the_tags_refutes_nothing_about_separating_them(tmp_path, measures, complaint):
    signals = {"a": 1.6, "b": 1.0}
    verdict = judged(tmp_path, part(versus("b", "a")), signals=signals, check="silhouette", measures=measures)
    (gate,) = [gate for gate in only_member(verdict).gates if gate.id == "G3"]
    assert (gate.passed, gate.blocks) == (not complaint, "refuted")
    assert complaint in gate.text
    assert verdict.verdict is (Verdict.NOT_SUPPORTED if complaint else Verdict.REFUTED)


def test_without_a_declared_check_there_is_none(tmp_path):
    verdict = judged(tmp_path, part(versus("b", "a")), signals={"a": 1.0, "b": 1.6})
    assert [gate.id for gate in only_member(verdict).gates] == ["G1", "G1", "G2", "G4", "G5"]


def test_a_gain_over_an_untrained_rival_says_that_the_rival_is_untrained(tmp_path):
    verdict = judged(tmp_path, part(versus("b", "a")), signals={"a": 0.0, "b": 1.6})
    assert "a is not shown to rank better than chance" in " ".join(verdict.qualifiers)
    assert "a is not shown to rank better than chance" in Card(verdict=verdict).plain(200).replace("\n", " ")


# --- few seeds, few artists, few tags --------------------------------------------------------------------------------


def test_one_seed_gets_a_description_beside_its_verdict_and_a_tipping_point(tmp_path):
    verdict = judged(tmp_path, part(versus("b", "a")), signals={"a": 1.0, "b": 1.6}, seeds=1)
    assert (verdict.verdict, verdict.descriptive, verdict.grade) == (Verdict.INCONCLUSIVE, Verdict.CONFIRMED, "C")
    text = Card(verdict=verdict).plain(1000)
    assert "the sign would stand if the SD between seeds were below 0." in text
    assert "By the point estimates alone, as if they were exact: Confirmed (descriptive)." in text


def test_one_seed_of_harm_is_described_as_not_supported_never_refuted(tmp_path):
    verdict = judged(tmp_path, part(versus("b", "a")), signals={"a": 1.6, "b": 1.0}, seeds=1)
    assert (verdict.verdict, verdict.descriptive) == (Verdict.INCONCLUSIVE, Verdict.NOT_SUPPORTED)


def test_the_tipping_point_of_a_contrast_counts_all_of_its_arms(tmp_path):
    signals = {"bce+shuffle": 1.0, "focal+shuffle": 1.0, "bce+uniform": 1.0, "focal+uniform": 2.5}
    verdict = judged(tmp_path, part(INTERACTION, kind="interaction"), signals=signals, seeds=1)
    estimate = only_member(verdict).claims[0].estimate
    expected = math.sqrt((estimate.value**2 / 3.84 - estimate.model_variance) / 4)
    assert estimate.tipping_sd == pytest.approx(expected)


def test_five_seeds_need_no_description(tmp_path):
    assert judged(tmp_path, part(versus("b", "a")), signals={"a": 1.0, "b": 1.6}).descriptive is None


def test_a_single_test_artist_says_nothing_about_new_ones(tmp_path):
    verdict = judged(tmp_path, part(versus("b", "a")), signals={"a": 1.0, "b": 2.0}, n_artists=1)
    assert (verdict.verdict, verdict.other_scope) == (Verdict.INCONCLUSIVE, Verdict.CONFIRMED)
    assert "a single test artist says nothing about new ones" in only_member(verdict).claims[0].reason
    assert verdict.next_step.startswith("Test on more artists")
    assert not verdict.qualifiers


def test_tags_without_a_score_ask_for_no_seeds(tmp_path):
    verdict = judged(tmp_path, part(versus("b", "a"), tags=("tag 99",)), signals={"a": 1.0, "b": 1.6})
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert only_member(verdict).claims[0].reason == "ROC AUC of tag 99: no scores to compare."
    assert verdict.next_step == "No seeds can decide what has no score: ROC AUC of tag 99 and PR AUC of tag 99."


def test_paired_arms_without_a_seed_in_common_are_not_compared(tmp_path):
    lost = {("a", 0): State.FAILED, ("a", 1): State.FAILED, ("b", 2): State.FAILED, ("b", 3): State.FAILED}
    verdict = judged(tmp_path, part(versus("b", "a")), signals={"a": 1.0, "b": 2.0}, seeds=4, lost=lost)
    assert only_member(verdict).claims[0].estimate is None
    assert verdict.verdict is Verdict.INCONCLUSIVE


def test_an_arm_that_never_ran_leaves_the_claim_open(tmp_path):
    lost = {("a", k): State.PENDING for k in range(5)}
    verdict = judged(tmp_path, part(versus("b", "a")), signals={"a": 1.0, "b": 2.0}, lost=lost)
    assert (verdict.verdict, verdict.basis) == (Verdict.INCONCLUSIVE, "none")
    assert verdict.next_step == "`tagsearch resume` runs the missing seeds."


# --- margins and levels at their ends --------------------------------------------------------------------------------


def test_a_margin_of_zero_asks_for_a_gain_beyond_doubt_only(tmp_path):
    gain = judged(tmp_path / "g", part(versus("b", "a"), margin=0.0), signals={"a": 1.0, "b": 1.6})
    assert gain.verdict is Verdict.CONFIRMED
    none = judged(tmp_path / "n", part(versus("b", "a"), margin=0.0), signals={"a": 1.0, "b": 1.0}, seed_sd=0.0)
    assert none.verdict is Verdict.INCONCLUSIVE


def test_the_same_claim_twice_is_held_to_half_the_level_each(tmp_path):
    twice = (part(versus("b", "a")), part(versus("b", "a"), id="p2"))
    verdict = judged(tmp_path, *twice, signals={"a": 1.0, "b": 1.6})
    assert verdict.verdict is Verdict.CONFIRMED
    assert [one.members[0].claims[0].levels.lower for one in verdict.parts] == [0.025, 0.025]


@pytest.mark.parametrize("alpha", [1e-6, 0.5])
def test_the_ends_of_alpha_are_told_without_a_crash(tmp_path, alpha):
    metrics = ("roc_auc", "pr_auc", "balance")
    verdict = judged(
        tmp_path, part(versus("b", "a"), metrics=metrics), signals={"a": 1.0, "b": 1.6}, seeds=2, alpha=alpha
    )
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert "nan" not in Card(verdict=verdict).plain(200)


# --- asides ----------------------------------------------------------------------------------------------------------


def test_a_comparison_tells_better_seeds_and_the_error_that_is_gone(tmp_path):
    verdict = judged(tmp_path, part(versus("b", "a"), metrics=("roc_auc",)), signals={"a": 1.0, "b": 2.0})
    (claim,) = only_member(verdict).claims
    assert "Better in 5 of 5 seeds." in claim.reason
    assert "less error than a makes." in claim.reason


def test_harm_is_told_as_more_error_and_in_no_seed_better(tmp_path):
    verdict = judged(tmp_path, part(versus("b", "a"), metrics=("roc_auc",)), signals={"a": 2.0, "b": 1.0})
    (claim,) = only_member(verdict).claims
    assert "Better in 0 of 5 seeds." in claim.reason
    assert "more error than a makes." in claim.reason


def test_unpaired_arms_are_counted_against_the_rival_s_mean(tmp_path):
    verdict = judged(tmp_path, part(versus("b", "a")), signals={"a": 1.0, "b": 2.0}, models={"b": "cnn2d"})
    assert "Better in 5 of 5 seeds, against the mean of the other arm." in only_member(verdict).claims[0].reason


def test_the_json_tells_balance_as_the_relative_reduction_that_its_margin_is_in(tmp_path):
    from analysis.verdict.cards import to_json

    verdict = judged(tmp_path, part(versus("b", "a"), metrics=("balance",)), signals={"a": 1.0, "b": 1.6})
    told = to_json([Card(verdict=verdict)])[0]["parts"][0]["members"][0]["claims"][0]
    claim = only_member(verdict).claims[0]
    assert told["est"] == pytest.approx(1 - math.exp(-claim.estimate.value))
    assert told["lo"] == pytest.approx(1 - math.exp(-claim.lower))
    assert told["rho"] == 0.1


# --- what is read ----------------------------------------------------------------------------------------------------


def test_a_part_reads_as_a_sentence(tmp_path):
    verdict = judged(tmp_path, part(versus("b", "a"), versus("c", "a")), signals={"a": 1.0, "b": 1.6, "c": 0.5})
    assert verdict.parts[0].reason == (
        "it takes any of 2 (so each is tested for a gain at level 0.025, for no gain at level 0.05): "
        "b - a shows a gain; c - a shows a loss."
    )

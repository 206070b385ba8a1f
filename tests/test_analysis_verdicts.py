import dataclasses
import math

import pytest

from analysis.verdict.outcomes import Outcome, Verdict
from tagsearch.records import State
from tagsearch.study.schema import Hypothesis
from tests.fake_run import FakeRun, claim, register, summary_of, verdicts_of

MARGINS = {"roc_auc": 0.005, "pr_auc": 0.010}


def only(fake: FakeRun, folder):
    (verdict,) = verdicts_of(fake, folder)
    return verdict


def member(verdict):
    return verdict.parts[0].members[0]


def test_a_big_effect_is_confirmed_with_grade_a(tmp_path):
    verdict = only(FakeRun(signals={"bce": 1.0, "focal": 1.5}), tmp_path)
    assert (verdict.verdict, verdict.grade, verdict.basis) == (Verdict.CONFIRMED, "A", "inferential")
    assert verdict.next_step == ""
    assert "strong" in member(verdict).claims[0].flags


def test_no_effect_on_many_clips_is_refuted(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "focal": 0.99}, n_clips=6000, n_artists=300, seeds=8, seed_sd=0.0)
    verdict = only(fake, tmp_path)
    assert verdict.verdict is Verdict.REFUTED
    assert [claim.outcome for claim in member(verdict).claims] == [Outcome.NO_GAIN, Outcome.NO_GAIN]
    assert "excluded" in verdict.reason


def test_harm_is_refuted_where_both_arms_were_tuned(tmp_path):
    verdict = only(FakeRun(signals={"bce": 1.5, "focal": 1.0}), tmp_path)
    assert verdict.verdict is Verdict.REFUTED
    assert verdict.reason == "It is worse, not better."


def test_harm_without_tuning_is_not_called_refuted_and_the_reason_is_said(tmp_path):
    verdict = only(FakeRun(signals={"bce": 1.5, "focal": 1.0}, tuned=False), tmp_path)
    assert (verdict.verdict, verdict.grade) == (Verdict.NOT_SUPPORTED, "B")
    assert "no arm was tuned" in verdict.reason


def test_harm_by_a_random_ranker_is_a_failed_training_and_refutes_nothing(tmp_path):
    verdict = only(FakeRun(signals={"bce": 1.5, "triplet": 0.0}), tmp_path)
    assert verdict.verdict is Verdict.NOT_SUPPORTED
    assert "triplet is not shown to rank better than chance" in verdict.reason


def test_a_small_effect_with_wild_seeds_stays_open_and_asks_for_seeds(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.03}, seeds=3, seed_sd=0.15, n_clips=2000, n_artists=400)
    verdict = only(fake, tmp_path)
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert "seeds an arm" in verdict.next_step or "too near the margin" in verdict.next_step
    assert "neither shown nor excluded" in verdict.reason.lower()


def test_untrained_arms_are_to_be_trained_first_not_given_more_seeds(tmp_path):
    verdict = only(FakeRun(signals={"bce": 0.0, "focal": 0.0}, n_clips=200), tmp_path)
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert verdict.next_step.startswith("First train focal and bce beyond chance")


def test_one_seed_leaves_the_method_open_and_tells_of_the_two_models(tmp_path):
    verdict = only(FakeRun(signals={"bce": 1.0, "focal": 1.5}, seeds=1), tmp_path)
    assert (verdict.verdict, verdict.basis, verdict.grade) == (Verdict.INCONCLUSIVE, "model", "C")
    assert "one seed says nothing about the spread between seeds" in member(verdict).claims[0].reason
    assert verdict.needs.seeds == 5
    assert verdict.next_step.startswith("Run 5 seeds an arm (now 1)")


def test_two_seeds_decide_nothing_about_a_method_however_big_the_effect(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "focal": 2.0}, seeds=2, seed_sd=0.0, n_clips=4000, n_artists=300)
    verdict = only(fake, tmp_path)
    assert member(verdict).outcome is Outcome.GAIN
    assert (verdict.verdict, verdict.grade) == (Verdict.INCONCLUSIVE, "C")
    assert "three or more" in verdict.reason
    assert "three seeds or more" in verdict.next_step


@pytest.mark.parametrize(
    ("state", "word", "advice"),
    [(State.FAILED, "1 failed", "See why trials failed"), (State.PENDING, "1 not finished", "`tagsearch resume` runs")],
)
def test_a_missing_seed_opens_even_a_clear_case(tmp_path, state, word, advice):
    verdict = only(FakeRun(signals={"bce": 1.0, "focal": 1.5}, lost={("focal", 2): state}), tmp_path)
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert f"1 of 5 seeds of focal are missing ({word})" in member(verdict).reason
    assert verdict.next_step.startswith(advice)


def test_a_diverged_seed_is_a_result_the_arm_gains_nothing(tmp_path):
    verdict = only(FakeRun(signals={"bce": 1.0, "focal": 1.5}, lost={("focal", 2): State.DIVERGED}), tmp_path)
    assert verdict.verdict is Verdict.NOT_SUPPORTED
    assert member(verdict).outcome is Outcome.NO_GAIN
    assert "1 of 5 trials of focal diverged" in verdict.reason


def test_an_arm_that_always_diverges_has_no_score_and_no_gain(tmp_path):
    lost = {("focal", k): State.DIVERGED for k in range(5)}
    verdict = only(FakeRun(signals={"bce": 1.0, "focal": 1.5}, lost=lost), tmp_path)
    assert verdict.verdict is Verdict.NOT_SUPPORTED
    assert member(verdict).claims[0].estimate is None


def test_a_rival_that_diverges_leaves_the_comparison_open(tmp_path):
    verdict = only(FakeRun(signals={"bce": 1.0, "focal": 1.5}, lost={("bce", 0): State.DIVERGED}), tmp_path)
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert "no fair rival" in member(verdict).reason


def test_an_arm_that_drew_more_clips_is_not_compared(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.5}, clips_drawn={"focal": 1100})
    verdict = only(fake, tmp_path)
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert member(verdict).reason == "focal drew 10% more training clips than bce"


def test_where_epochs_are_the_factor_the_budgets_may_differ_and_it_is_noted(tmp_path):
    fake = FakeRun(signals={"short": 1.0, "long": 1.5}, clips_drawn={"long": 2000}, arm_epochs={"long": 8})
    study = dataclasses.replace(fake.write(tmp_path), factors={"epochs": ("10", "20")})
    register(tmp_path, study)
    from analysis.rundata import gather
    from analysis.summary import summarize

    (verdict,) = summarize(gather(tmp_path, study)).verdicts
    assert verdict.verdict is Verdict.CONFIRMED
    assert "the number of epochs is the factor" in verdict.qualifiers[0]


def test_budgets_that_differ_for_one_reason_are_told_in_one_sentence(tmp_path):
    fake = FakeRun(
        signals={"short": 1.0, "long": 1.5, "longest": 1.6},
        clips_drawn={"long": 2000, "longest": 3000},
        arm_epochs={"long": 8, "longest": 12},
        hypotheses=(claim("any", "long", "longest", than="short", id="any"),),
    )
    assert only(fake, tmp_path).qualifiers == (
        "long drew 100% more training clips than short, longest drew 200% more training clips than short: "
        "the arms declare different numbers of epochs",
    )


def test_unequal_tuning_keeps_harm_from_being_called_refuted(tmp_path):
    fake = FakeRun(signals={"bce": 1.5, "focal": 1.0})
    study = fake.write(tmp_path)
    from analysis.rundata import gather
    from analysis.summary import summarize

    run = gather(tmp_path, study)
    lost = next(trial for trial in run.tune if trial.spec.arm == "focal")
    less = dataclasses.replace(run, tune=tuple(trial for trial in run.tune if trial is not lost))
    (verdict,) = summarize(less).verdicts
    assert verdict.verdict is Verdict.NOT_SUPPORTED
    assert "tuned unequally: focal with 2 trials, bce with 3" in verdict.reason


def test_any_needs_one_arm_and_all_needs_every_arm(tmp_path):
    hypotheses = (
        claim("any", "focal", "triplet", than="bce", id="any"),
        claim("all", "focal", "triplet", than="bce", id="all"),
    )
    signals = {"bce": 1.0, "focal": 1.5, "triplet": 0.6}
    some, every = verdicts_of(FakeRun(signals=signals, hypotheses=hypotheses), tmp_path)
    assert some.verdict is Verdict.CONFIRMED
    assert every.verdict is Verdict.REFUTED


def test_a_gain_on_the_secondary_part_only_is_partial_and_qualified(tmp_path):
    primary = claim("any", "triplet", than="bce").parts[0]
    secondary = dataclasses.replace(claim("any", "focal", than="bce", role="secondary").parts[0], id="p2")
    hypothesis = Hypothesis(id="h1", text="both", alpha=0.05, parts=(primary, secondary))
    signals = {"bce": 1.0, "focal": 1.5, "triplet": 0.6}
    verdict = only(FakeRun(signals=signals, hypotheses=(hypothesis,)), tmp_path)
    assert verdict.verdict is Verdict.PARTIALLY
    assert verdict.reason == "Shown for part p2 (secondary), not for part p1 (primary)."
    assert verdict.qualifiers[0] == "secondary only - the primary part is worse"


def test_other_margins_and_the_test_set_alone_are_judged_too(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.5})
    claims = member(only(fake, tmp_path / "first")).claims
    huge = {c.metric: c.estimate.value * 0.75 for c in claims}
    part = dataclasses.replace(claim("any", "focal", than="bce").parts[0], margins=huge)
    hypothesis = Hypothesis(id="h1", text="huge", alpha=0.05, parts=(part,))
    verdict = only(dataclasses.replace(fake, hypotheses=(hypothesis,)), tmp_path / "second")
    assert verdict.verdict is Verdict.CONFIRMED
    assert verdict.other_margins[0.5] is Verdict.CONFIRMED
    assert verdict.other_margins[2.0] is not Verdict.CONFIRMED
    assert verdict.other_scope is Verdict.CONFIRMED


def test_arms_of_one_architecture_share_seeds_and_others_do_not(tmp_path):
    same = only(FakeRun(signals={"bce": 1.0, "focal": 1.2}), tmp_path / "same")
    other = only(FakeRun(signals={"bce": 1.0, "focal": 1.2}, models={"focal": "cnn2d"}), tmp_path / "other")
    assert member(same).claims[0].estimate.paired
    assert not member(other).claims[0].estimate.paired


def test_seeds_beyond_the_plan_are_flagged_and_lower_the_grade(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.5}, seeds=6)
    study = fake.write(tmp_path)
    from analysis.rundata import gather
    from analysis.summary import summarize

    planned = dataclasses.replace(study, confirm=dataclasses.replace(study.confirm, seeds=5))
    register(tmp_path, planned)
    (verdict,) = summarize(gather(tmp_path, planned)).verdicts
    assert verdict.grade == "B"
    assert any("have 1 seed each beyond the plan" in text for text in verdict.deviations)


def test_a_run_without_a_single_finished_trial_is_inconclusive(tmp_path):
    lost = {(arm, k): State.PENDING for arm in ("bce", "focal") for k in range(5)}
    verdict = only(FakeRun(signals={"bce": 1.0, "focal": 1.5}, lost=lost), tmp_path)
    assert (verdict.verdict, verdict.basis) == (Verdict.INCONCLUSIVE, "none")


def test_damaged_scores_count_as_a_failed_trial_and_are_named(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.5})
    study = fake.write(tmp_path)
    from analysis.rundata import gather
    from analysis.summary import summarize

    run = gather(tmp_path, study)
    (run.confirm[0].folder / "scores.npz").write_bytes(b"PK broken")
    summary = summarize(run)
    assert summary.verdicts[0].verdict is Verdict.INCONCLUSIVE
    assert any("is damaged" in note for note in summary.evidence.notes)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"seeds": 3}, "3 seeds an arm, and A takes 5"),
        ({"tuned": False}, "as is: only the factor changed, no arm was tuned"),
    ],
)
def test_a_confirmation_of_grade_b_says_first_what_it_lacks(tmp_path, changes, why):
    verdict = only(FakeRun(signals={"bce": 1.0, "focal": 1.5}, n_clips=200, **changes), tmp_path)
    assert (verdict.verdict, verdict.grade) == (Verdict.CONFIRMED, "B")
    told = "The gain is shown and reaches the margin. With reservations, so of grade B:"
    assert verdict.reason == f"{told} {why}."


def test_a_confirmation_of_grade_a_has_no_reservations(tmp_path):
    verdict = only(FakeRun(signals={"bce": 1.0, "focal": 1.5}, n_clips=200), tmp_path)
    assert verdict.reason == "The gain is shown and reaches the margin."


def test_clips_and_audio_that_exceed_alike_are_told_in_one_sentence(tmp_path):
    run = FakeRun(
        signals={"x1": 1.0, "x2": 1.0},
        n_clips=150,
        arm_epochs={"x2": 8},
        clips_drawn={"x2": 2000},
        audio_seconds={"x2": 6000.0},
    )
    (gate,) = [gate for gate in only(run, tmp_path).parts[0].members[0].gates if gate.id == "G2"]
    what = "training clips and seconds of audio"
    assert gate.passed
    assert gate.text == f"x2 drew 100% more {what} than x1: the arms declare different numbers of epochs"


def test_tags_without_test_positives_are_left_out_of_both_arms_and_counted(tmp_path):
    from analysis.rundata import gather
    from analysis.summary import summarize

    fake = FakeRun(signals={"bce": 1.0, "focal": 1.5})
    run = gather(tmp_path, fake.write(tmp_path))
    run.corpus.labels[run.corpus.rows("test"), 0] = 0
    summary = summarize(run)
    assert summary.evidence.split.defined.sum() == 5
    assert all(arm.values.shape == (5, 5, 2) for arm in summary.evidence.arms.values())
    assert "cover 5 of 6 tags" in summary.text()


def test_false_gains_are_rare_when_nothing_differs(tmp_path):
    verdicts = [
        only(FakeRun(signals={"bce": 1.0, "focal": 1.0}, random_seed=seed, seeds=3, n_clips=200), tmp_path / str(seed))
        for seed in range(12)
    ]
    assert sum(verdict.verdict is Verdict.CONFIRMED for verdict in verdicts) <= 1


def test_the_json_of_a_verdict_has_its_numbers_and_no_infinity(tmp_path):
    summary = summary_of(FakeRun(signals={"bce": 1.0, "focal": 1.5}, seeds=1), tmp_path)
    (verdict,) = summary.to_json()["verdicts"]
    told = verdict["parts"][0]["members"][0]["claims"][0]
    assert verdict["verdict"] == "Inconclusive"
    assert (told["K"], told["C"], told["lo"], told["se_seed"]) == (1, 60, None, None)
    assert math.isfinite(told["est"])
    assert len(verdict["spec_sha256"]) == 64

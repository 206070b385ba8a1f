"""Claims of every kind on whole runs with a known truth: what is estimated, and what is decided and told of it."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import average_precision_score, roc_auc_score

from analysis.cards import Card
from analysis.endpoints import Endpoint
from analysis.evidence import collect
from analysis.outcomes import Outcome, Verdict
from analysis.rundata import gather
from tagsearch.records import State
from tagsearch.study.contrasts import slope, versus
from tagsearch.study.schema import Contrast, Hypothesis, Part
from tests.fake_run import FakeRun, verdicts_of

MARGINS = {"roc_auc": 0.005, "pr_auc": 0.010, "balance": 0.1}
LINE = slope(["a", "b", "c"], [0, 1, 2], name="c over a, fitted in equal steps")
STEPS = (versus("b", "a"), versus("c", "b"))
INTERACTION = Contrast(
    name="(focal - bce) with uniform, less the same with shuffle",
    weights={"focal+uniform": 1.0, "focal+shuffle": -1.0, "bce+uniform": -1.0, "bce+shuffle": 1.0},
)


def part(*contrasts: Contrast, metrics=("roc_auc", "pr_auc"), id="p1", kind="versus", at_least=1, margin=None, **more):
    margins = {metric: MARGINS[metric] if margin is None else margin for metric in metrics}
    return Part(
        id=id, kind=kind, contrasts=contrasts, at_least=at_least, metrics=metrics, margins=margins, written={}, **more
    )


def hypothesis(*parts: Part, **more) -> Hypothesis:
    return Hypothesis(**{"id": "h1", "text": "It helps", "alpha": 0.05, "parts": parts} | more)


def judged(folder, *parts: Part, check=None, alpha=0.05, **run):
    found = hypothesis(*parts, check=check, alpha=alpha)
    (verdict,) = verdicts_of(FakeRun(**{"n_clips": 400} | run, hypotheses=(found,)), folder)
    return verdict


def only_member(verdict):
    return verdict.parts[0].members[0]


@pytest.fixture(scope="module")
def fake_run(tmp_path_factory):
    fake = FakeRun(
        signals={"a": 1.0, "b": 1.3, "c": 1.5},
        n_clips=300,
        n_tags=10,
        seeds=3,
        snapshots={2: 0.5},
        models={"c": "cnn2d"},
        hypotheses=(
            hypothesis(part(versus("b", "a"), metrics=("balance",))),
            hypothesis(part(versus("b", "a"), metrics=("balance",), checkpoint="epoch2"), id="h2"),
        ),
    )
    folder = tmp_path_factory.mktemp("run")
    run = gather(folder, fake.write(folder))
    return run, collect(run)


def scores_of(run, arm, split="test", checkpoint="final"):
    trials = sorted((trial for trial in run.confirm if trial.spec.arm == arm), key=lambda trial: trial.spec.seed)
    return [trial.scores(split, checkpoint) for trial in trials]


def by_sklearn(run, arm, tags, metric=average_precision_score, checkpoint="final"):
    """(K,), the mean over these tags."""
    labels = run.corpus.labels[run.corpus.rows("test")]
    return np.array(
        [
            np.mean([metric(labels[:, tag], scores[:, tag]) for tag in tags])
            for scores in scores_of(run, arm, checkpoint=checkpoint)
        ]
    )


def falling(run):
    """Tags by falling number of training clips."""
    return np.argsort(-run.corpus.labels[run.corpus.rows("train")].sum(axis=0, dtype=int), kind="stable")


# --- estimates by hand -----------------------------------------------------------------------------------------------


def test_a_group_of_tags_is_chosen_by_training_clips_and_averaged(fake_run):
    run, evidence = fake_run
    tail = falling(run)[6:]
    estimate = evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc", tags="tail"))
    assert estimate.value == pytest.approx(np.mean(by_sklearn(run, "b", tail) - by_sklearn(run, "a", tail)))


def test_beyond_subtracts_the_other_group_s_effect_seed_by_seed(fake_run):
    run, evidence = fake_run
    order = falling(run)
    per_seed = [
        by_sklearn(run, "b", tags, roc_auc_score) - by_sklearn(run, "a", tags, roc_auc_score)
        for tags in (order[6:], order[:2])
    ]
    estimate = evidence.estimate(versus("b", "a"), Endpoint(metric="roc_auc", tags="tail", beyond="head"))
    assert estimate.paired
    assert estimate.per_seed == pytest.approx(per_seed[0] - per_seed[1])
    assert estimate.seed_variance == pytest.approx(np.var(per_seed[0] - per_seed[1], ddof=1) / 3)


def test_named_tags_are_those_tags(fake_run):
    run, evidence = fake_run
    estimate = evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc", tags=("tag 7", "tag 2")))
    assert estimate.value == pytest.approx(np.mean(by_sklearn(run, "b", (2, 7)) - by_sklearn(run, "a", (2, 7))))


def test_a_snapshot_is_judged_by_its_own_scores(fake_run):
    run, evidence = fake_run
    tags = range(10)
    early = np.mean(by_sklearn(run, "b", tags, checkpoint="epoch2") - by_sklearn(run, "a", tags, checkpoint="epoch2"))
    estimate = evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc", checkpoint="epoch2"))
    assert estimate.value == pytest.approx(early)
    assert estimate.value != evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc")).value


@pytest.mark.parametrize("checkpoint", ["final", "epoch2"])
def test_balance_compares_divergences_at_a_threshold_that_validation_fixes(fake_run, checkpoint):
    run, evidence = fake_run

    def log_divergences(arm):
        valid, test = (run.corpus.labels[run.corpus.rows(split)] for split in ("valid", "test"))
        found = []
        for on_valid, on_test in zip(
            scores_of(run, arm, "valid", checkpoint), scores_of(run, arm, "test", checkpoint), strict=True
        ):
            last, first = np.sort(on_valid.ravel().astype(float))[::-1][[valid.sum() - 1, valid.sum()]]
            counts = (on_test > (last + first) / 2).sum(axis=0)  # as many on validation as are annotated
            found.append(np.log(jensenshannon(test.sum(axis=0), counts, base=2) ** 2))
        return np.array(found)

    estimate = evidence.estimate(versus("b", "a"), Endpoint(metric="balance", checkpoint=checkpoint))
    assert estimate.value == pytest.approx(np.mean(log_divergences("a") - log_divergences("b")))


def test_a_line_through_arms_of_one_architecture_is_paired_and_through_two_is_not(fake_run):
    _, evidence = fake_run
    assert evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc")).paired
    assert not evidence.estimate(LINE, Endpoint(metric="pr_auc")).paired


def test_a_contrast_of_unpaired_arms_adds_their_weighted_variances(fake_run):
    run, evidence = fake_run
    weights = {"a": -0.75, "b": -0.25, "c": 1.0}
    values = {arm: by_sklearn(run, arm, range(10)) for arm in weights}
    estimate = evidence.estimate(Contrast(name="x", weights=weights), Endpoint(metric="pr_auc"))
    assert estimate.value == pytest.approx(sum(weights[arm] * values[arm].mean() for arm in weights))
    parts = [weights[arm] ** 2 * values[arm].var(ddof=1) / 3 for arm in weights]
    assert estimate.seed_variance == pytest.approx(sum(parts))
    assert estimate.seed_df == pytest.approx(sum(parts) ** 2 / sum(one**2 / 2 for one in parts))


def test_an_arm_of_weight_zero_adds_no_doubt(fake_run):
    _, evidence = fake_run
    ends = evidence.estimate(versus("c", "a"), Endpoint(metric="pr_auc"))
    line = evidence.estimate(LINE, Endpoint(metric="pr_auc"))
    assert (line.value, line.seed_variance) == pytest.approx((ends.value, ends.seed_variance))


def test_balance_that_no_part_claims_is_not_measured(tmp_path):
    fake = FakeRun(signals={"a": 1.0, "b": 1.6}, n_clips=200, seeds=2)
    evidence = collect(gather(tmp_path, fake.write(tmp_path)))
    assert evidence.estimate(versus("b", "a"), Endpoint(metric="balance")) is None


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


def test_a_group_s_tags_that_cannot_be_scored_are_left_out_of_its_mean(tmp_path):
    fake = FakeRun(signals={"a": 1.0, "b": 1.6}, n_clips=300, n_tags=10, seeds=2)
    run = gather(tmp_path, fake.write(tmp_path))
    order = falling(run)
    run.corpus.labels[run.corpus.rows("test"), order[1]] = 0  # of a head of two
    evidence = collect(run)
    one = evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc", tags="head"))
    expected = by_sklearn(run, "b", order[:1]) - by_sklearn(run, "a", order[:1])
    assert one.value == pytest.approx(expected.mean())
    assert evidence.estimate(versus("b", "a"), Endpoint(metric="pr_auc", tags=(f"tag {order[1]}",))) is None


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
    from analysis.cards import to_json

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

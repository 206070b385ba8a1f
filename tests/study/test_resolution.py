"""What each hypothesis can resolve, in numbers, in words and in the run folder."""

import dataclasses
import json
import math
from pathlib import Path

import pytest
from scipy.stats import norm, t

from tagsearch.study.plan import predict
from tagsearch.study.plan_file import plan_record
from tagsearch.study.plan_text import describe, power_lines
from tagsearch.study.power import Noise
from tagsearch.study.resolution import Resolution, resolve
from tests.study.conftest import Reader
from tests.study.examples import LOSSES

VERSUS = LOSSES + "hypotheses:\n  - {id: H2, text: it helps, arm: focal, PART}\n"


def resolved(read: Reader, part: str, *overrides: str, n_artists: int | None = 75) -> tuple[Resolution, ...]:
    return resolve(read(VERSUS.replace("PART", part), *overrides), n_artists=n_artists, storage=None)


def test_every_metric_of_every_part_is_told(read: Reader) -> None:
    parts = "parts: [{id: a, arm: focal}, {id: b, arm: bce_triplet, metrics: [balance]}]"
    found = resolve(
        read(LOSSES + f"hypotheses:\n  - {{id: H2, text: it helps, {parts}}}\n"), n_artists=75, storage=None
    )
    told = [(one.part, one.endpoint.metric) for one in found]
    assert told == [("a", "roc_auc"), ("a", "pr_auc"), ("b", "balance")]


def test_the_floor_is_told_at_the_level_that_the_verdict_uses(read: Reader) -> None:
    """By hand: any of two arms halves alpha; SE .0025 of 75 artists."""
    two = LOSSES + "hypotheses:\n  - {id: H2, text: it helps, any: [focal, bce_triplet], metrics: [roc_auc]}\n"
    (one,) = resolve(read(two), n_artists=75, storage=None)
    assert one.floor == pytest.approx((t.ppf(1 - 0.025 / 2, 74) + norm.ppf(0.8)) * 0.0025)


def test_a_declared_second_look_leaves_the_first_one_less_alpha(read: Reader) -> None:
    """By hand: .6 of alpha."""
    (one,) = resolved(read, "metrics: [roc_auc]", "confirm.extension=10")
    assert one.floor == pytest.approx((t.ppf(1 - 0.03 / 2, 74) + norm.ppf(0.8)) * 0.0025)


def test_all_of_two_arms_need_more_power_each(read: Reader) -> None:
    """By hand: sqrt(.8) each, at the whole alpha."""
    two = LOSSES + "hypotheses:\n  - {id: H2, text: it helps, all: [focal, bce_triplet], metrics: [roc_auc]}\n"
    (one,) = resolve(read(two), n_artists=75, storage=None)
    assert one.floor == pytest.approx((t.ppf(0.975, 74) + norm.ppf(math.sqrt(0.8))) * 0.0025)


def test_arms_of_one_architecture_have_fewer_degrees_of_freedom(read: Reader) -> None:
    arms = "study: x\narms: {a: , b: {OTHER}}\nconfirm: {seeds: 3}\nhypotheses:\n  - {id: H, text: it helps, arm: b}\n"
    same, other = (
        resolve(read(arms.replace("OTHER", change)), n_artists=75, storage=None)[0]
        for change in ("lr: 0.5", "model: cnn2d")
    )
    assert same.smallest_effect > other.smallest_effect
    assert same.floor == other.floor


def test_balance_is_told_as_a_relative_reduction(read: Reader) -> None:
    (one,) = resolved(read, "metrics: [balance]")
    assert 0.1 < one.smallest_effect < 1.0
    assert one.margin == 0.1


def test_a_plan_says_what_its_seeds_resolve_and_from_what_it_knows(read: Reader) -> None:
    lines = describe(*(lambda s: (s, predict(s, n_slots=1)))(read(VERSUS.replace("PART", "margin: 0.5")))).splitlines()
    assert lines[-1] == (
        "H2: 5 seeds resolve ROC AUC 0.011, PR AUC 0.022 on 189 test artists (assumed seed SD 0.0040, 0.0080)"
    )


def make(**changes: object) -> Resolution:
    (one,) = changes.pop("found")  # type: ignore[misc]
    return dataclasses.replace(one, **changes)  # type: ignore[arg-type]


def test_a_margin_that_the_seeds_do_not_resolve_is_warned_of_with_the_seeds_that_would_do(read: Reader) -> None:
    found = resolved(read, "metrics: [pr_auc], margin: 0.02")
    weak = make(found=found, smallest_effect=0.0241, seeds_needed=8)
    assert power_lines([weak])[1] == "warning: H2: 5 seeds cannot show its margin PR AUC 0.02 (8 would)"


def test_a_margin_below_the_floor_is_warned_of_as_out_of_reach(read: Reader) -> None:
    (one,) = resolved(read, "metrics: [roc_auc], margin: 0.005")
    assert (one.seeds_needed, round(one.floor, 4)) == (None, 0.0071)
    assert power_lines([one])[1] == (
        "warning: H2: 5 seeds cannot show its margin ROC AUC 0.005 (no number can: floor 0.008)"
    )


def test_a_margin_that_is_resolved_is_not_warned_of(read: Reader) -> None:
    assert len(power_lines(resolved(read, "margin: 0.05"))) == 1


def test_the_seeds_that_would_do_are_enough_for_the_plan_itself(read: Reader) -> None:
    (one,) = resolved(read, "metrics: [pr_auc], margin: 0.02")
    assert one.seeds_needed is not None
    assert not one.shows_margin
    (enough,) = resolved(read, "metrics: [pr_auc], margin: 0.02", f"confirm.seeds={one.seeds_needed}")
    assert enough.shows_margin
    (one_less,) = resolved(read, "metrics: [pr_auc], margin: 0.02", f"confirm.seeds={one.seeds_needed - 1}")
    assert not one_less.shows_margin


def test_one_seed_resolves_nothing_and_the_plan_says_so(read: Reader) -> None:
    first, warning = power_lines(resolved(read, "margin: 0.05", "confirm.seeds=1"))
    assert first == "H2: one seed an arm resolves nothing: it says nothing about the spread between seeds"
    assert "1 seed cannot show its margins ROC AUC 0.05" in warning


def test_where_artists_are_not_known_the_claim_is_about_this_test_set(read: Reader) -> None:
    found = resolved(read, "margin: 0.05", n_artists=None)
    assert "on this test set, whose artists are not known" in power_lines(found)[0]
    assert found[0].floor == 0.0


def test_an_earlier_run_is_named(read: Reader) -> None:
    (one,) = resolved(read, "metrics: [pr_auc], margin: 0.05")
    noise = Noise(seed_sd=0.00971, clip_variance=1e-6, n_artists=60)
    measured = dataclasses.replace(one, source=dataclasses.replace(one.source, noise=noise, run="losses-2026"))
    assert power_lines([measured])[0].endswith("on 60 test artists (seed SD 0.0097 from losses-2026)")


def test_parts_are_named_where_there_are_several(read: Reader) -> None:
    parts = "parts: [{id: mean, arm: focal, margin: 0.5}, {id: rare, arm: focal, tags: tail, margin: 0.5}]"
    found = resolve(read(LOSSES + f"hypotheses:\n  - {{id: H2, text: t, {parts}}}\n"), n_artists=75, storage=None)
    first, second = power_lines(found)
    assert first.startswith("H2 (mean): 5 seeds resolve ROC AUC ")
    assert second.startswith("H2 (rare): 5 seeds resolve ROC AUC of tail tags ")


def test_a_study_without_hypotheses_resolves_nothing(read: Reader) -> None:
    study = read(LOSSES)
    assert predict(study, n_slots=1).power == ()
    assert plan_record(predict(study, n_slots=1))["power"] == []


def test_the_plan_is_kept_as_json(read: Reader) -> None:
    study = read(VERSUS.replace("PART", "metrics: [pr_auc]"), "confirm.seeds=1")
    record = json.loads(json.dumps(plan_record(predict(study, n_slots=3)), allow_nan=False))
    assert record["n_slots"] == 3
    assert [(one["phase"], one["n_trials"]) for one in record["phases"]] == [("tune", 24), ("confirm", 3)]
    assert {"expected_epochs", "seconds", "disk_bytes"} <= record["phases"][0].keys()
    (power,) = record["power"]
    assert (power["hypothesis"], power["metric"], power["margin"], power["source"]) == ("H2", "pr_auc", 0.01, "assumed")
    assert power["smallest_effect"] is None
    assert power["floor"] > 0


def test_a_plan_uses_the_replicates_of_the_storage(read: Reader, tmp_path: Path) -> None:
    from tests.study.test_noise import leave_noise

    study = read(VERSUS.replace("PART", "metrics: [pr_auc]"))
    leave_noise(tmp_path / "runs", "first", study="x", data=dict(study.data), seed_sd=0.03)
    with_run, without = (predict(study, n_slots=1, storage=s).power[0] for s in (tmp_path / "runs", tmp_path / "none"))
    assert (with_run.source.run, without.source.run) == ("first", None)
    assert with_run.smallest_effect > without.smallest_effect

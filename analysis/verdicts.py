"""From the evidence to a verdict for each hypothesis, with the reasons in plain words.

The objects are described in `judgement`, the rule itself in `outcomes`, the wording in `words`.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace

from analysis import gates as gating
from analysis import words
from analysis.evidence import Evidence
from analysis.intervals import Estimate, Scope
from analysis.judgement import Claim, HypothesisVerdict, Member, Needs, PartVerdict
from analysis.outcomes import (
    Levels,
    Outcome,
    claim_flags,
    claim_outcome,
    hypothesis_verdict,
    member_outcome,
    part_outcome,
    split_alpha,
    worst,
)
from analysis.rundata import RunData
from tagsearch.study.schema import Hypothesis, Metric, Part

MARGIN_FACTORS = (0.5, 2.0)  # the margin is a value judgement: the verdict is shown for these multiples of it too


def judge(run: RunData, evidence: Evidence, hypothesis: Hypothesis) -> HypothesisVerdict:
    """The verdict for new songs by new artists, beside it those for this test set alone and for other margins."""
    headline = _judge(run, evidence, hypothesis, scope="population")
    return replace(
        headline,
        other_scope=_judge(run, evidence, hypothesis, scope="benchmark").verdict,
        other_margins={
            factor: _judge(run, evidence, _with_margins(hypothesis, factor), scope="population").verdict
            for factor in MARGIN_FACTORS
        },
    )


def _with_margins(hypothesis: Hypothesis, factor: float) -> Hypothesis:
    scaled = [replace(part, margins={m: factor * rho for m, rho in part.margins.items()}) for part in hypothesis.parts]
    return replace(hypothesis, parts=tuple(scaled))


def _judge(run: RunData, evidence: Evidence, hypothesis: Hypothesis, *, scope: Scope) -> HypothesisVerdict:
    parts = tuple(judge_part(run, evidence, hypothesis, part, scope=scope) for part in hypothesis.parts)
    all_gates = [gate for part in parts for member in part.members for gate in member.gates]
    arms = sorted({name for part in hypothesis.parts for name in (*part.arms, part.than)})
    grade = gating.grade(evidence, arms, all_gates)
    gates_pass = all(gate.passed for gate in all_gates if gate.blocks == "refuted")
    verdict = hypothesis_verdict([part.outcome for part in parts], gates_pass=gates_pass, grade=grade)
    n_seeds = min(len(evidence.arms[arm].seeds) for arm in arms)
    needs = _hardest([part.needs for part in parts if part.outcome is Outcome.OPEN])
    return HypothesisVerdict(
        id=hypothesis.id,
        text=hypothesis.text,
        verdict=verdict,
        basis="inferential" if n_seeds > 1 else "model" if n_seeds else "none",
        grade=grade,
        scope=scope,
        alpha=hypothesis.alpha,
        parts=parts,
        qualifiers=words.qualifiers(verdict, parts, all_gates, [evidence.arms[arm] for arm in arms]),
        needs=needs,
        reason=words.verdict_reason(verdict, parts, grade, all_gates),
        next_step=words.next_step(verdict, parts, needs, n_seeds=n_seeds),
        other_scope=verdict,
        other_margins={},
        spec_sha256=spec_sha256(hypothesis),
    )


def spec_sha256(hypothesis: Hypothesis) -> str:
    return hashlib.sha256(json.dumps(asdict(hypothesis), sort_keys=True).encode()).hexdigest()


def judge_part(run: RunData, evidence: Evidence, hypothesis: Hypothesis, part: Part, *, scope: Scope) -> PartVerdict:
    levels = split_alpha(
        hypothesis.alpha, n_parts=len(hypothesis.parts), n_members=len(part.arms), quantifier=part.quantifier
    )
    members = tuple(
        judge_member(run, evidence, part, arm, levels=levels, alpha=hypothesis.alpha, scope=scope) for arm in part.arms
    )
    outcome = part_outcome([member.outcome for member in members], part.quantifier)
    waiting = [member.needs for member in members if member.outcome is Outcome.OPEN]
    return PartVerdict(
        id=part.id,
        role=part.role,
        quantifier=part.quantifier,
        members=members,
        outcome=outcome,
        needs=_easiest(waiting) if part.quantifier == "any" else _hardest(waiting),
        reason=words.part_reason(part, members, levels),
    )


def judge_member(
    run: RunData, evidence: Evidence, part: Part, arm: str, *, levels: Levels, alpha: float, scope: Scope
) -> Member:
    gates = gating.check(run, evidence, arm, part.than, alpha=alpha)
    claims = tuple(
        judge_claim(
            evidence.difference(arm, part.than, metric), metric, part.margins[metric], levels=levels, scope=scope
        )
        for metric in part.metrics
    )
    outcome, flags = member_outcome([claim.outcome for claim in claims])
    if evidence.arms[arm].diverged:  # a result: whatever the other seeds reach, this arm does not deliver it
        outcome, flags = worst([outcome, Outcome.NO_GAIN]), (*flags, "diverged")
    if evidence.arms[part.than].diverged:  # the rival's seeds that are left are no fair sample of it
        outcome, flags = Outcome.OPEN, (*flags, "rival diverged")
    if any(not gate.passed for gate in gates if gate.blocks == "outcome"):
        outcome, flags = Outcome.OPEN, (*flags, "gate failed")
    needs = _hardest([claim.needs for claim in claims if claim.outcome is Outcome.OPEN])
    member = Member(
        arm=arm,
        than=part.than,
        claims=claims,
        gates=gates,
        outcome=outcome,
        flags=flags,
        needs=Needs() if "gate failed" in flags else needs,
        reason="",
    )
    return replace(member, reason=words.member_reason(member, evidence.arms[arm], evidence.arms[part.than]))


def judge_claim(
    estimate: Estimate | None, metric: Metric, margin: float, *, levels: Levels, scope: Scope = "population"
) -> Claim:
    """One metric of one comparison. Without an estimate, or with one seed, it stays open."""
    if estimate is None:
        lower, upper, value = -math.inf, math.inf, 0.0
    else:
        lower = estimate.interval(levels.lower, scope)[0]
        upper = estimate.interval(levels.upper, scope)[1]
        value = estimate.value
    outcome = claim_outcome(value, lower, upper, margin=margin)
    claim = Claim(
        metric=metric,
        margin=margin,
        estimate=estimate,
        levels=levels,
        lower=lower,
        upper=upper,
        outcome=outcome,
        flags=claim_flags(outcome, lower, upper, margin=margin),
        floor=estimate.floor(levels.lower) if estimate and scope == "population" else 0.0,
        needs=_needs(estimate, margin, levels, scope) if outcome is Outcome.OPEN else Needs(),
        reason="",
    )
    return replace(claim, reason=words.claim_reason(claim))


def _needs(estimate: Estimate | None, margin: float, levels: Levels, scope: Scope) -> Needs:
    """Half widths at which the limit that keeps the claim open would pass: 0 for a gain, the margin for none."""
    if estimate is None or math.isinf(estimate.seed_variance):
        return Needs(seeds=gating.GRADE_A_SEEDS)
    gains = estimate.value >= margin
    distance = estimate.value if gains else margin - estimate.value
    alpha = levels.lower if gains else levels.upper
    artists = estimate.clusters_needed(distance, alpha=alpha) if scope == "population" else None
    return Needs(seeds=estimate.seeds_needed(distance, alpha=alpha, scope=scope), artists=artists)


def _hardest(needs: Sequence[Needs]) -> Needs:
    """All of these must be met; seeds alone do not do where one needs more artists or is out of reach."""
    if not needs:
        return Needs()
    artists = [need.artists for need in needs if need.artists is not None]
    seeds = [need.seeds for need in needs if need.seeds is not None]
    return Needs(
        seeds=max(seeds) if len(seeds) == len(needs) else None,
        artists=max(artists) if artists else None,
    )


def _easiest(needs: Sequence[Needs]) -> Needs:
    """One of these is enough."""
    by_seeds = [need for need in needs if need.seeds is not None]
    if by_seeds:
        return min(by_seeds, key=lambda need: need.seeds or 0)
    by_artists = [need for need in needs if need.artists is not None]
    return min(by_artists, key=lambda need: need.artists or 0) if by_artists else Needs()

"""From the evidence to a verdict for each hypothesis, with the reasons in plain words.

The objects are described in `judgement`, the rule itself in `outcomes`, the wording in `words`, what is judged in
`sources`.
"""

import hashlib
import json
import math
from dataclasses import asdict, replace

from analysis.rundata import RunData
from analysis.verdict import asides, deviations, looks, next_steps, words
from analysis.verdict import needs as needing
from analysis.verdict.evidence import Evidence
from analysis.verdict.gates import Grade
from analysis.verdict.intervals import Estimate, Scope
from analysis.verdict.judgement import Basis, Claim, HypothesisVerdict, Member, Needs, PartVerdict
from analysis.verdict.outcomes import (
    Levels,
    Outcome,
    claim_flags,
    claim_outcome,
    hypothesis_verdict,
    ladder_outcome,
    member_outcome,
    part_outcome,
    split_alpha,
    worst,
)
from analysis.verdict.sources import NumbersSource, RunSource, Source
from tagsearch.study.endpoints import Endpoint, endpoint
from tagsearch.study.schema import Contrast, Hypothesis, Part, Study

MARGIN_FACTORS = (0.5, 2.0)  # the margin is a value judgement: the verdict is shown for these multiples of it too


def judge(run: RunData, evidence: Evidence, hypothesis: Hypothesis) -> HypothesisVerdict:
    """The verdict for new songs by new artists, beside it those for this test set alone and for other margins."""
    source, look = RunSource(run=run, evidence=evidence, claim=hypothesis.id), looks.look(run)
    asked = replace(hypothesis, alpha=hypothesis.alpha * look.alpha_share)
    headline = judge_by(source, asked, scope="population")
    return replace(
        headline,
        other_scope=judge_by(source, asked, scope="benchmark").verdict,
        other_margins={
            factor: judge_by(source, _with_margins(asked, factor), scope="population").verdict
            for factor in MARGIN_FACTORS
        },
        spec_sha256=spec_sha256(hypothesis),
        look=look.number,
        looks=look.of,
    )


def judge_numbers(study: Study, source: NumbersSource) -> tuple[HypothesisVerdict, ...]:
    """What a table of numbers says of each hypothesis of a study: a description, never a "Refuted" (grade D)."""
    headlines = [judge_by(source, hypothesis, scope="point") for hypothesis in study.hypotheses]
    return tuple(
        replace(
            headline,
            other_margins={
                factor: judge_by(source, _with_margins(hypothesis, factor), scope="point").verdict
                for factor in MARGIN_FACTORS
            },
        )
        for headline, hypothesis in zip(headlines, study.hypotheses, strict=True)
    )


def _with_margins(hypothesis: Hypothesis, factor: float) -> Hypothesis:
    scaled = [replace(part, margins={m: factor * rho for m, rho in part.margins.items()}) for part in hypothesis.parts]
    return replace(hypothesis, parts=tuple(scaled))


def judge_by(source: Source, hypothesis: Hypothesis, *, scope: Scope) -> HypothesisVerdict:
    """The verdict at one scope and at the margins as they are."""
    parts = tuple(judge_part(source, hypothesis, part, scope=scope) for part in hypothesis.parts)
    all_gates = [gate for part in parts for member in part.members for gate in member.gates]
    arms = sorted({name for part in hypothesis.parts for name in part.arms})
    grade: Grade = "D" if scope == "point" else source.grade(arms, all_gates)
    gates_pass = all(gate.passed for gate in all_gates if gate.blocks == "refuted")
    outcomes = [part.outcome for part in parts]
    verdict = hypothesis_verdict(outcomes, gates_pass=gates_pass, grade=grade)
    n_seeds = source.n_seeds(arms)
    needs = needing.hardest([part.needs for part in parts if part.outcome is Outcome.OPEN])
    judged = HypothesisVerdict(
        id=hypothesis.id,
        text=hypothesis.text,
        verdict=verdict,
        basis=_basis(n_seeds, scope),
        grade=grade,
        scope=scope,
        alpha=hypothesis.alpha,
        parts=parts,
        qualifiers=words.qualifiers(verdict, parts, all_gates),
        needs=needs,
        reason=words.verdict_reason(verdict, parts, grade, all_gates, source.shortcomings(arms, all_gates)),
        next_step=next_steps.next_step(verdict, parts, needs, n_seeds=n_seeds, grade=grade),
        other_scope=verdict,
        other_margins={},
        descriptive=judge_by(source, hypothesis, scope="point").verdict if grade == "C" and scope != "point" else None,
        spec_sha256=spec_sha256(hypothesis),
        deviations=tuple(one.text for one in source.deviations(arms)),
    )
    return deviations.as_far_as_registered(judged, source.deviations(arms))


def _basis(n_seeds: int, scope: Scope) -> Basis:
    if scope == "point":
        return "descriptive"
    return "inferential" if n_seeds > 1 else "model" if n_seeds else "none"


def spec_sha256(hypothesis: Hypothesis) -> str:
    return hashlib.sha256(json.dumps(asdict(hypothesis), sort_keys=True).encode()).hexdigest()


def judge_part(source: Source, hypothesis: Hypothesis, part: Part, *, scope: Scope) -> PartVerdict:
    levels = split_alpha(
        hypothesis.alpha, n_parts=len(hypothesis.parts), n_members=len(part.contrasts), at_least=part.at_least
    )
    members = tuple(
        judge_member(source, hypothesis, part, contrast, levels=levels, scope=scope) for contrast in part.contrasts
    )
    outcome = part_outcome([member.outcome for member in members], part.at_least)
    waiting = [member.needs for member in members if member.outcome is Outcome.OPEN]
    return PartVerdict(
        id=part.id,
        role=part.role,
        kind=part.kind,
        at_least=part.at_least,
        members=members,
        outcome=outcome,
        needs=needing.easiest(waiting, part.at_least - sum(member.outcome is Outcome.GAIN for member in members)),
        reason=words.part_reason(part, members, None if scope == "point" else levels),
    )


def judge_member(
    source: Source, hypothesis: Hypothesis, part: Part, contrast: Contrast, *, levels: Levels, scope: Scope
) -> Member:
    own = _judge_contrast(source, hypothesis, part, contrast, levels=levels, scope=scope)
    own = replace(own, claims=tuple(_with_aside(source, part, contrast, claim) for claim in own.claims))
    if not part.steps:
        return own
    each = hypothesis.alpha / len(part.steps)  # one false step down would make a ladder, a rising one too, "no gain"
    shared = Levels(lower=each, upper=each)
    steps = tuple(_judge_contrast(source, hypothesis, part, step, levels=shared, scope=scope) for step in part.steps)
    if part.kind != "ladder":
        return replace(own, steps=steps)
    outcome = ladder_outcome(own.outcome, [step.outcome for step in steps])
    flags = (*own.flags, "step down") if any(step.outcome is Outcome.HARM for step in steps) else own.flags
    return replace(own, steps=steps, outcome=outcome, flags=flags, reason=words.ladder_reason(own, steps))


def _with_aside(source: Source, part: Part, contrast: Contrast, claim: Claim) -> Claim:
    told = asides.aside(source, part, contrast, claim.endpoint, claim.estimate) if claim.estimate else ""
    return replace(claim, reason=f"{claim.reason} {told}") if told else claim


def _judge_contrast(
    source: Source, hypothesis: Hypothesis, part: Part, contrast: Contrast, *, levels: Levels, scope: Scope
) -> Member:
    gates = source.gates(hypothesis, contrast)
    claims = []
    for metric in part.metrics:
        measured = endpoint(part, metric)
        estimate = source.estimate(contrast, measured)
        claims.append(judge_claim(estimate, measured, part.margins[metric], levels=levels, scope=scope))
    outcome, flags = member_outcome([claim.outcome for claim in claims])
    lost = {arm: text for arm in contrast.weights if (text := source.diverged(arm))}
    if any(contrast.weights[arm] >= 0 for arm in lost):  # a result: whatever its other seeds reach, it does not deliver
        outcome, flags = worst([outcome, Outcome.NO_GAIN]), (*flags, "diverged")
    if any(contrast.weights[arm] < 0 for arm in lost):  # the seeds that are left are no fair sample of a rival
        outcome, flags = Outcome.OPEN, (*flags, "rival diverged")
    if any(not gate.passed for gate in gates if gate.blocks == "outcome"):
        outcome, flags = Outcome.OPEN, (*flags, "gate failed")
    needs = needing.hardest([claim.needs for claim in claims if claim.outcome is Outcome.OPEN])
    member = Member(
        contrast=contrast,
        claims=tuple(claims),
        gates=gates,
        outcome=outcome,
        flags=flags,
        needs=Needs() if "gate failed" in flags else needs,
        reason="",
    )
    return replace(member, reason=words.member_reason(member, lost))


def judge_claim(
    estimate: Estimate | None, measured: Endpoint, margin: float, *, levels: Levels, scope: Scope = "population"
) -> Claim:
    """One metric of one contrast. Without an estimate, or with one seed, it stays open."""
    rho = measured.inner(margin)
    if estimate is None:
        lower, upper, value = -math.inf, math.inf, 0.0
    else:
        lower = estimate.interval(levels.lower, scope)[0]
        upper = estimate.interval(levels.upper, scope)[1]
        value = estimate.value
    outcome = claim_outcome(value, lower, upper, margin=rho)
    claim = Claim(
        endpoint=measured,
        margin=margin,
        estimate=estimate,
        levels=levels,
        lower=lower,
        upper=upper,
        outcome=outcome,
        flags=claim_flags(outcome, lower, upper, margin=rho),
        floor=estimate.floor(levels.lower) if estimate and scope == "population" else 0.0,
        needs=needing.claim_needs(estimate, rho, levels, scope) if outcome is Outcome.OPEN else Needs(),
        reason="",
    )
    return replace(claim, reason=words.claim_reason(claim, scope))


def exploratory(source: Source, part: Part, *, alpha: float) -> Outcome:
    """The outcome of a part that nobody declared, by the same rule and gates, for new artists."""
    nobody = Hypothesis(id="exploratory", text="", alpha=alpha, parts=(part,))
    return judge_part(source, nobody, part, scope="population").outcome

"""Verdict cards: as text, as Markdown, and as the JSON of verdicts.json."""

import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

from analysis.report.grids import escaped_markdown
from analysis.verdict import words
from analysis.verdict.intervals import Estimate
from analysis.verdict.judgement import Claim, HypothesisVerdict, Member, PartVerdict
from analysis.verdict.outcomes import Verdict
from analysis.verdict.premises import Premise
from tagsearch.study.endpoints import Endpoint

INDENT = "    "
_TONES: Mapping[Verdict, str] = {
    Verdict.CONFIRMED: "good",
    Verdict.PARTIALLY: "good",
    Verdict.NOT_SUPPORTED: "bad",
    Verdict.REFUTED: "bad",
    Verdict.INCONCLUSIVE: "open",
}


@dataclass(frozen=True, kw_only=True)
class Card:
    """A verdict as a part of a page, see `sections`."""

    kind: ClassVar[str] = "card"
    verdict: HypothesisVerdict
    premises: tuple[Premise, ...] = ()

    @property
    def head(self) -> str:
        return headline(self.verdict)

    @property
    def anchor(self) -> str:
        """Its id on a page; an id has no spaces."""
        return "verdict-" + re.sub(r"\W", "-", self.verdict.id)

    @property
    def tone(self) -> str:
        return _TONES[self.verdict.verdict]

    @property
    def lines(self) -> list[tuple[int, str]]:
        """(depth, sentence), the headline left out."""
        return [*lines(self.verdict)[1:], *((1, premise.line) for premise in self.premises)]

    def plain(self, width: int) -> str:
        """For a terminal of that many columns."""
        wrapped = [
            textwrap.fill(text, width, initial_indent=INDENT * depth, subsequent_indent=INDENT * depth + "  ")
            for depth, text in [(0, self.head), *self.lines]
        ]
        return "\n".join(wrapped)

    def markdown(self) -> str:
        told = [f"{'  ' * (depth - 1)}- {escaped_markdown(text)}" for depth, text in self.lines]
        return "\n".join([f"### {escaped_markdown(self.head)}", "", *told])


def headline(verdict: HypothesisVerdict) -> str:
    return f"{verdict.id}: {standing(verdict)}"


def standing(verdict: HypothesisVerdict) -> str:
    if verdict.basis == "descriptive":
        return f"{verdict.verdict} (grade {verdict.grade}: descriptive, 1 seed)"
    looks = f", look {verdict.look} of {verdict.looks}" if verdict.looks > 1 else ""
    basis = ", exploratory" if verdict.basis == "exploratory" else ""
    return f"{verdict.verdict} (grade {verdict.grade}, alpha {verdict.alpha:g}{looks}{basis})"


def lines(verdict: HypothesisVerdict) -> list[tuple[int, str]]:
    """A card as (depth, sentence)."""
    told = [(0, headline(verdict)), (1, f"“{verdict.text}”"), (1, verdict.reason)]
    for part in verdict.parts:
        told += _part_lines(part)
    if verdict.basis != "exploratory":
        told.append((1, robustness(verdict)))
    if verdict.descriptive:
        told.append((1, f"By the point estimates alone, as if they were exact: {verdict.descriptive} (descriptive)."))
    said = " ".join(text for _, text in told)
    if deviations := [text for text in verdict.deviations if text not in said]:
        told.append((1, f"Deviations from the plan: {'; '.join(deviations)}."))
    if untold := [text for text in verdict.qualifiers if text not in said]:
        told.append((1, f"Beside it: {'; '.join(untold)}."))
    if verdict.next_step:
        told.append((1, f"Next: {verdict.next_step}"))
    return told


def robustness(verdict: HypothesisVerdict) -> str:
    half, double, alone = verdict.other_margins[0.5], verdict.other_margins[2.0], verdict.other_scope
    if verdict.scope == "point":
        return f"With half the margins: {half}; with twice the margins: {double}."
    if {half, double, alone} == {verdict.verdict}:
        return "The verdict is the same on this test set alone, and with half or twice the margins."
    return (
        f"On new artists: {verdict.verdict}; on this test set alone: {alone}. "
        f"With half the margins: {half}; with twice the margins: {double}."
    )


def _part_lines(part: PartVerdict) -> list[tuple[int, str]]:
    told = [(1, f"[{part.outcome}] {words.part_name(part)}: {part.reason}")]
    for member in part.members:
        told += _member_lines(member)
        told += [line for step in member.steps for line in _member_lines(step, before="step ")]
    return told


def _member_lines(member: Member, before: str = "") -> list[tuple[int, str]]:
    name = before + member.contrast.name
    told = [(2, f"[{claim.outcome}] {name}, {claim.reason}") for claim in member.claims]
    return told + ([(2, f"[{member.outcome}] {name}: {member.reason}.")] if member.reason else [])


def to_json(cards: Sequence[Card]) -> list[dict[str, object]]:
    """One object a verdict; infinite numbers become null."""
    return [
        _verdict_json(card.verdict) | {"premises": [_premise_json(premise) for premise in card.premises]}
        for card in cards
    ]


def _premise_json(premise: Premise) -> dict[str, object]:
    return asdict(premise) | {"figures": {name: _finite(value) for name, value in premise.figures.items()}}


def _verdict_json(verdict: HypothesisVerdict) -> dict[str, object]:
    gates = {(gate.id, gate.about): gate for part in verdict.parts for m in part.members for gate in m.gates}
    return {
        "hypothesis": verdict.id,
        "text": verdict.text,
        "verdict": str(verdict.verdict),
        "basis": verdict.basis,
        "grade": verdict.grade,
        "scope": verdict.scope,
        "alpha": verdict.alpha,
        "look": verdict.look,
        "looks": verdict.looks,
        "deviations": list(verdict.deviations),
        "parts": [_part_json(part) for part in verdict.parts],
        "gates": [asdict(gate) for gate in gates.values()],
        "qualifiers": list(verdict.qualifiers),
        "reason": verdict.reason,
        "next": {"seeds": verdict.needs.seeds, "clusters": verdict.needs.artists, "text": verdict.next_step},
        "benchmark_verdict": str(verdict.other_scope),
        "descriptive_verdict": None if verdict.descriptive is None else str(verdict.descriptive),
        "verdict_by_margin_factor": {f"{factor:g}": str(v) for factor, v in verdict.other_margins.items()},
        "spec_sha256": verdict.spec_sha256,
    }


def _part_json(part: PartVerdict) -> dict[str, object]:
    return {
        "id": part.id,
        "role": part.role,
        "kind": part.kind,
        "at_least": part.at_least,
        "outcome": str(part.outcome),
        "reason": part.reason,
        "members": [_member_json(member) for member in part.members],
    }


def _member_json(member: Member) -> dict[str, object]:
    return {
        "contrast": member.contrast.name,
        "weights": dict(member.contrast.weights),
        "outcome": str(member.outcome),
        "flags": list(member.flags),
        "reason": member.reason,
        "claims": [_claim_json(claim) for claim in member.claims],
        "steps": [_member_json(step) for step in member.steps],
    }


def _claim_json(claim: Claim) -> dict[str, object]:
    told = {
        "metric": claim.metric,
        "endpoint": claim.endpoint.name,
        "outcome": str(claim.outcome),
        "rho": claim.margin,
        "lo": _finite(claim.endpoint.told(claim.lower)),
        "hi": _finite(claim.endpoint.told(claim.upper)),
        "alpha_lo": claim.levels.lower,
        "alpha_hi": claim.levels.upper,
        "floor": _finite(claim.endpoint.told(claim.floor)),
        "flags": list(claim.flags),
        "reason": claim.reason,
        "next": {"seeds": claim.needs.seeds, "clusters": claim.needs.artists},
    }
    return told | (_estimate_json(claim.estimate, claim.endpoint) if claim.estimate else {"est": None})


def _estimate_json(estimate: Estimate, endpoint: Endpoint) -> dict[str, object]:
    """Effects as they are told; standard errors in the units that the rule works in (see `endpoints`)."""
    return {
        "est": endpoint.told(estimate.value),
        "df": estimate.seed_df,
        "K": estimate.n_seeds,
        "C": estimate.n_clusters,
        "paired": estimate.paired,
        "se_seed": _finite(math.sqrt(estimate.seed_variance)),
        "se_clip": _finite(math.sqrt(estimate.clip_variance)),
        "per_seed": [endpoint.told(one) for one in estimate.per_seed],
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

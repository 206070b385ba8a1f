"""What a verdict is made of.

A hypothesis has parts, a part has members (one arm against its rival), a member has claims (one metric each). Every
level keeps its outcome, its numbers and its reason, so that a verdict can be followed down to the trials.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from analysis.gates import Gate, Grade
from analysis.intervals import Estimate, Scope
from analysis.outcomes import Levels, Outcome, Quantifier, Verdict
from tagsearch.study.schema import Metric

Basis = Literal["inferential", "model", "none"]  # by seeds and artists; of single trained models; no scores yet


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What would decide an open claim: that many seeds an arm, or that many test artists. None: not that."""

    seeds: int | None = None
    artists: int | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`lower` and `upper` are the limits that the rule used, at its own levels."""

    metric: Metric
    margin: float
    estimate: Estimate | None  # None: too few completed trials
    levels: Levels
    lower: float
    upper: float
    outcome: Outcome
    flags: tuple[str, ...]
    floor: float
    needs: Needs
    reason: str


@dataclass(frozen=True, kw_only=True)
class Member:
    arm: str
    than: str
    claims: tuple[Claim, ...]
    gates: tuple[Gate, ...]
    outcome: Outcome
    flags: tuple[str, ...]
    needs: Needs
    reason: str


@dataclass(frozen=True, kw_only=True)
class PartVerdict:
    id: str
    role: Literal["primary", "secondary"]
    quantifier: Quantifier
    members: tuple[Member, ...]
    outcome: Outcome
    needs: Needs
    reason: str


@dataclass(frozen=True, kw_only=True)
class HypothesisVerdict:
    id: str
    text: str
    verdict: Verdict
    basis: Basis
    grade: Grade
    scope: Scope
    alpha: float
    parts: tuple[PartVerdict, ...]
    qualifiers: tuple[str, ...]
    needs: Needs
    reason: str
    next_step: str
    other_scope: Verdict
    other_margins: Mapping[float, Verdict]  # margin factor -> verdict
    spec_sha256: str

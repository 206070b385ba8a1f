"""What a verdict is made of.

A hypothesis has parts, a part has members (one contrast of arms each), a member has claims (one metric each). Every
level keeps its outcome, its numbers and its reason, so that a verdict can be followed down to the trials.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from analysis.verdict.gates import Gate, Grade
from analysis.verdict.intervals import Estimate, Scope
from analysis.verdict.outcomes import Levels, Outcome, Verdict
from tagsearch.study.endpoints import Endpoint
from tagsearch.study.schema import ClaimMetric, Contrast, PartKind

# by seeds and artists; of single trained models; of numbers without their spread; no scores yet; not registered
Basis = Literal["inferential", "model", "descriptive", "none", "exploratory"]


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What would decide an open claim: that many seeds an arm, or that many test artists. None: not that."""

    seeds: int | None = None
    artists: int | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`lower` and `upper` are the limits that the rule used, at its own levels, in the units of `estimate` (see
    `endpoints`); `margin` is as declared."""

    endpoint: Endpoint
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

    @property
    def metric(self) -> ClaimMetric:
        return self.endpoint.metric


@dataclass(frozen=True, kw_only=True)
class Member:
    """`steps`: of a trend or ladder, its neighbours."""

    contrast: Contrast
    claims: tuple[Claim, ...]
    gates: tuple[Gate, ...]
    outcome: Outcome
    flags: tuple[str, ...]
    needs: Needs
    reason: str
    steps: tuple["Member", ...] = ()


@dataclass(frozen=True, kw_only=True)
class PartVerdict:
    id: str
    role: Literal["primary", "secondary"]
    kind: PartKind
    at_least: int
    members: tuple[Member, ...]
    outcome: Outcome
    needs: Needs
    reason: str


@dataclass(frozen=True, kw_only=True)
class HypothesisVerdict:
    """`descriptive`: what the point estimates alone would say, where they are all there is; None elsewhere.
    `deviations`: from what was registered. `look`: which one at the test scores, of how many `looks`; `alpha` is its
    share of what the study declares."""

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
    descriptive: Verdict | None
    spec_sha256: str
    deviations: tuple[str, ...] = ()
    look: int = 1
    looks: int = 1

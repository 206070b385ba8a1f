"""Where the numbers of a verdict come from: a run's trials, or a table of published scores.

The rule in `verdicts` is the same for both; a source gives estimates, says whether they are fit to decide anything, and
how good the evidence is at best.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from analysis.rundata import RunData
from analysis.verdict import deviations as deviating
from analysis.verdict import gates as gating
from analysis.verdict.balance import SMALLEST
from analysis.verdict.deviation import Deviation
from analysis.verdict.evidence import ArmEvidence, Evidence
from analysis.verdict.gates import Gate, Grade
from analysis.verdict.intervals import Estimate
from tagsearch.study.endpoints import Endpoint
from tagsearch.study.schema import Contrast, Hypothesis


class Source(Protocol):
    def estimate(self, contrast: Contrast, endpoint: Endpoint) -> Estimate | None:
        """None where an arm has no score of this endpoint."""

    def gates(self, hypothesis: Hypothesis, contrast: Contrast) -> tuple[Gate, ...]: ...

    def diverged(self, arm: str) -> str:
        """How many of an arm's trials diverged, in words; empty for none."""

    def deviations(self, arms: Sequence[str]) -> tuple[Deviation, ...]:
        """What differs from the registered plan and concerns these arms."""

    def n_seeds(self, arms: Sequence[str]) -> int:
        """Of the arm that has fewest."""

    def grade(self, arms: Sequence[str], gates: Sequence[Gate]) -> Grade: ...

    def shortcomings(self, arms: Sequence[str], gates: Sequence[Gate]) -> tuple[str, ...]:
        """What keeps the grade from being A, each as a clause."""


@dataclass(frozen=True, kw_only=True)
class RunSource:
    """`claim`: id of the hypothesis that is judged."""

    run: RunData
    evidence: Evidence
    claim: str | None = None

    def estimate(self, contrast: Contrast, endpoint: Endpoint) -> Estimate | None:
        """Worked out once: a verdict asks for it at every scope and margin."""
        key = (tuple(contrast.weights.items()), endpoint)
        if key not in self._estimates:
            self._estimates[key] = self.evidence.estimate(contrast, endpoint)
        return self._estimates[key]

    @cached_property
    def _estimates(self) -> dict[tuple[object, Endpoint], Estimate | None]:
        return {}

    def gates(self, hypothesis: Hypothesis, contrast: Contrast) -> tuple[Gate, ...]:
        return gating.check(self.run, self.evidence, hypothesis, contrast)

    def diverged(self, arm: str) -> str:
        found = self.evidence.arms[arm]
        return f"{len(found.diverged)} of {_n_ended(found)} trials of {arm} diverged" if found.diverged else ""

    def deviations(self, arms: Sequence[str]) -> tuple[Deviation, ...]:
        return deviating.concerning(self._deviations, arms, claim=self.claim)

    @cached_property
    def _deviations(self) -> tuple[Deviation, ...]:
        return deviating.find(self.run)

    def n_seeds(self, arms: Sequence[str]) -> int:
        return min(len(self.evidence.arms[arm].seeds) for arm in arms)

    def grade(self, arms: Sequence[str], gates: Sequence[Gate]) -> Grade:
        return deviating.capped(gating.grade(self.evidence, arms, gates), self.deviations(arms))

    def shortcomings(self, arms: Sequence[str], gates: Sequence[Gate]) -> tuple[str, ...]:
        lowering = [one.text for one in self.deviations(arms) if one.cap is not None]
        return (*gating.shortcomings(self.evidence, arms, gates), *lowering)


def _n_ended(arm: ArmEvidence) -> int:
    return len(arm.seeds) + len(arm.diverged) + len(arm.failed)


@dataclass(frozen=True, kw_only=True)
class NumbersSource:
    """Scores without their spread. `values`: arm -> endpoint (see `column`) -> score; `prevalence`: the mean share of
    clips that have a tag, the PR AUC of chance; NaN where it is not known."""

    values: Mapping[str, Mapping[str, float]]
    prevalence: float = math.nan

    def estimate(self, contrast: Contrast, endpoint: Endpoint) -> Estimate | None:
        scores = [self._score(arm, endpoint) for arm in contrast.weights]
        if any(math.isnan(score) for score in scores):
            return None
        exact = sum(weight * score for weight, score in zip(contrast.weights.values(), scores, strict=True))
        value = round(exact, 12)  # .895 - .890 is .005, whatever binary fractions make of it
        return Estimate(
            value=value,
            per_seed=(value,),
            n_seeds=1,
            n_clusters=0,
            paired=False,
            seed_variance=math.inf,
            seed_df=0.0,
            clip_variance=math.nan,
            model_variance=math.nan,
        )

    def _score(self, arm: str, endpoint: Endpoint) -> float:
        """NaN where it is not given."""
        scores = self.values.get(arm, {})
        score = scores.get(column(endpoint), math.nan)
        if endpoint.beyond:
            score -= scores.get(column(Endpoint(metric=endpoint.metric, tags=endpoint.beyond)), math.nan)
        return -math.log(max(score, SMALLEST)) if endpoint.metric == "balance" else score  # NaN stays NaN

    def gates(self, hypothesis: Hypothesis, contrast: Contrast) -> tuple[Gate, ...]:
        found = [self._trained(arm) for arm in contrast.weights]
        if hypothesis.check:
            text = f"the check by {hypothesis.check} is not among the numbers"
            found.append(Gate(id="G3", about=contrast.name, passed=False, blocks="refuted", text=text))
        return tuple(found)

    def _trained(self, arm: str) -> Gate:
        scores = self.values.get(arm, {})
        roc, pr = (scores.get(metric, math.nan) for metric in ("roc_auc", "pr_auc"))
        text = gating.untrained(arm, roc=roc, lower=roc, pr=pr, prevalence=self.prevalence)
        return Gate(id="G1", about=arm, passed=not text, blocks="refuted", text=text)

    def diverged(self, arm: str) -> str:
        return ""

    def deviations(self, arms: Sequence[str]) -> tuple[Deviation, ...]:
        return ()

    def n_seeds(self, arms: Sequence[str]) -> int:
        return 1

    def grade(self, arms: Sequence[str], gates: Sequence[Gate]) -> Grade:
        return "D"

    def shortcomings(self, arms: Sequence[str], gates: Sequence[Gate]) -> tuple[str, ...]:
        return ()  # everything does


def column(endpoint: Endpoint) -> str:
    """The name of an endpoint in a table of numbers: "roc_auc", "tail/pr_auc", "jsd". Endpoints of named tags or of
    snapshots have none: empty."""
    if not isinstance(endpoint.tags, str) or endpoint.checkpoint != "final":
        return ""
    if endpoint.metric == "balance":
        return "jsd"
    return endpoint.metric if endpoint.tags == "all" else f"{endpoint.tags}/{endpoint.metric}"

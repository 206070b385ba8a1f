"""Is a comparison fit to decide anything? Five gates for the arms of a contrast, and the grade of a hypothesis.

G1 trained    ROC AUC above .5 beyond doubt, PR AUC above 1.5 x prevalence, no trial diverged   guards "Refuted"
G2 budget     all drew as many training clips and as much audio, within 5 %                     else the part is "?"
G3 check      where a hypothesis declares one: the arms did change what they are said to        guards "Refuted"
G4 tuning     all were tuned with the same number of trials                                     guards "Refuted"
G5 complete   every planned seed has ended without an error                                     else the part is "?"
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.rundata import RunData
from analysis.verdict import intervals
from analysis.verdict.evidence import ArmEvidence, Evidence
from analysis.verdict.intervals import Sample, Scope
from tagsearch.records import State, Trial
from tagsearch.study.schema import Check, Contrast, Hypothesis, Study

ABOVE_CHANCE = 1.5  # x prevalence, for the PR AUC
BUDGET_TOLERANCE = 0.05
GRADE_A_SEEDS, GRADE_B_SEEDS = 5, 3
Grade = Literal["A", "B", "C", "D"]
_MEASURE_OF: dict[Check, str] = {"silhouette": "silhouette_after"}


@dataclass(frozen=True, kw_only=True)
class Gate:
    """`blocks`: what a failed gate rules out. `text`: why it failed, or a note where it passed with one."""

    id: str
    about: str  # arms
    passed: bool
    blocks: Literal["refuted", "outcome"]
    text: str = ""


def check(run: RunData, evidence: Evidence, hypothesis: Hypothesis, contrast: Contrast) -> tuple[Gate, ...]:
    arms = [evidence.arms[name] for name in contrast.weights]
    return (
        *(trained(arm, prevalence=evidence.split.prevalence, alpha=hypothesis.alpha) for arm in arms),
        equal_budget(run.study, arms),
        *([manipulated(evidence, hypothesis.check, contrast, hypothesis.alpha)] if hypothesis.check else []),
        equal_tuning(run.study, run.tune, list(contrast.weights)),
        complete(arms),
    )


def trained(arm: ArmEvidence, *, prevalence: float, alpha: float) -> Gate:
    def gate(complaint: str) -> Gate:
        return Gate(id="G1", about=arm.name, passed=not complaint, blocks="refuted", text=complaint)

    if arm.diverged:
        n_ended = len(arm.seeds) + len(arm.diverged)
        return gate(f"{len(arm.diverged)} of {n_ended} trials of {arm.name} diverged")
    if not arm.seeds:
        return gate(f"{arm.name} has no completed trial")
    roc, pr = arm.mean("roc_auc"), arm.mean("pr_auc")
    scope: Scope = "population" if roc.n_clusters > 1 else "benchmark"  # one artist says nothing of others
    lower = (roc.interval(alpha, scope) if len(arm.seeds) > 1 else roc.model_interval(alpha))[0]
    return gate(untrained(arm.name, roc=roc.value, lower=lower, pr=pr.value, prevalence=prevalence))


def untrained(name: str, *, roc: float, lower: float, pr: float, prevalence: float) -> str:
    """Why an arm is not shown to be better than chance; empty if it is. `lower`: limit of its ROC AUC."""
    if lower <= 0.5:
        limit = f", from {lower:.3f}" if lower < roc else ""
        return f"{name} is not shown to rank better than chance (ROC AUC {roc:.3f}{limit})"
    if pr <= ABOVE_CHANCE * prevalence:
        return f"the PR AUC of {name}, {pr:.3f}, is hardly above chance ({prevalence:.3f})"
    return ""


def equal_budget(study: Study, arms: Sequence[ArmEvidence]) -> Gate:
    about, excuse = ", ".join(arm.name for arm in arms), _budget_excuse(study, arms)
    clips, audio = _excess(arms, "clips_drawn"), _excess(arms, "audio_seconds")
    if clips == audio:  # as a rule: chunks are of one length
        told = [(clips, "training clips and seconds of audio", excuse)]
    else:
        told = [(clips, "training clips", excuse), (audio, "seconds of audio", excuse or _audio_excuse(arms))]
    found = [(excess, what, why) for excess, what, why in told if excess]
    text = "; ".join(
        f"{excess.high} drew {excess.share} more {what} than {excess.low}{f': {why}' if why else ''}"
        for excess, what, why in found
    )
    return Gate(id="G2", about=about, passed=all(why for *_, why in found), blocks="outcome", text=text)


@dataclass(frozen=True, kw_only=True)
class _Excess:
    """Which arm drew too much more than which."""

    high: str
    low: str
    share: str


def _excess(arms: Sequence[ArmEvidence], name: str) -> _Excess | None:
    """None within the tolerance."""
    low, *_, high = sorted(arms, key=lambda arm: float(getattr(arm, name)))
    drawn = [float(getattr(arm, name)) for arm in (low, high)]
    excess = drawn[1] / drawn[0] - 1 if drawn[0] else 0.0
    return _Excess(high=high.name, low=low.name, share=f"{excess:.0%}") if excess > BUDGET_TOLERANCE else None


def _budget_excuse(study: Study, arms: Sequence[ArmEvidence]) -> str:
    """Why these arms' budgets may differ by declaration; empty if they may not."""
    if len({arm.config.get("epochs") for arm in arms}) > 1:
        if "epochs" in study.factors:
            return "the number of epochs is the factor"
        if study.tune and any(tunable.name == "epochs" for tunable in study.tune.tunables):
            return "the number of epochs was tuned"
        return "the arms declare different numbers of epochs"
    if study.stop.patience is not None or study.stop.min_lr is not None:
        return "the study's stop rule, the same for all arms, ended the trials"
    return ""


def _audio_excuse(arms: Sequence[ArmEvidence]) -> str:
    """The length of a chunk is part of an architecture as published."""
    models = {arm.config.get("model") for arm in arms}
    return (
        "the length of a chunk belongs to the architecture, and architectures are compared" if len(models) > 1 else ""
    )


def manipulated(evidence: Evidence, check: Check, contrast: Contrast, alpha: float) -> Gate:
    """The manipulation check: the measure, too, is higher by this contrast beyond doubt, over seeds."""
    measure = _MEASURE_OF[check]
    arms = [evidence.arms[name] for name in contrast.weights]
    known = [np.isfinite(arm.measures[measure]) for arm in arms]

    def gate(complaint: str) -> Gate:
        return Gate(id="G3", about=contrast.name, passed=not complaint, blocks="refuted", text=complaint)

    if not all(some.any() for some in known):
        return gate(f"the check by {check} was not measured")
    samples = [_measured(arm, arm.measures[measure], some) for arm, some in zip(arms, known, strict=True)]
    estimate = intervals.contrast(samples, list(contrast.weights.values()), paired=False)
    lower, _ = estimate.interval(alpha, "benchmark")
    if lower > 0:
        return gate("")
    shown = f"{estimate.value:+.3f}, from {lower:+.3f}" if math.isfinite(lower) else f"{estimate.value:+.3f}, one seed"
    return gate(f"the {check} of the tags in the embedding is not shown to rise ({contrast.name}: {shown})")


def _measured(arm: ArmEvidence, values: intervals.Floats, some: npt.NDArray[np.bool_]) -> Sample:
    seeds = tuple(seed for seed, is_known in zip(arm.seeds, some, strict=True) if is_known)
    return Sample(seeds=seeds, values=values[some], influence=np.zeros((len(seeds), 2)))


def equal_tuning(study: Study, trials: Sequence[Trial], arms: Sequence[str]) -> Gate:
    def gate(complaint: str) -> Gate:
        return Gate(id="G4", about=", ".join(arms), passed=not complaint, blocks="refuted", text=complaint)

    if study.tune is None:
        return gate("as is: only the factor changed, no arm was tuned")
    if study.design == "search":
        return gate("a pure search tunes its winners, not the arm they are compared with")
    counts = {name: _n_usable(trials, name) for name in arms}
    if len(set(counts.values())) > 1:
        return gate("tuned unequally: " + ", ".join(f"{name} with {n} trials" for name, n in counts.items()))
    return gate("" if any(counts.values()) else "the tune phase has no finished trial")


def _n_usable(trials: Sequence[Trial], arm: str) -> int:
    """Trials that told the search something; a diverged one does."""
    told = (State.COMPLETED, State.STOPPED, State.DIVERGED)
    return sum(trial.spec.arm == arm and trial.state in told for trial in trials)


def complete(arms: Sequence[ArmEvidence]) -> Gate:
    lacking = [_lacking(arm) for arm in arms if arm.missing]
    about = ", ".join(arm.name for arm in arms)
    return Gate(id="G5", about=about, passed=not lacking, blocks="outcome", text="; ".join(lacking))


def _lacking(arm: ArmEvidence) -> str:
    kinds = (("failed", arm.failed), ("not finished", arm.unfinished))
    listed = ", ".join(f"{len(seeds)} {word}" for word, seeds in kinds if seeds)
    return f"{len(arm.missing)} of {len(arm.planned)} seeds of {arm.name} are missing ({listed})"


def grade(evidence: Evidence, arms: Sequence[str], gates: Sequence[Gate]) -> Grade:
    """A: five fresh seeds or more, all arms trained and tuned, clusters known. B: one of these lacks, down to three
    seeds. C: one or two seeds. (D: a table of numbers, see `numbers`.) What differs from the plan may lower it, see
    `deviations`."""
    if _n_seeds(evidence, arms) < GRADE_B_SEEDS:
        return "C"
    return "B" if shortcomings(evidence, arms, gates) else "A"


def shortcomings(evidence: Evidence, arms: Sequence[str], gates: Sequence[Gate]) -> tuple[str, ...]:
    """What keeps the grade from being A, each as a clause."""
    n_seeds = _n_seeds(evidence, arms)
    found = [f"{n_seeds} seeds an arm, and A takes {GRADE_A_SEEDS}"] if n_seeds < GRADE_A_SEEDS else []
    found += ["the test split has a single artist"] if evidence.split.n_artists < 2 else []
    # a gain over chance is no gain over a method
    found += [gate.text for gate in gates if gate.id in ("G1", "G4") and not gate.passed]
    return tuple(dict.fromkeys(found))


def _n_seeds(evidence: Evidence, arms: Sequence[str]) -> int:
    """Of the arm that has fewest; a diverged trial is a result."""
    return min(len(evidence.arms[arm].seeds) + len(evidence.arms[arm].diverged) for arm in arms)

"""Is a comparison fit to decide anything? Four gates for each arm against its rival, and the grade of a hypothesis.

    G1 trained    ROC AUC above .5 beyond doubt, PR AUC above 1.5 x prevalence, no trial diverged   guards "Refuted"
    G2 budget     both drew the same number of training clips, within 5 %                           else the part is "?"
    G4 tuning     both were tuned with the same number of trials                                    guards "Refuted"
    G5 complete   every planned seed has ended without an error                                     else the part is "?"

(G3, a manipulation check, exists only where a hypothesis declares one.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.evidence import ArmEvidence, Evidence
from analysis.rundata import RunData
from tagsearch.records import State, Trial
from tagsearch.study.schema import Study

ABOVE_CHANCE = 1.5  # x prevalence, for the PR AUC
BUDGET_TOLERANCE = 0.05
GRADE_A_SEEDS, GRADE_B_SEEDS = 5, 3
Grade = Literal["A", "B", "C"]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """`blocks`: what a failed gate rules out. `text`: why it failed, or a note where it passed with one."""

    id: str
    about: str  # arms
    passed: bool
    blocks: Literal["refuted", "outcome"]
    text: str = ""


def check(run: RunData, evidence: Evidence, arm: str, than: str, *, alpha: float) -> tuple[Gate, ...]:
    one, other = evidence.arms[arm], evidence.arms[than]
    return (
        trained(one, prevalence=evidence.split.prevalence, alpha=alpha),
        trained(other, prevalence=evidence.split.prevalence, alpha=alpha),
        equal_budget(run.study, one, other),
        equal_tuning(run.study, run.tune, arm, than),
        complete(one, other),
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
    lower = (roc.interval(alpha) if len(arm.seeds) > 1 else roc.model_interval(alpha))[0]
    if lower <= 0.5:
        return gate(f"{arm.name} is not shown to rank better than chance (ROC AUC {roc.value:.3f}, from {lower:.3f})")
    if pr.value <= ABOVE_CHANCE * prevalence:
        return gate(f"the PR AUC of {arm.name}, {pr.value:.3f}, is hardly above chance ({prevalence:.3f})")
    return gate("")


def equal_budget(study: Study, one: ArmEvidence, other: ArmEvidence) -> Gate:
    about = f"{one.name}, {other.name}"
    low, high = sorted((one.clips_drawn, other.clips_drawn))
    excess = high / low - 1 if low else 0.0
    if excess <= BUDGET_TOLERANCE:
        return Gate(id="G2", about=about, passed=True, blocks="outcome")
    more = one if one.clips_drawn == high else other
    text = f"{more.name} drew {excess:.0%} more training clips than {(other if more is one else one).name}"
    if excuse := _budget_excuse(study):
        return Gate(id="G2", about=about, passed=True, blocks="outcome", text=f"{text}: {excuse}")
    return Gate(id="G2", about=about, passed=False, blocks="outcome", text=text)


def _budget_excuse(study: Study) -> str:
    """Why budgets may differ by declaration; empty if they may not."""
    if "epochs" in study.factors:
        return "the number of epochs is the factor"
    if study.tune and any(tunable.name == "epochs" for tunable in study.tune.tunables):
        return "the number of epochs was tuned"
    if study.stop.patience is not None or study.stop.min_lr is not None:
        return "the study's stop rule, the same for all arms, ended the trials"
    if len({arm.config["epochs"] for arm in study.arms}) > 1:
        return "the arms declare different numbers of epochs"
    return ""


def equal_tuning(study: Study, trials: Sequence[Trial], arm: str, than: str) -> Gate:
    def gate(complaint: str) -> Gate:
        return Gate(id="G4", about=f"{arm}, {than}", passed=not complaint, blocks="refuted", text=complaint)

    if study.tune is None:
        return gate("as is: only the factor changed, no arm was tuned")
    if study.design == "search":
        return gate("a pure search tunes its winners, not the arm they are compared with")
    counts = [_n_usable(trials, name) for name in (arm, than)]
    if counts[0] != counts[1]:
        return gate(f"{arm} was tuned with {counts[0]} trials, {than} with {counts[1]}")
    return gate("" if counts[0] else "the tune phase has no finished trial")


def _n_usable(trials: Sequence[Trial], arm: str) -> int:
    """Trials that told the search something; a diverged one does."""
    told = (State.COMPLETED, State.STOPPED, State.DIVERGED)
    return sum(trial.spec.arm == arm and trial.state in told for trial in trials)


def complete(one: ArmEvidence, other: ArmEvidence) -> Gate:
    lacking = [_lacking(arm) for arm in (one, other) if arm.missing]
    about = f"{one.name}, {other.name}"
    return Gate(id="G5", about=about, passed=not lacking, blocks="outcome", text="; ".join(lacking))


def _lacking(arm: ArmEvidence) -> str:
    kinds = (("failed", arm.failed), ("not finished", arm.unfinished))
    listed = ", ".join(f"{len(seeds)} {word}" for word, seeds in kinds if seeds)
    return f"{len(arm.missing)} of {len(arm.planned)} seeds of {arm.name} are missing ({listed})"


def grade(evidence: Evidence, arms: Sequence[str], gates: Sequence[Gate]) -> Grade:
    """A: five fresh seeds or more, tuned, clusters known, nothing added unplanned. B: one of these lacks, down to three
    seeds. C: one or two seeds."""
    n_seeds = min(len(evidence.arms[arm].seeds) + len(evidence.arms[arm].diverged) for arm in arms)
    if n_seeds < GRADE_B_SEEDS:
        return "C"
    tuned = all(gate.passed for gate in gates if gate.id == "G4")
    planned = not any(evidence.arms[arm].extra for arm in arms)
    is_a = n_seeds >= GRADE_A_SEEDS and tuned and planned and evidence.split.n_artists > 1
    return "A" if is_a else "B"

"""Every arm tag by tag, worked out once for all the tables and pictures that show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.rundata import RunData
from analysis.tags.tagwise import Tagwise, arm_tagwise
from analysis.verdict.evidence import Evidence
from tagsearch.errors import AnalysisError
from tagsearch.records import FINAL, State


@dataclass(frozen=True, kw_only=True)
class ArmModels:
    """`arms`: those with readable scores, in the declared order; `notes`: why others are missing."""

    arms: Mapping[str, Tagwise]
    notes: tuple[str, ...] = ()


def arm_models(run: RunData, evidence: Evidence) -> ArmModels:
    """At the final checkpoint."""
    notes: list[str] = []
    arms = {arm: model for arm in evidence.arms if (model := model_of(run, arm, FINAL, notes))}
    return ArmModels(arms=arms, notes=tuple(notes))


def model_of(
    run: RunData, arm: str, checkpoint: str, notes: list[str], *, seeds: Sequence[int] | None = None
) -> Tagwise | None:
    """None where no trial of the arm has such scores; why is noted unless nothing has completed."""
    if not any(trial.spec.arm == arm and trial.state is State.COMPLETED for trial in run.confirm):
        return None
    try:
        return arm_tagwise(run, arm, checkpoint, seeds=seeds)
    except AnalysisError as error:
        notes.append(str(error))
        return None

"""What was to be run and how it ended: the contents of trial.json and record.json."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from tagsearch.registry import OBJECTIVES, Scalar

Config = Mapping[str, Scalar]  # flat: "model", "model.width", "lr", ...
Phase = Literal["tune", "confirm"]
FINAL = "final"  # name of the checkpoint that the study's checkpoint rule chose

HISTORY_COLUMNS = (
    "epoch",
    "train/loss",
    "valid/loss",
    "valid/roc_auc",
    "valid/pr_auc",
    "valid/n_undefined_tags",
    "lr",
    "clips_drawn",  # training chunks drawn in this epoch
    "audio_seconds",  # of audio in them; a clip that was repeated to fill its chunk counts as often as it is heard
    "train_seconds",  # in training steps
    "seconds",  # the whole epoch with its validation
)


MEASURES = (  # of a confirm trial's final checkpoint, see training.measures
    "train_bce",  # mean binary cross-entropy over as many training clips as there are validation clips
    "valid_bce",
    "train_pr_auc",  # macro, over the same clips
    "valid_pr_auc",
    "silhouette_before",  # how far tags are separated in the clips' embeddings, before training and after it
    "silhouette_after",
)


class State(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"  # ran to its full budget, or to the study's own stop rule
    STOPPED = "STOPPED"  # by ASHA
    DIVERGED = "DIVERGED"  # NaN or infinity: a result without a score
    FAILED = "FAILED"  # an error: missing data

    @property
    def is_final(self) -> bool:
        return self not in (State.PENDING, State.RUNNING)


@dataclass(frozen=True, kw_only=True)
class TrialSpec:
    """One training run to be done. `index` is its place among its arm's trials of the phase; `proposal` holds the
    values the search chose for the tunables (they are in `config` too)."""

    phase: Phase
    arm: str
    index: int
    seed: int
    config: Config
    proposal: Config = field(default_factory=dict)

    @property
    def name(self) -> str:
        content = json.dumps([self.phase, self.index, dict(self.config)], sort_keys=True)
        return f"{self.arm}-{hashlib.sha256(content.encode()).hexdigest()[:8]}-s{self.seed}"

    @property
    def epochs(self) -> int:
        return int(self.config["epochs"])


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """How a trial ended. `best` and `last` are objective values; None where there is no score."""

    state: State
    stop_reason: str = ""  # "budget", "asha", "patience", "min_lr", "nan in train/loss", ...
    epochs: int = 0
    seconds: float = 0.0
    best_epoch: int | None = None
    best: float | None = None
    last: float | None = None
    clips_drawn: int = 0
    audio_seconds: float = 0.0
    n_retries: int = 0
    device: str = ""
    tagsearch: str = ""  # the version that trained it
    checkpoints: Mapping[str, int] = field(default_factory=dict)  # checkpoint name -> epoch, as scored in scores.npz
    weights_sha256: Mapping[str, str] = field(default_factory=dict)  # checkpoint name -> hash of its weights file
    scores_sha256: str = ""  # hash of scores.npz; empty where an older tagsearch took none
    measures: Mapping[str, float] = field(default_factory=dict)  # names of MEASURES; confirm only, what is defined


def chosen_epoch(history: Sequence[Mapping[str, float]], *, objective: str, checkpoint: str) -> int:
    """The epoch whose weights are the trial's: under "best" the first with the best objective, under "last" the last.

    `history` must not be empty."""
    if checkpoint == "last":
        return int(history[-1]["epoch"])
    sign = 1 if OBJECTIVES[objective] == "max" else -1
    return int(max(history, key=lambda row: sign * row[objective])["epoch"])


def result_from_history(
    history: Sequence[Mapping[str, float]],
    *,
    objective: str,
    checkpoint: str,
    state: State,
    stop_reason: str,
    **facts: Any,
) -> TrialResult:
    """The result that a trial's history amounts to. A DIVERGED or FAILED trial has no score, nor has an empty history.

    `facts`: further fields of TrialResult (device, n_retries, ...)."""
    scored = bool(history) and state in (State.COMPLETED, State.STOPPED)
    best_epoch = chosen_epoch(history, objective=objective, checkpoint=checkpoint) if scored else None
    return TrialResult(
        state=state,
        stop_reason=stop_reason,
        epochs=len(history),
        seconds=math.fsum(row["seconds"] for row in history),
        best_epoch=best_epoch,
        best=None if best_epoch is None else history[best_epoch - 1][objective],
        last=history[-1][objective] if scored else None,
        clips_drawn=int(sum(row["clips_drawn"] for row in history)),
        audio_seconds=math.fsum(row["audio_seconds"] for row in history),
        **facts,
    )

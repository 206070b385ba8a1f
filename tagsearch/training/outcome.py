"""How a trial ends on disk. Needs no torch, so that the driver can end a trial that it has stopped.

A trial's folder holds `checkpoint.pt` and its predecessor while the trial runs, `weights-<name>.pt` of the checkpoints
that are scored (confirm phase), and `record.json` as soon as it has ended.
"""

from pathlib import Path
from typing import Any

from tagsearch.records import State, TrialResult, read_history, result_from_history, write_result
from tagsearch.training.settings import TrialSettings

CHECKPOINT = "checkpoint.pt"
PREVIOUS_CHECKPOINT = "checkpoint-previous.pt"


def weights_file(folder: Path, name: str) -> Path:
    return folder / f"weights-{name}.pt"


def end_trial(folder: Path, settings: TrialSettings, *, state: State, stop_reason: str, **facts: Any) -> TrialResult:
    """Write the trial's record from its history on disk and remove what only a running trial needs.

    `facts`: further fields of TrialResult."""
    result = result_from_history(
        read_history(folder),
        objective=settings.objective,
        checkpoint=settings.checkpoint,
        state=state,
        stop_reason=stop_reason,
        **facts,
    )
    write_result(folder, result)
    tidy(folder, keep_weights=state is State.COMPLETED)
    return result


def tidy(folder: Path, *, keep_weights: bool) -> None:
    """Remove an ended trial's checkpoints and what a kill left half written, and its weights too where it has no scores
    that they belong to."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)
    for name in (CHECKPOINT, PREVIOUS_CHECKPOINT):
        (folder / name).unlink(missing_ok=True)
    if not keep_weights:
        for path in folder.glob(weights_file(folder, "*").name):
            path.unlink()

"""How each arm's confirm trials were trained: how long, how well they fit, what became of their embeddings.

Nothing here is judged; it is what a discussion of the verdicts needs.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.report.grids import Grid
from analysis.rundata import RunData
from analysis.verdict import words
from analysis.verdict.measured import completed, measured
from analysis.verdict.underfit import end_slope
from tagsearch.records import Trial

Floats = npt.NDArray[np.float64]

NOT_MEASURED = "-"
GAP_NOTE = (
    "CE, cross-entropy, and PR AUC: of the scored checkpoint, on validation and on as many training clips. Gap: "
    "validation minus training. A loss whose scores are no probabilities has a larger CE on both; its PR AUC tells how "
    "well it fits. End slope: gain in the objective per epoch at the end."
)
SILHOUETTE_NOTE = (
    "Silhouette: how much nearer the embeddings of a tag's clips are to each other than to other clips (validation, "
    "cosine, mean over tags, -1 to 1), with the initial and with the trained weights: whether a loss on the embedding "
    "did anything to it."
)
LOST_NOTE = "-: not measured."


def training(run: RunData) -> pd.DataFrame:
    """One row an arm with completed confirm trials, in the declared order. Columns: arm, n_seeds, epochs, best_epoch,
    end_slope, and mean and SD over seeds (NaN for one) of _COLUMNS."""
    rows = []
    for arm in run.study.confirm_arms:
        trials = completed(run, arm)
        if not trials:
            continue
        slope = end_slope(run, arm)
        row = {"arm": arm, "n_seeds": len(trials), "epochs": float(np.mean([len(t.history) for t in trials]))}
        row |= {"best_epoch": slope.best_epoch if slope else np.nan, "end_slope": slope.mean if slope else np.nan}
        for name, values in _values(run, arm, trials).items():
            known = values[np.isfinite(values)]
            row[f"{name}_mean"] = known.mean() if len(known) else np.nan
            row[f"{name}_sd"] = known.std(ddof=1) if len(known) > 1 else np.nan
        rows.append(row)
    return pd.DataFrame(rows, columns=_HEAD)


def _values(run: RunData, arm: str, trials: Sequence[Trial]) -> Mapping[str, Floats]:
    """One value a trial."""
    names = ("train_bce", "valid_bce", "train_pr_auc", "valid_pr_auc", "silhouette_before", "silhouette_after")
    found = {name: measured(run, arm, name) for name in names}
    results = [trial.result for trial in trials if trial.result is not None]
    return found | {
        "gap": found["valid_bce"] - found["train_bce"],
        "audio_hours": np.array([result.audio_seconds / 3600 for result in results]),
        "seconds": np.array([result.seconds for result in results]),
    }


_MEASURES = ("train_bce", "valid_bce", "gap", "train_pr_auc", "valid_pr_auc", "silhouette_before", "silhouette_after")
_COLUMNS = (*_MEASURES, "audio_hours", "seconds")
_HEAD = [
    *("arm", "n_seeds", "epochs", "best_epoch", "end_slope"),
    *(f"{name}_{value}" for name in _COLUMNS for value in ("mean", "sd")),
]


def training_grid(frame: pd.DataFrame) -> Grid:
    """Of a frame with at least one row."""
    rows = tuple(
        (
            str(row["arm"]),
            f"{row['epochs']:.3g}",
            _told(row["best_epoch"], 1),
            _signed(row["end_slope"]),
            *(_mean_sd(row, name) for name in ("train_bce", "valid_bce", "gap")),
            _change(row, "train_pr_auc", "valid_pr_auc"),
            _change(row, "silhouette_before", "silhouette_after"),
            _told(row["audio_hours_mean"], 1),
            _told(row["seconds_mean"], 0),
        )
        for row in frame.to_dict(orient="records")
    )
    is_complete = bool(frame[[f"{name}_mean" for name in _MEASURES]].notna().all(axis=None))
    notes = (GAP_NOTE, SILHOUETTE_NOTE) if is_complete else (GAP_NOTE, SILHOUETTE_NOTE, LOST_NOTE)
    right = (False, *(True for _ in _GRID_HEAD[1:]))
    return Grid(title="Training: mean ± SD over the seeds", head=_GRID_HEAD, rows=rows, right=right, notes=notes)


_GRID_HEAD = (
    *("arm", "epochs", "best epoch", "end slope", "train CE", "valid CE", "CE gap"),
    *("PR AUC train → valid", "silhouette before → after", "audio h", "seconds"),
)


def _told(value: float, digits: int) -> str:
    return NOT_MEASURED if np.isnan(value) else f"{value:,.{digits}f}"


def _signed(value: float) -> str:
    return NOT_MEASURED if np.isnan(value) else f"{value:+.4f}"


def _mean_sd(row: Mapping[object, float], name: str) -> str:
    return words.mean_sd(row[f"{name}_mean"], row[f"{name}_sd"], int(row["n_seeds"]))


def _change(row: Mapping[object, float], before: str, after: str) -> str:
    if np.isnan(row[f"{before}_mean"]) or np.isnan(row[f"{after}_mean"]):
        return NOT_MEASURED
    return f"{row[f'{before}_mean']:.3f} → {_mean_sd(row, after)}"

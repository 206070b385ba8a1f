"""What pictures show, in words from the same data, for those who cannot see them."""

import numpy as np
import pandas as pd

from analysis import words
from analysis.endpoints import METRIC_NAMES
from analysis.rundata import RunData
from analysis.tables import SHORT, Row, rows


def forest(comparison: pd.DataFrame) -> str:
    """Of `tables.comparison`."""
    told = []
    for row in rows(comparison):
        cells = [f"{METRIC_NAMES[metric]} {_difference(row, short)}" for metric, short in SHORT.items()]
        told += [f"{row['arm']}: {', '.join(cells)}"] if np.isfinite(row["roc_lower"]) else []
    return "; ".join(told)


def _difference(row: Row, short: str) -> str:
    return words.with_interval(*(row[f"{short}_{name}"] for name in ("delta", "lower", "upper")))


def learning_curves(run: RunData) -> str:
    """Where the median curve of each arm ends."""
    told = []
    for arm in run.study.confirm_arms:
        trials = [trial for trial in run.confirm if trial.spec.arm == arm and trial.history]
        last = [trial.history[-1].get(run.study.objective, np.nan) for trial in trials]
        known = [value for value in last if np.isfinite(value)]
        if known:
            epochs = float(np.median([len(trial.history) for trial in trials]))
            told.append(f"{arm} ends at {np.median(known):.3f} after {epochs:.0f} epochs")
    return f"Median of {run.study.objective}: {'; '.join(told)}" if told else ""

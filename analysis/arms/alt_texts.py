"""What pictures show, in words from the same data, for those who cannot see them."""

from collections.abc import Sequence

import numpy as np

from analysis.arms.forest_rows import Block, Mark, Row
from analysis.rundata import RunData
from analysis.verdict import words
from tagsearch.study.endpoints import METRIC_NAMES


def forest(blocks: Sequence[Block]) -> str:
    """Of `forest.forest_blocks`: every contrast with an estimate."""
    rows = [row for block in blocks for row in block.rows]
    told = [f"{row.label}: {', '.join(found)}" for row in rows if (found := _marks(row))]
    return "; ".join(told)


def _marks(row: Row) -> list[str]:
    known = {metric: mark for metric, mark in row.marks.items() if np.isfinite(mark.value)}
    return [f"{METRIC_NAMES[metric]} {_mark(mark)}".strip() for metric, mark in known.items()]


def _mark(mark: Mark) -> str:
    sign = f" ({mark.outcome})" if mark.outcome else ""
    if not np.isfinite(mark.outer).all():
        return words.signed(mark.value, 3) + sign
    return words.with_interval(mark.value, *mark.outer) + sign


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

"""Is the baseline under-fitted? Whether its validation objective still improves when its epochs run out.

The slope is that of a least-squares line through the last fifth of a trial's epochs, at least five; the interval is
Student's over the seeds of the confirm phase. One curve alone says nothing: its epochs are not independent.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from analysis.rundata import RunData
from analysis.verdict.measured import completed

TAIL = 0.2  # of the epochs
MIN_TAIL = 5  # epochs; over fewer the slope of one seed is mostly noise
MIN_EPOCHS = 3  # a line through two has no residual
ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class EndSlope:
    """Gain in the objective per epoch at the end of training, positive is better; over `n_seeds` trials."""

    mean: float
    lower: float
    upper: float
    n_seeds: int
    n_epochs: int  # that the slope is taken over
    budget: int  # epochs of a trial
    best_epoch: float  # mean over the seeds


def end_slope(run: RunData, arm: str) -> EndSlope | None:
    """Of the arm's completed confirm trials; None if none of them has enough epochs. One seed has no interval."""
    curves = [_objective(run, trial.history) for trial in completed(run, arm) if len(trial.history) >= MIN_EPOCHS]
    if not curves:
        return None
    slopes = np.array([_slope(curve[-_tail(len(curve)) :]) for curve in curves])
    half = _half_width(slopes)
    best = [int(np.argmax(curve)) + 1 for curve in curves]
    longest = max(map(len, curves))
    return EndSlope(
        mean=float(slopes.mean()),
        lower=float(slopes.mean()) - half,
        upper=float(slopes.mean()) + half,
        n_seeds=len(slopes),
        n_epochs=_tail(longest),
        budget=longest,
        best_epoch=float(np.mean(best)),
    )


def _objective(run: RunData, history: Sequence[Mapping[str, float]]) -> npt.NDArray[np.float64]:
    """Larger is better."""
    sign = 1 if run.study.direction == "max" else -1
    return sign * np.array([row[run.study.objective] for row in history])


def _tail(n_epochs: int) -> int:
    return min(n_epochs, max(MIN_TAIL, math.ceil(TAIL * n_epochs)))


def _slope(values: npt.NDArray[np.float64]) -> float:
    return float(np.polyfit(np.arange(len(values)), values, 1)[0])


def _half_width(slopes: npt.NDArray[np.float64]) -> float:
    n = len(slopes)
    if n < 2:
        return math.inf
    return float(stdtrit(n - 1, 1 - ALPHA / 2) * slopes.std(ddof=1) / math.sqrt(n))

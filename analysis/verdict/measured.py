"""The measures that confirm trials leave in their records (tagsearch.records.MEASURES), by arm."""

import numpy as np
import numpy.typing as npt

from analysis.rundata import RunData
from tagsearch.records import State, Trial


def completed(run: RunData, arm: str) -> tuple[Trial, ...]:
    """The arm's confirm trials that ran to their end."""
    return tuple(trial for trial in run.confirm if trial.spec.arm == arm and trial.state is State.COMPLETED)


def measured(run: RunData, arm: str, name: str) -> npt.NDArray[np.float64]:
    """One value a trial, NaN where it was not measured (a record from before there were measures) or is undefined."""
    results = [trial.result for trial in completed(run, arm)]
    return np.array([result.measures.get(name, np.nan) for result in results if result is not None])


def mean_measured(run: RunData, arm: str, name: str) -> float:
    """Over the trials that have it; NaN if none has."""
    values = measured(run, arm, name)
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")

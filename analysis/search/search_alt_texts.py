"""What the pictures of the tune phase show, in words from the same data, for those who cannot see them."""

import pandas as pd

from analysis.rundata import RunData
from analysis.search import tuning
from tagsearch.records import Trial


def best_of_n(curves: pd.DataFrame) -> str:
    """Of `best_of_n.best_of_n`: where each arm's curve begins and ends."""
    told = [
        f"{arm}: {own['expected'].iloc[0]:.3f} with one, {own['expected'].iloc[-1]:.3f} with {own['n'].iloc[-1]}"
        for arm, own in curves.groupby("arm", sort=False)
    ]
    return "; ".join(told)


def chosen(run: RunData) -> str:
    """The values that each arm chose."""
    told = [_told(run, arm, trial) for arm, trials in tuning.chosen(run).items() for trial in trials]
    return f"Chosen, with its {run.study.objective}: {'; '.join(told)}" if told else ""


def _told(run: RunData, arm: str, trial: Trial) -> str:
    values = ", ".join(f"{name} {tuning.told(value)}" for name, value in trial.spec.proposal.items())
    return f"{arm} {values}, {tuning.reached(run.study, trial):.3f}"

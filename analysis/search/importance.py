"""Which tunables decided whether a trial was among its arm's best: Optuna's PED-ANOVA over the tune phase.

PED-ANOVA (Watanabe et al. 2023, arXiv 2304.10255; with conditional tunables arXiv 2601.20800) asks
how much the distribution of a tunable among the best trials differs from that among all. Only the order of the trials
matters, so stopped trials can be used with what they had reached, and diverged ones as worse than all. A handful of
trials shows differences by chance alone: each importance stands beside what it is when the same scores are dealt to the
trials at random.
"""

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.arms.tables import rows
from analysis.report.grids import Grid
from analysis.rundata import RunData
from analysis.search.tuning import LOG_KINDS, position, reached, tunables, tune_arms
from analysis.verdict.intervals import Floats
from tagsearch.records import State, Trial
from tagsearch.study.schema import Tunable

if TYPE_CHECKING:
    import optuna

FEWEST_TRIALS = 8  # below, no shuffle of the scores can be told from another
FEWEST_BEST = 5  # of the trials are "the best", as Optuna advises: a tenth of them from 50 trials on, never over half
N_SHUFFLES = 19  # to exceed all of them by chance happens once in twenty; a deal takes some milliseconds

NOTE = (
    "Exploratory. Importance: share of what tells the arm's best trials from all its trials (PED-ANOVA). As much by "
    f"chance: in how many of {N_SHUFFLES} deals of the same scores to the trials at random the tunable weighs as much; "
    "unless that is none or one, its importance says nothing. Stopped trials count with what they had reached, "
    "diverged ones as the worst, failed ones not at all."
)


@dataclass(frozen=True, kw_only=True)
class Importances:
    """frame: arm, tunable, n_trials, n_best, importance (shares of 1 within the arm), n_by_chance (shuffles that weigh
    as much, of N_SHUFFLES); the arm's largest first. skipped: why arms are not in it, a sentence a reason."""

    frame: pd.DataFrame
    skipped: tuple[str, ...]


def importances(run: RunData, generator: np.random.Generator) -> Importances:
    """Imports Optuna, which takes a second, when there is an arm it can work on."""
    frames, skipped = [], dict[str, list[str]]()
    for arm in tune_arms(run):
        trials = [trial for trial in run.tune if trial.spec.arm == arm and trial.state in _TOLD]
        costs = _costs(run, trials)
        reason = _unfit(run, trials, costs)
        if reason:
            skipped.setdefault(reason, []).append(arm)
        else:
            frames.append(_weigh(run, trials, costs, generator).assign(arm=arm))
    columns = ["arm", "tunable", "n_trials", "n_best", "importance", "n_by_chance"]
    frame = pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)
    return Importances(frame=frame, skipped=tuple(f"{', '.join(arms)}: {reason}" for reason, arms in skipped.items()))


_TOLD = (State.COMPLETED, State.STOPPED, State.DIVERGED)


def _costs(run: RunData, trials: list[Trial]) -> Floats:
    """(n_trials,): lower is better; a trial without a score is worse than all others."""
    sign = -1.0 if run.study.direction == "max" else 1.0
    costs = np.array([sign * reached(run.study, trial) for trial in trials])
    worst = np.nanmax(costs) if np.isfinite(costs).any() else 0.0
    return np.where(np.isfinite(costs), costs, worst + 1.0)


def _unfit(run: RunData, trials: list[Trial], costs: Floats) -> str:
    """Why nothing can be told; empty if it can."""
    names = {name for trial in trials for name in trial.spec.proposal}
    outside = sorted({one.name for one in tunables(run.study) for trial in trials if not _is_inside(one, trial)})
    if len(trials) < FEWEST_TRIALS:
        return f"{len(trials)} trials have ended, importance needs {FEWEST_TRIALS} or more."
    if len(names) < 2:
        return "it takes two tunables to weigh one against the other."
    if len(set(costs.tolist())) < 2:
        return "all trials scored the same."
    if outside:
        return f"values of {', '.join(outside)} lie outside the declared range."
    return ""


def _is_inside(one: Tunable, trial: Trial) -> bool:
    if one.name not in trial.spec.proposal:
        return True
    value = trial.spec.proposal[one.name]
    return value in one.choices if one.kind == "choice" else 0 <= position(one, value) <= 1


def _weigh(run: RunData, trials: list[Trial], costs: Floats, generator: np.random.Generator) -> pd.DataFrame:
    n_best = min(max(FEWEST_BEST, math.ceil(len(trials) / 10)), len(trials) // 2)
    with _quiet_optuna():
        weigh = _weigher(run, trials, n_best=n_best)
        found = weigh(costs)
        shuffled = [weigh(generator.permutation(costs)) for _ in range(N_SHUFFLES)]
    total = sum(found.values())
    told = [
        {
            "tunable": name,
            "importance": weight / total if total else 0.0,
            "n_by_chance": sum(one[name] >= weight for one in shuffled),
        }
        for name, weight in sorted(found.items(), key=lambda item: (-item[1], item[0]))
    ]
    return pd.DataFrame(told).assign(n_trials=len(trials), n_best=n_best)


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Optuna greets every study and warns of few trials; the first is noise, the second is told with the table."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(level)


def _weigher(run: RunData, trials: list[Trial], *, n_best: int) -> Callable[[Floats], dict[str, float]]:
    """From the costs of the trials to the weight of each tunable, not normalized."""
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    distributions = {one.name: _distribution(one) for one in tunables(run.study)}
    study = optuna.create_study(direction="minimize")
    for trial in trials:
        params = dict(trial.spec.proposal)
        study.add_trial(
            optuna.create_trial(params=params, distributions={name: distributions[name] for name in params}, value=0.0)
        )
    evaluator = PedAnovaImportanceEvaluator(target_quantile=n_best / len(trials))

    def weigh(costs: Floats) -> dict[str, float]:
        def cost(trial: optuna.trial.FrozenTrial) -> float:
            return float(costs[trial.number])

        return get_param_importances(study, evaluator=evaluator, target=cost, normalize=False)

    return weigh


def _distribution(one: Tunable) -> "optuna.distributions.BaseDistribution":
    from optuna import distributions

    is_log = one.kind in LOG_KINDS
    if one.kind == "choice":
        return distributions.CategoricalDistribution(one.choices)
    if one.kind in ("uniform", "loguniform"):
        return distributions.FloatDistribution(one.low, one.high, log=is_log)
    return distributions.IntDistribution(int(one.low), int(one.high) - 1, log=is_log)  # the upper end is excluded


# --- as text ---------------------------------------------------------------------------------------------------------


def importance_grid(frame: pd.DataFrame) -> Grid:
    return Grid(
        title="Which tunables mattered",
        head=("arm", "tunable", "best trials", "importance", "as much by chance"),
        rows=tuple(
            (
                row["arm"],
                row["tunable"],
                f"{row['n_best']} of {row['n_trials']}",
                f"{row['importance']:.0%}",
                f"{row['n_by_chance']} of {N_SHUFFLES}",
            )
            for row in rows(frame)
        ),
        right=(False, False, True, True, True),
        notes=(NOTE,),
    )

"""How good an arm gets with n trials: the expected best of n, for every n up to the trials it had.

The best of more trials is better by itself; curves over n compare arms at equal effort, and show whether one was still
rising when the budget ended. The estimator is the mean of the best over all subsets of n of the N trials (drawn without
replacement): E = sum_i v_(i) C(i-1, n-1) / C(N, n) over the sorted values. It is unbiased; the one of Dodge et al. 2019
("Show your work", arXiv 1909.03004) draws with replacement and is not, as Tang et al. 2020 (arXiv 2004.13705) show.
At n = N it is the best trial itself: the right end of a curve rests on few trials.

How far a search is luck: `luck` gives the quartiles of the best of n fresh trials, were trials distributed as the N are
(drawn with replacement). It describes; a confidence band of N trials would span nearly the whole range of scores, and
none knows what lies above the best.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import gammaln

from analysis.rundata import RunData
from analysis.search.tuning import tune_arms, tune_trials
from tagsearch.records import State

Floats = npt.NDArray[np.float64]
_COLUMNS = ["arm", "n", "expected", "low", "high"]


def expected_best(values: npt.ArrayLike, direction: Literal["max", "min"]) -> Floats:
    """Expected best of 1, 2, ..., N of the N values, drawn without replacement. `values`: (N,), finite."""
    sign = 1.0 if direction == "max" else -1.0
    rising = np.sort(sign * np.asarray(values, dtype=np.float64))
    n_all = len(rising)
    expected = np.empty(n_all)
    for n in range(1, n_all + 1):
        ranks = np.arange(n, n_all + 1)  # the best of n has at least n - 1 below it
        weights = np.exp(_log_choose(ranks - 1, n - 1) - _log_choose(n_all, n))
        expected[n - 1] = weights @ rising[n - 1 :]
    return sign * expected


def luck(values: npt.ArrayLike, direction: Literal["max", "min"]) -> Floats:
    """(2, N): the lower and upper quartile of the best of 1, 2, ..., N trials drawn with replacement from the N values.
    `values`: (N,), finite."""
    sign = 1.0 if direction == "max" else -1.0
    rising = np.sort(sign * np.asarray(values, dtype=np.float64))
    n_all = len(rising)
    shares = np.arange(1, n_all + 1) / n_all  # of the trials that are no better
    quartiles = [[rising[np.searchsorted(shares**n, q)] for n in range(1, n_all + 1)] for q in (0.25, 0.75)]
    return np.sort(sign * np.array(quartiles), axis=0)


def _log_choose(n: npt.ArrayLike, k: int) -> Floats:
    n = np.asarray(n, dtype=np.float64)
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def best_of_n(run: RunData) -> pd.DataFrame:
    """Columns arm, n, expected (the objective on validation), low and high (see `luck`); arms without a scored trial
    are left out.

    A stopped trial counts with what it had reached. A diverged one was a trial too: it counts as the worst value that
    any trial of the phase reached. Failed ones and those not ended are left out."""
    frame = tune_trials(run)
    if frame.empty or frame["value"].isna().all():
        return pd.DataFrame(columns=_COLUMNS)
    worst = frame["value"].min() if run.study.direction == "max" else frame["value"].max()
    counted = frame[frame["value"].notna() | (frame["state"] == str(State.DIVERGED))]
    curves = []
    for arm in tune_arms(run):
        values = counted.loc[counted["arm"] == arm, "value"]
        if values.notna().any():
            known = values.fillna(worst).to_numpy()
            expected, (low, high) = expected_best(known, run.study.direction), luck(known, run.study.direction)
            columns = (arm, np.arange(1, len(known) + 1), expected, low, high)
            curves.append(pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True))))
    return pd.concat(curves, ignore_index=True)

"""How much early stopping saves: the epochs to expect of an arm under ASHA.

Trials are taken to be exchangeable: the k-th to reach a rung goes on if it is not below the (1 - 1/rf) quantile of the
k - 1 before it (Li et al. 2020, arXiv:1810.05934; Ray Tune's AsyncHyperBandScheduler), the first always.
"""

from math import ceil

from tagsearch.study.schema import Asha


def expected_epochs(n_trials: float, budget: int, asha: Asha | None) -> float:
    """Epochs that `n_trials` trials of one arm and budget train in all, on average, if none is better than another."""
    if asha is None:
        return n_trials * budget
    total, n, before = 0.0, n_trials, 0
    for rung in (*asha.rungs(budget), budget):
        total += n * (rung - before)
        n, before = _expected_survivors(n, asha.reduction_factor), rung
    return total


def _expected_survivors(n: float, reduction_factor: int) -> float:
    """The k-th arrival passes with probability ((k - 2) / rf + 1) / k: the share of ranks among k not below the
    interpolated (1 - 1/rf) quantile of the other k - 1."""
    passes = [1.0] + [((k - 2) / reduction_factor + 1) / k for k in range(2, ceil(n) + 1)]
    whole = int(n)
    rest = (n - whole) * passes[whole] if n > whole else 0.0
    return sum(passes[:whole]) + rest

"""p-values of contrasts, by inverting their interval: the smallest alpha at which it leaves 0 out.

So a p-value and an interval never disagree, and it reads like any other: with one source of uncertainty it is that of
the t test. The half width falls as alpha rises, so the alpha at which it equals the estimate is found by bisection, for
all contrasts at once.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from analysis.verdict.intervals import Estimate, Floats, Scope

SMALLEST = 1e-100  # what lies below is told as this; further down the quantiles of t fail
N_HALVINGS = 60  # of the range of log p: exact to 1e-15


def p_values(estimates: Sequence[Estimate], scope: Scope = "population") -> Floats:
    """Two-sided, (n_estimates,); NaN where there is no interval: one seed, or one test cluster at scope population."""
    sizes = np.array([abs(one.value) for one in estimates])
    variances = np.array(
        [[one.seed_variance, one.clip_variance if scope == "population" else 0.0] for one in estimates]
    )
    df = np.array([[one.seed_df, max(1.0, one.cluster_df)] for one in estimates])
    is_known = np.isfinite(variances).all(axis=1) if len(estimates) else np.zeros(0, dtype=np.bool_)
    found = np.full(len(estimates), np.nan)
    found[is_known] = _invert(sizes[is_known], np.sqrt(variances[is_known]), df[is_known])
    return found


def _invert(sizes: Floats, errors: Floats, df: Floats) -> Floats:
    """`errors`: (n, 2), the standard errors of both sources; `df`: theirs."""
    low, high = np.full(len(sizes), np.log(SMALLEST)), np.zeros(len(sizes))
    for _ in range(N_HALVINGS):
        middle = (low + high) / 2
        squared = ((stdtrit(df, np.exp(middle)[:, None] / 2) * errors) ** 2).sum(axis=1)  # of the half widths
        holds_zero = squared >= sizes**2
        low, high = np.where(holds_zero, middle, low), np.where(holds_zero, high, middle)
    return np.exp(high)


def false_discovery(p: Floats) -> Floats:
    """The p-values adjusted by Benjamini & Hochberg 1995, (n,): below q where at most that share of those marked is
    expected to be false. NaN stays NaN and counts as no test."""
    from scipy.stats import false_discovery_control  # half a second to import: only where it is used

    is_known: npt.NDArray[np.bool_] = ~np.isnan(p)
    adjusted = np.full(len(p), np.nan)
    if is_known.any():
        adjusted[is_known] = false_discovery_control(p[is_known])
    return adjusted

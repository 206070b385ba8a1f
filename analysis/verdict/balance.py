"""How evenly a model hands out tags: the Jensen-Shannon divergence between the shares of predicted and annotated tags.

A tag is predicted where its score lies above the one threshold at which, on validation, as many tags are predicted as
are annotated (see tagwise). 0 bits: the same shares; 1 bit: no tag in common, and by agreement also where nothing is
predicted. The derivative by clip weights takes the threshold as given, since validation fixes it.
"""

import numpy as np
import numpy.typing as npt

from analysis.verdict.ranks import Floats

SMALLEST = 1e-9  # bits; keeps the logarithm finite where the shares agree exactly


def divergence(annotated: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[float, Floats]:
    """From 0/1 matrices (n_clips, n_tags), the value in bits and its derivative by the weight of every clip (n_clips,).

    With p, q the shares and m their mean, J = (sum p log2(p/m) + sum q log2(q/m)) / 2 and dJ/dp = log2(p/m) / 2 (Lin
    1991; the derivatives of m cancel)."""
    tables = [np.asarray(one, dtype=np.float64) for one in (annotated, predicted)]
    if any(table.sum() == 0 for table in tables):
        return 1.0, np.zeros(len(tables[0]))
    shares = [table.sum(axis=0) / table.sum() for table in tables]
    middle = (shares[0] + shares[1]) / 2
    value, gradient = 0.0, np.zeros(len(tables[0]))
    for table, share in zip(tables, shares, strict=True):
        surprise = np.zeros(len(share))
        some = share > 0
        surprise[some] = np.log2(share[some] / middle[some])
        value += float(share @ surprise) / 2
        gradient += (table @ surprise - table.sum(axis=1) * (share @ surprise)) / (2 * table.sum())
    return max(value, SMALLEST), gradient


def log_evenness(annotated: npt.ArrayLike, predicted: npt.ArrayLike) -> tuple[float, Floats]:
    """-ln of the divergence and its derivatives: larger is better, and a difference is the logarithm of a ratio."""
    value, gradient = divergence(annotated, predicted)
    return -float(np.log(value)), -gradient / value

"""Measures of imbalance and of rarity. Counts are positives per tag; every function is the formula of its source."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.integer]

MIN_POSITIVES = 10  # fewer, and one artist decides the tag's score
TYPICAL_AUC = 0.8  # of a tag, where its standard error is judged
MAX_ERROR = 0.05  # of a tag's ROC AUC: beyond it, its 95 % interval is wider than from "poor" to "good"


@dataclass(frozen=True, kw_only=True)
class Imbalance:
    """Of the training split. Tags without a positive have no ratio and are left out. NaN where there are no tags.

    mean_ir, max_ir, cvir: mean, largest and coefficient of variation of IRLbl. scumble: see there."""

    largest: int
    smallest: int
    mean_ir: float
    max_ir: float
    cvir: float
    scumble: float
    gini: float
    n_tags: int  # with a positive


def imbalance_of(labels: npt.NDArray[np.uint8]) -> Imbalance:
    """`labels`: (n_clips, n_tags)."""
    counts = labels.sum(axis=0, dtype=np.int64)
    ratios = irlbl(counts)
    known = ratios[np.isfinite(ratios)]
    some = known.size > 0
    return Imbalance(
        largest=int(counts.max(initial=0)),
        smallest=int(counts[counts > 0].min()) if some else 0,
        mean_ir=float(known.mean()) if some else np.nan,
        max_ir=float(known.max()) if some else np.nan,
        cvir=float(known.std(ddof=1) / known.mean()) if known.size > 1 else np.nan,
        scumble=scumble(labels),
        gini=gini(counts),
        n_tags=int(known.size),
    )


def irlbl(counts: Counts) -> Floats:
    """Imbalance ratio per label: positives of the most frequent tag over those of each tag; NaN without any.

    Charte, Rivera, del Jesus & Herrera 2015, Neurocomputing 163."""
    return ratio(counts.max(initial=0), counts)


def scumble(labels: npt.NDArray[np.uint8]) -> float:
    """Score of concurrence among imbalanced labels, from 0 (only tags of like frequency meet on a clip) to 1: mean over
    clips of 1 - geometric / arithmetic mean of the IRLbl of the clip's tags; 0 for a clip without tags, as in the
    authors' own package mldr. Charte, Rivera, del Jesus & Herrera 2014, HAIS (the Atkinson index of IRLbl)."""
    if not labels.any():
        return np.nan
    ratios = np.nan_to_num(irlbl(labels.sum(axis=0, dtype=np.int64)), nan=1.0)
    n_tags = labels.sum(axis=1)
    present = labels[n_tags > 0].astype(np.float64)
    n_present = n_tags[n_tags > 0]
    geometric = np.exp(present @ np.log(ratios) / n_present)
    arithmetic = present @ ratios / n_present
    return float((1 - geometric / arithmetic).sum() / len(labels))


def gini(counts: Counts) -> float:
    """Gini coefficient of the counts: 0 when all tags are as frequent; NaN when there is nothing to share."""
    if counts.sum() == 0:
        return np.nan
    rising = np.sort(counts)
    n = len(rising)
    return float((2 * np.arange(1, n + 1) - n - 1) @ rising / (n * rising.sum()))


def auc_error(n_positives: Counts, n_negatives: Counts, auc: float = TYPICAL_AUC) -> Floats:
    """Standard error of a ROC AUC for independent clips (those of one artist are not: it is a lower bound); NaN where
    it is undefined. Hanley & McNeil 1982, Radiology 143."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (n_positives - 1) * (q1 - auc**2) + (n_negatives - 1) * (q2 - auc**2)
    return np.asarray(np.sqrt(ratio(spread, n_positives * n_negatives)))


def ratio(parts: npt.ArrayLike, wholes: npt.ArrayLike) -> Floats:
    """parts / wholes, NaN where the whole is not above 0."""
    below = np.asarray(wholes, dtype=np.float64)
    return np.asarray(np.divide(parts, below, out=np.full(below.shape, np.nan), where=below > 0), dtype=np.float64)

"""Per-tag ranking metrics over clips, for all tags from one sort.

Conventions: scores are anything that ranks (logits or probabilities), (n_clips, n_tags), higher means likelier; labels
are 0 or 1 of the same shape; results are float64 (n_tags,), fractions, NaN where a tag is undefined: both metrics need
a positive clip, ROC AUC a negative one too. Ties are exact: tied clips share one threshold, as in scikit-learn's
roc_auc_score and average_precision_score, whose values these are (average precision is the sum over thresholds of
precision times the step in recall, not the trapezoid under the curve).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """ROC AUC and PR AUC (average precision) per tag; (n_tags,), NaN where undefined."""

    roc_auc: Floats
    pr_auc: Floats


def per_tag_metrics(scores: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> Metrics:
    """Scores must be finite (their ranking would be meaningless)."""
    assert scores.shape == labels.shape
    assert np.isfinite(scores).all()
    n_clips = len(scores)
    order = np.argsort(-scores.T, axis=1)  # (n_tags, n_clips), best first
    ranked = np.take_along_axis(scores.T, order, axis=1)
    hits = np.take_along_axis(labels.T, order, axis=1).astype(np.float64)
    hits_so_far = hits.cumsum(axis=1)
    misses_so_far = np.arange(1, n_clips + 1) - hits_so_far

    first, last = _tie_edges(ranked)
    hits_here = np.take_along_axis(hits_so_far, last, axis=1)  # at the threshold that each clip shares with its ties
    misses_here = np.take_along_axis(misses_so_far, last, axis=1)
    misses_above = np.take_along_axis(misses_so_far - (1 - hits), first, axis=1)

    n_positive = hits_so_far[:, -1]
    n_negative = n_clips - n_positive
    precision = hits_here / (hits_here + misses_here)
    negatives_beaten = n_negative[:, None] - (misses_above + misses_here) / 2  # a tie counts half
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 is the NaN of an undefined tag
        return Metrics(
            roc_auc=(hits * negatives_beaten).sum(axis=1) / (n_positive * n_negative),
            pr_auc=(hits * precision).sum(axis=1) / n_positive,
        )


def _tie_edges(ranked: npt.NDArray[np.floating]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For every place of every row, the first and the last place with the same value."""
    n_tags, n_clips = ranked.shape
    places = np.arange(n_clips)
    changes = ranked[:, 1:] != ranked[:, :-1]
    border = np.ones((n_tags, 1), dtype=bool)
    begins = np.where(np.hstack([border, changes]), places, 0)
    ends = np.where(np.hstack([changes, border]), places, n_clips)
    return np.maximum.accumulate(begins, axis=1), np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]


def macro(values: Floats) -> tuple[float, int]:
    """Mean over the tags where the metric is defined (NaN if nowhere), and the number of tags where it is not."""
    defined = values[np.isfinite(values)]
    mean = float(defined.mean()) if len(defined) else float("nan")
    return mean, len(values) - len(defined)

"""ROC AUC and average precision of every tag from one sort, and their derivatives by the weight of each clip.

Conventions: scores are real numbers, larger = more likely (logits or probabilities alike); scores and labels are
(n_clips, n_tags), every tag with at least one positive and one negative clip (see `defined_tags`). The last axis of a
result is METRICS: ROC AUC, PR AUC. PR AUC is average precision, the step-wise sum of scikit-learn. Ties are exact:
clips with equal scores share one threshold. Clip weights multiply a clip's count, as scikit-learn's sample_weight does.

The derivatives are the infinitesimal jackknife: for the ROC AUC the placements of DeLong et al. 1988; for the average
precision those of AP = sum over thresholds h of P_h TP_h / R_h / W+, with W+ the weight of all positives, P_h that of
the positives at threshold h, TP_h and R_h those of the positives and of all clips at or above it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tagsearch.errors import AnalysisError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class TagPlan:
    """One tag's clips sorted by falling score, cut into groups of equal score."""

    order: Ints  # (n_clips,) clip at each place
    positive: Floats  # (n_clips,) 1.0 where the clip at this place has the tag
    starts: Ints  # (n_groups,) first place of each group
    group: Ints  # (n_clips,) group of each place


@dataclass(frozen=True, kw_only=True)
class RankPlan:
    tags: tuple[TagPlan, ...]
    n_clips: int


def defined_tags(labels: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which tags have both a positive and a negative clip, so that both metrics exist; (n_tags,)."""
    counts = np.asarray(labels).sum(axis=0, dtype=np.int64)
    defined: npt.NDArray[np.bool_] = (counts > 0) & (counts < len(np.asarray(labels)))
    return defined


def plan(scores: npt.ArrayLike, labels: npt.ArrayLike) -> RankPlan:
    """Sort every tag once. Raises AnalysisError for NaN scores, unequal shapes or a tag that is not defined."""
    score, label = np.asarray(scores), np.asarray(labels)
    if score.shape != label.shape or score.ndim != 2:
        raise AnalysisError(f"scores and labels must both be (clips, tags), not {score.shape} and {label.shape}")
    if np.isnan(score).any():
        raise AnalysisError(f"scores must be numbers; {int(np.isnan(score).sum())} of {score.size} are NaN")
    if not defined_tags(label).all():
        tag = int(np.flatnonzero(~defined_tags(label))[0])
        raise AnalysisError(f"every tag needs a positive and a negative clip; tag number {tag} lacks one")
    return RankPlan(tags=tuple(map(_plan_tag, score.T, label.T)), n_clips=len(score))


def _plan_tag(scores: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> TagPlan:
    order = np.argsort(-scores, kind="stable")
    is_first = np.diff(scores[order], prepend=np.nan) != 0  # NaN != 0: the first place begins a group
    return TagPlan(
        order=order,
        positive=labels[order].astype(np.float64),
        starts=np.flatnonzero(is_first),
        group=np.cumsum(is_first) - 1,
    )


def values_and_gradients(ranks: RankPlan) -> tuple[Floats, Floats]:
    """The metrics of every tag (n_tags, 2), and their derivatives by every clip's weight (n_clips, n_tags, 2)."""
    values = np.empty((len(ranks.tags), 2))
    gradients = np.empty((ranks.n_clips, len(ranks.tags), 2))
    for t, tag in enumerate(ranks.tags):
        gradients[tag.order, t, 0], values[t, 0] = _roc(tag)
        gradients[tag.order, t, 1], values[t, 1] = _average_precision(tag)
    return values, gradients


def _counts(tag: TagPlan) -> tuple[Floats, Floats]:
    """Positives and negatives in each group of equal score."""
    positives = np.add.reduceat(tag.positive, tag.starts)
    return positives, np.add.reduceat(1.0 - tag.positive, tag.starts)


def _roc(tag: TagPlan) -> tuple[Floats, float]:
    positives, negatives = _counts(tag)
    n_pos, n_neg = positives.sum(), negatives.sum()
    beaten = (n_neg - np.cumsum(negatives) + negatives / 2) / n_neg  # share of the negatives that a positive here beats
    beating = (np.cumsum(positives) - positives / 2) / n_pos  # share of the positives that beat a negative here
    value = float(positives @ beaten / n_pos)
    is_positive = tag.positive == 1.0
    gradient = np.where(is_positive, (beaten[tag.group] - value) / n_pos, (beating[tag.group] - value) / n_neg)
    return gradient, value


def _average_precision(tag: TagPlan) -> tuple[Floats, float]:
    positives, negatives = _counts(tag)
    n_pos, hits, false_alarms = positives.sum(), np.cumsum(positives), np.cumsum(negatives)
    retrieved = hits + false_alarms
    precision = hits / retrieved
    value = float(positives @ precision / n_pos)
    # a clip's weight enters every threshold at or below its score
    lift = _sum_from_here(positives * false_alarms / retrieved**2)
    drag = _sum_from_here(positives * hits / retrieved**2)
    of_positive, of_negative = precision - value + lift, -drag
    gradient = np.where(tag.positive == 1.0, of_positive[tag.group], of_negative[tag.group]) / n_pos
    return gradient, value


def _sum_from_here(x: Floats) -> Floats:
    return np.asarray(np.cumsum(x[::-1])[::-1])


def cluster_sums(gradients: Floats, clusters: npt.ArrayLike) -> Floats:
    """Sum the derivatives (n_clips, ...) over the clips of each cluster: (n_clusters, ...), clusters by rising id."""
    ids = np.asarray(clusters)
    order = np.argsort(ids, kind="stable")
    starts = np.flatnonzero(np.diff(ids[order], prepend=ids[order[0]] - 1))
    return np.asarray(np.add.reduceat(gradients[order], starts, axis=0))


def weighted_scores(ranks: RankPlan, weights: npt.ArrayLike) -> Floats:
    """The exact metrics under clip weights (n_clips, n_draws): (n_draws, n_tags, 2); NaN where a draw leaves a tag
    without weight on its positives or negatives. A check of the derivatives, and the bootstrap's engine."""
    weight = np.asarray(weights, dtype=np.float64)
    return np.stack([_weighted_tag(tag, weight) for tag in ranks.tags], axis=1)


def _weighted_tag(tag: TagPlan, weight: Floats) -> Floats:
    """Only thresholds with a positive count, so negatives are summed between them and at them: one sparse product."""
    positives, _ = _counts(tag)
    has_positive = positives > 0
    place: Ints = np.cumsum(has_positive) - has_positive  # thresholds above each group
    n = int(has_positive.sum())
    is_positive = tag.positive == 1.0
    found = _sums(np.where(is_positive, place[tag.group], -1), tag.order, weight, n)
    segment = (2 * place + has_positive)[tag.group]
    false_alarms = _sums(np.where(is_positive, -1, segment), tag.order, weight, 2 * n + 1)
    tied = false_alarms[1::2]
    false_alarms = np.cumsum(false_alarms, axis=0)
    n_pos, n_neg, up_to = found.sum(axis=0), false_alarms[-1], false_alarms[1::2]
    hits = np.cumsum(found, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        roc = (found * (n_neg - up_to + tied / 2)).sum(axis=0) / (n_pos * n_neg)
        precision = np.where(hits > 0, hits / (hits + up_to), 0.0)
        ap = (found * precision).sum(axis=0) / n_pos
    return np.where((n_pos > 0) & (n_neg > 0), [roc, ap], np.nan).T


def _sums(row: Ints, clip: Ints, weight: Floats, n_rows: int) -> Floats:
    """Weights summed by row, (n_rows, n_draws); clips of row -1 are left out."""
    from scipy.sparse import csr_array

    kept = row >= 0
    ones = np.ones(int(kept.sum()))
    return np.asarray(csr_array((ones, (row[kept], clip[kept])), shape=(n_rows, len(weight))) @ weight)

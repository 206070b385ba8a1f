"""What a finished trial is measured by besides its scores, for the discussion (records.MEASURES).

Fit: cross-entropy and macro PR AUC of the final checkpoint on validation clips and on as many training clips, evenly
spaced over the split and scored exactly alike (whole clips, evaluation mode, the same cross-entropy for every loss), so
that the gap between the two compares between losses, samplers and augmentations, as train/loss does not. It costs one
more validation, so it is taken once and not every epoch.

Separation: how much nearer the embeddings of a tag's clips are to each other than to all other clips, as silhouettes
under the cosine distance (Rousseeuw 1987), mean over tags. It tells whether a loss on the embedding did anything to it.
Only the clips with the tag count: the others are no cluster, and theirs sink when a tag's clips gather in their midst
(cnn1d after 12 epochs on the built-in corpus: bce 0.38, bce_triplet 0.41, bce_supcon at weight 0.5 0.44; over all
clips of both sides, most of which are without the tag, it would be 0.02, 0.02 and -0.02).
"""

import numpy as np
import numpy.typing as npt
import torch

from tagsearch.data.batches import Chunks, Ints
from tagsearch.records import CorpusTable
from tagsearch.training.evaluate import ClipOutputs, clip_logits, clip_outputs, cross_entropy
from tagsearch.training.metrics import macro, per_tag_metrics

N_SEPARATED = 500  # validation clips whose embeddings are compared, each with each
MIN_CLIPS = 2  # with a tag, and without it: a cluster of one has no inner distance


def measure(
    model: torch.nn.Module, initial: torch.nn.Module, valid: ClipOutputs, *, chunks: Chunks, corpus: CorpusTable
) -> dict[str, float]:
    """By name; what is not defined (a tag or a clip too few) is left out. `valid`: what `model` says of the validation
    clips; `initial`: the network before training."""
    n_valid = len(valid.logits)
    train_rows, valid_rows = evenly_spaced(corpus.rows("train"), n_valid), corpus.rows("valid")
    train_logits = clip_logits(model, chunks, train_rows)
    places = evenly_spaced(np.arange(n_valid), N_SEPARATED)
    before = clip_outputs(initial, chunks, valid_rows[places]).embeddings
    labels = corpus.labels[valid_rows]
    found = {
        **fit("train", train_logits, corpus.labels[train_rows]),
        **fit("valid", valid.logits, labels),
        "silhouette_before": silhouette(before, labels[places]),
        "silhouette_after": silhouette(valid.embeddings[places], labels[places]),
    }
    return {name: value for name, value in found.items() if np.isfinite(value)}


def fit(split: str, logits: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Empty if a logit is infinite, as it may be on clips that neither training nor validation has met."""
    if not np.isfinite(logits).all():
        return {}
    pr_auc, _ = macro(per_tag_metrics(logits, labels).pr_auc)
    return {f"{split}_bce": cross_entropy(logits, labels), f"{split}_pr_auc": pr_auc}


def evenly_spaced(rows: Ints, n: int) -> Ints:
    """`n` of them, or all if they are fewer."""
    return rows[np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(np.int64)]


def silhouette(embeddings: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> float:
    """Mean over tags of the mean silhouette of the clips that have the tag, in [-1, 1]; NaN if no tag has MIN_CLIPS on
    either side.

    embeddings (n_clips, D); labels (n_clips, n_tags). A clip's silhouette is (b - a) / max(a, b), a and b its mean
    distances to the other clips with the tag and to those without it, as in scikit-learn's silhouette_samples. For all
    tags from one matrix of distances, it takes milliseconds."""
    n_with = labels.sum(axis=0, dtype=np.int64)
    enough = (n_with >= MIN_CLIPS) & (len(labels) - n_with >= MIN_CLIPS)
    if not enough.any():
        return float("nan")
    has = labels[:, enough].astype(np.float64)  # (n_clips, n_tags)
    n_with, n_without = has.sum(axis=0), (1 - has).sum(axis=0)
    distances = cosine_distances(embeddings)
    own = distances @ has / (n_with - 1)  # a clip's own distance is 0
    other = distances @ (1 - has) / n_without
    larger = np.maximum(own, other)
    values = np.divide(other - own, larger, out=np.zeros_like(own), where=larger > 0)  # 0 where all clips coincide
    return float(((values * has).sum(axis=0) / n_with).mean())


def cosine_distances(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """(n, n); 1 from a vector of zeros, which has no direction, to every other."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    directions = vectors / np.where(lengths > 0, lengths, 1.0)
    distances: npt.NDArray[np.float64] = np.clip(1 - directions @ directions.T, 0.0, 2.0)
    np.fill_diagonal(distances, 0.0)
    return distances

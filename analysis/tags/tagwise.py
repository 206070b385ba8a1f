"""A model's scores tag by tag: how it ranks the clips, what it decides, and how its decisions are spread over the tags.

Conventions: scores are logits, larger = more likely; scores, labels and decisions are (n_clips, n_tags). Decisions are
made on the test split by two rules that are fixed without it:

    threshold  one for all tags, fitted on validation: as many tags predicted there as are annotated. One threshold a
               tag would repeat the annotated counts by construction and so hide which tags a model neglects.
    top k      the k highest scores of every clip, as a tagger that is shown to listeners would. k: tags of an annotated
               validation clip, their mean, rounded.

Columns of a frame, one row a tag, in the corpus's order:

    tag, n_train, n_valid, n_test                              clips that have it
    roc_auc, pr_auc                                            NaN without a positive or a negative test clip
    threshold, n_predicted, precision, recall, f1              by the threshold
    n_predicted_at_k, precision_at_k, recall_at_k, f1_at_k     by top k

Precision is NaN for a tag never predicted, recall for one without a positive test clip. Over seeds these are means of
the seeds where they exist, beside <column>_sd (n - 1), and n_never counts the seeds that never predict the tag.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.rundata import RunData
from analysis.verdict import ranks
from tagsearch.errors import AnalysisError, RecordError
from tagsearch.records import FINAL, SPLITS, CorpusTable, Split, State, Trial

Scores = npt.NDArray[np.floating]
Decisions = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.integer]

COUNTS = tuple(f"n_{split}" for split in SPLITS)
_DECIDED = ("n_predicted", "precision", "recall", "f1")
MEASURES = ("roc_auc", "pr_auc", "threshold", *_DECIDED, *(f"{name}_at_k" for name in _DECIDED))


@dataclass(frozen=True, kw_only=True)
class Totals:
    """A model as a whole. jsd: bits between the shares of annotated and predicted tags, NaN where nothing is predicted;
    n_never: annotated test tags that are never predicted; precision and recall: micro, over all clips and tags."""

    jsd: float
    n_never: float
    precision: float
    recall: float
    precision_at_k: float
    recall_at_k: float


@dataclass(frozen=True, kw_only=True)
class Tagwise:
    """One trained model, or the mean of an arm's seeds, tag by tag. `frame`: see the module."""

    arm: str
    checkpoint: str
    seeds: tuple[int, ...]
    epochs: tuple[int, ...]  # of the checkpoint, a seed each; 0 where it is not recorded
    k: int
    frame: pd.DataFrame
    totals: Totals  # means over the seeds
    spread: Totals  # their SD (n - 1); NaN for one seed
    notes: tuple[str, ...] = ()  # trials left out, a line each

    @property
    def never(self) -> tuple[str, ...]:
        """Annotated test tags that no seed ever predicts."""
        return tuple(self.frame.loc[self.frame["n_never"] == len(self.seeds), "tag"])


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Decided:
    """The test split as one model tags it."""

    scores: Scores
    threshold: float
    predicted: Decisions
    k: int
    highest: Decisions  # the top k


def decide(corpus: CorpusTable, trial: Trial, checkpoint: str = FINAL, *, k: int | None = None) -> Decided:
    """Both rules on the test split. `k`: None for the default of the module.

    Raises RecordError for scores that are missing, damaged or of the wrong shape, AnalysisError for NaN or a k beyond
    1 to n_tags."""
    labels = corpus.labels[corpus.rows("valid")]
    threshold = count_threshold(read_scores(corpus, trial, "valid", checkpoint), labels)
    scores = read_scores(corpus, trial, "test", checkpoint)
    n_highest = tags_a_clip(labels) if k is None else k
    return Decided(
        scores=scores, threshold=threshold, predicted=scores > threshold, k=n_highest, highest=top_k(scores, n_highest)
    )


def read_scores(corpus: CorpusTable, trial: Trial, split: Split, checkpoint: str) -> Scores:
    scores = trial.scores(split, checkpoint)
    expected = (len(corpus.rows(split)), len(corpus.tags))
    if scores.shape != expected:
        raise RecordError(f"{trial.folder / 'scores.npz'} holds {split} scores of shape {scores.shape}, not {expected}")
    if np.isnan(scores).any():
        raise AnalysisError(f"{trial.folder / 'scores.npz'}: {int(np.isnan(scores).sum())} {split} scores are NaN")
    return scores


def count_threshold(scores: Scores, labels: Labels) -> float:
    """One threshold for all tags: as many scores lie above it as there are annotations."""
    n_annotated = int(labels.sum())
    falling = np.sort(scores, axis=None)[::-1]
    if n_annotated == 0 or n_annotated >= falling.size:
        return np.inf if n_annotated == 0 else -np.inf
    return float((falling[n_annotated - 1].astype(np.float64) + falling[n_annotated]) / 2)


def tags_a_clip(labels: Labels) -> int:
    """Mean number of tags of the clips that have any, rounded; 1 without such a clip."""
    counts = labels.sum(axis=1, dtype=np.int64)
    return max(1, round(float(counts[counts > 0].mean()))) if counts.any() else 1


def top_k(scores: Scores, k: int) -> Decisions:
    """The k highest scores of every clip; of equal ones those of the tags declared first."""
    if not 1 <= k <= scores.shape[1]:
        raise AnalysisError(f"top k takes a k from 1 to the number of tags, {scores.shape[1]}, not {k}")
    highest = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    chosen = np.zeros(scores.shape, dtype=np.bool_)
    np.put_along_axis(chosen, highest, True, axis=1)
    return chosen


def shannon_divergence(annotated: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """Jensen-Shannon divergence in bits between the shares of two (n_tags,) counts: 0 the same shares, 1 no tag in
    common; NaN if either has no count at all. Lin 1991, eq. 4.1 with equal weights."""
    counts = [np.asarray(one, dtype=np.float64) for one in (annotated, predicted)]
    if any(one.sum() == 0 for one in counts):
        return float("nan")
    p, q = (one / one.sum() for one in counts)
    middle = (p + q) / 2
    return max(0.0, (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2)


def _relative_entropy(p: ranks.Floats, q: ranks.Floats) -> float:
    some = p > 0
    return float((p[some] * np.log2(p[some] / q[some])).sum())


# --- one model -------------------------------------------------------------------------------------------------------


def trial_tagwise(corpus: CorpusTable, trial: Trial, checkpoint: str = FINAL, *, k: int | None = None) -> Tagwise:
    """One completed confirm trial at one of its checkpoints. Raises as `decide` does."""
    labels = corpus.labels[corpus.rows("test")]
    decided = decide(corpus, trial, checkpoint, k=k)
    auc = _auc(decided.scores, labels)
    by_rule = [_judged(labels, rule) for rule in (decided.predicted, decided.highest)]
    (columns, micro), (columns_at_k, micro_at_k) = by_rule
    annotated, predicted = labels.sum(axis=0, dtype=np.int64), decided.predicted.sum(axis=0)
    is_never = (annotated > 0) & (predicted == 0)
    counts = {f"n_{split}": corpus.labels[corpus.rows(split)].sum(axis=0, dtype=np.int64) for split in SPLITS}
    ranked = {"roc_auc": auc[:, 0], "pr_auc": auc[:, 1], "threshold": decided.threshold}
    at_k = {f"{name}_at_k": column for name, column in columns_at_k.items()}
    totals = Totals(
        jsd=shannon_divergence(annotated, predicted),
        n_never=float(is_never.sum()),
        precision=micro[0],
        recall=micro[1],
        precision_at_k=micro_at_k[0],
        recall_at_k=micro_at_k[1],
    )
    return Tagwise(
        arm=trial.spec.arm,
        checkpoint=checkpoint,
        seeds=(trial.spec.seed,),
        epochs=(trial.result.checkpoints.get(checkpoint, 0) if trial.result else 0,),
        k=decided.k,
        frame=pd.DataFrame({"tag": corpus.tags} | counts | ranked | columns | at_k | {"n_never": is_never.astype(int)}),
        totals=totals,
        spread=_totals(lambda name: np.nan),
    )


def _auc(scores: Scores, labels: Labels) -> ranks.Floats:
    """(n_tags, 2), as METRICS; NaN where a tag is not defined."""
    defined = ranks.defined_tags(labels)
    values = np.full((len(defined), 2), np.nan)
    values[defined], _ = ranks.values_and_gradients(ranks.plan(scores[:, defined], labels[:, defined]))
    return values


def _judged(labels: Labels, predicted: Decisions) -> tuple[dict[str, npt.NDArray[np.generic]], tuple[float, float]]:
    """Columns of _DECIDED, and micro precision and recall; NaN where nothing is predicted or annotated."""
    annotated, n_predicted = labels.sum(axis=0, dtype=np.int64), predicted.sum(axis=0)
    hits = (labels.astype(np.bool_) & predicted).sum(axis=0)
    columns = {
        "n_predicted": n_predicted,
        "precision": _share(hits, n_predicted),
        "recall": _share(hits, annotated),
        "f1": _share(2 * hits, n_predicted + annotated),
    }
    micro = (_share(hits.sum(), n_predicted.sum()), _share(hits.sum(), annotated.sum()))
    return columns, (float(micro[0]), float(micro[1]))


def _share(part: npt.ArrayLike, whole: npt.ArrayLike) -> ranks.Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.divide(part, whole))  # 0 / 0 is NaN; nothing else is divided by 0


# --- several models --------------------------------------------------------------------------------------------------


def arm_tagwise(
    run: RunData, arm: str, checkpoint: str = FINAL, *, seeds: Sequence[int] | None = None, k: int | None = None
) -> Tagwise:
    """Mean and SD over an arm's completed confirm trials, or over those of `seeds`. One trial's scores are in memory at
    a time; a trial whose scores cannot be read is left out, with a note. Raises AnalysisError if none is left."""
    models, notes = [], []
    for trial in sorted((one for one in run.confirm if one.spec.arm == arm), key=lambda one: one.spec.seed):
        if trial.state is not State.COMPLETED or (seeds is not None and trial.spec.seed not in seeds):
            continue
        try:
            models.append(trial_tagwise(run.corpus, trial, checkpoint, k=k))
        except (RecordError, AnalysisError) as error:
            notes.append(f"{trial.spec.name} is left out tag by tag: {error}")
    if not models:
        told = "; ".join(notes) or "none has completed"
        raise AnalysisError(f"arm {arm!r} has no confirm trial with scores of checkpoint {checkpoint!r}: {told}")
    return _mean(models, notes)


def _mean(models: Sequence[Tagwise], notes: Sequence[str]) -> Tagwise:
    first = models[0]
    values = np.stack([model.frame[list(MEASURES)].to_numpy(dtype=np.float64) for model in models])
    middle, spread = _mean_and_sd(values)
    frame = first.frame[["tag", *COUNTS]].assign(
        **{name: middle[:, i] for i, name in enumerate(MEASURES)},
        **{f"{name}_sd": spread[:, i] for i, name in enumerate(MEASURES)},
        n_never=sum(model.frame["n_never"] for model in models),
    )
    totals = {name: _mean_and_sd(np.array([asdict(model.totals)[name] for model in models])) for name in _TOTALS}
    return Tagwise(
        arm=first.arm,
        checkpoint=first.checkpoint,
        seeds=tuple(seed for model in models for seed in model.seeds),
        epochs=tuple(epoch for model in models for epoch in model.epochs),
        k=first.k,
        frame=frame,
        totals=_totals(lambda name: float(totals[name][0])),
        spread=_totals(lambda name: float(totals[name][1])),
        notes=tuple(notes),
    )


_TOTALS = tuple(Totals.__dataclass_fields__)


def _totals(value: Callable[[str], float]) -> Totals:
    return Totals(**{name: value(name) for name in _TOTALS})


def _mean_and_sd(values: ranks.Floats) -> tuple[ranks.Floats, ranks.Floats]:
    """Over the first axis, where the values exist; NaN for the mean of none and for the SD of fewer than two."""
    exists = ~np.isnan(values)
    n = exists.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(exists, values, 0.0).sum(axis=0) / n
        squares = np.where(exists, values - mean, 0.0) ** 2
        return mean, np.sqrt(squares.sum(axis=0) / np.where(n > 1, n - 1, np.nan))


def differences(one: Tagwise, other: Tagwise) -> pd.DataFrame:
    """one - other, in every measure but the threshold: tag, the counts, then the measures. Rows in the corpus's order.

    Raises AnalysisError unless both are of the same tags."""
    if list(one.frame["tag"]) != list(other.frame["tag"]):
        raise AnalysisError(f"{one.arm} and {other.arm} have different tags: they cannot be set side by side")
    compared = [name for name in MEASURES if name != "threshold"]
    return pd.concat([one.frame[["tag", *COUNTS]], one.frame[compared] - other.frame[compared]], axis=1)

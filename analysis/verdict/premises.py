"""What a hypothesis presumes, in figures. Reported beside a verdict, never mixed into it.

A loss for imbalance can only help where tags are imbalanced, one for entanglement where tags are entangled, more epochs
or a bigger network where the baseline under-fits. `holds` is None where the data cannot tell.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.labels import tag_pairs
from analysis.labels.label_measures import ratio
from analysis.labels.labels import CorpusLabels
from analysis.rundata import RunData
from analysis.verdict.measured import mean_measured
from analysis.verdict.underfit import MIN_TAIL, end_slope
from tagsearch.study.schema import Hypothesis, PremiseName

MIN_MEAN_IR, MIN_CVIR = 1.5, 0.2  # Charte et al. 2015: above both, a data set counts as imbalanced
MIN_WITH_SYNONYM = 0.10  # of the tags: a tenth of a macro score then rests on which word listeners chose


@dataclass(frozen=True, kw_only=True)
class Premise:
    """`figures`: name -> value, NaN or infinite where it is not defined."""

    name: str
    holds: bool | None
    sentence: str
    figures: Mapping[str, float]

    @property
    def line(self) -> str:
        verb = {True: "holds", False: "does not hold", None: "is open"}[self.holds]
        return f"Premise ({self.name}) {verb}, no part of the verdict: {self.sentence}"


def premises_of(hypothesis: Hypothesis, run: RunData, labels: CorpusLabels) -> tuple[Premise, ...]:
    """In the order that the hypothesis names them."""
    measured: Mapping[PremiseName, Callable[[], Premise]] = {
        "underfit": lambda: underfit(run),
        "imbalance": lambda: imbalance(labels),
        "entanglement": lambda: entanglement(labels, separation=_separation(run)),
    }
    return tuple(measured[name]() for name in hypothesis.premises)


def underfit(run: RunData) -> Premise:
    """Of the baseline's confirm trials: holds if its validation objective surely still improves at the end, does not if
    it surely does not, both at 95 %; open where that is more than half of the curve: every start rises. The gap between
    its cross-entropies is told, not judged."""
    baseline, objective = run.study.baseline.name, run.study.objective
    slope, fit = end_slope(run, baseline), _fit(run)
    if slope is None:
        sentence = f"No trial of {baseline} has the three epochs that a slope needs: under-fitting cannot be judged."
        return Premise(name="underfit", holds=None, sentence=sentence, figures=fit)
    interval = (
        f" [{slope.lower:+.4f}, {slope.upper:+.4f}]" if math.isfinite(slope.lower) else " (one seed: no interval)"
    )
    sentence = (
        f"In the last {slope.n_epochs} of {slope.budget} epochs {objective} of {baseline} improves by "
        f"{slope.mean:+.4f}{interval} an epoch; its best epoch is {slope.best_epoch:.1f} on average."
    )
    if math.isfinite(fit["gap"]):
        sentence += (
            f" Its cross-entropy is {fit['train_bce']:.4f} on training clips and {fit['valid_bce']:.4f} on validation "
            f"clips (gap {fit['gap']:+.4f})."
        )
    holds = True if slope.lower > 0 else False if slope.upper <= 0 else None
    if 2 * slope.n_epochs > slope.budget:
        holds, sentence = None, f"{sentence} That is no end yet: it takes {2 * MIN_TAIL} epochs to judge one."
    figures = {"slope": slope.mean, "lower": slope.lower, "upper": slope.upper, "best_epoch": slope.best_epoch}
    return Premise(name="underfit", holds=holds, sentence=sentence, figures=figures | fit)


def _fit(run: RunData) -> dict[str, float]:
    """The baseline's cross-entropies; NaN where they were not measured."""
    train, valid = (mean_measured(run, run.study.baseline.name, f"{split}_bce") for split in ("train", "valid"))
    return {"train_bce": train, "valid_bce": valid, "gap": valid - train}


def _separation(run: RunData) -> float:
    return mean_measured(run, run.study.baseline.name, "silhouette_after")


def imbalance(labels: CorpusLabels) -> Premise:
    """Of the training split; holds by the rule of Charte et al. 2015."""
    found = labels.imbalance
    if found.n_tags < 2:
        sentence = "Fewer than two tags have training clips: imbalance cannot be judged."
        return Premise(name="imbalance", holds=None, sentence=sentence, figures={"n_tags": found.n_tags})
    holds = found.mean_ir > MIN_MEAN_IR and found.cvir > MIN_CVIR
    sentence = (
        f"The largest tag has {found.max_ir:.1f} times as many training clips as the smallest; MeanIR "
        f"{found.mean_ir:.2f} with a coefficient of variation of {found.cvir:.2f} (above {MIN_MEAN_IR:g} and "
        f"{MIN_CVIR:g}, labels count as imbalanced); SCUMBLE {found.scumble:.3f}."
    )
    figures = {name: getattr(found, name) for name in ("mean_ir", "max_ir", "cvir", "scumble", "gini")}
    return Premise(name="imbalance", holds=holds, sentence=sentence, figures=figures)


def entanglement(labels: CorpusLabels, *, separation: float = math.nan) -> Premise:
    """Of all splits; holds if at least MIN_WITH_SYNONYM of the tags have a likely synonym, open where no pair of tags
    can be judged. Figures:

    tags_per_clip      of the clips that have one
    with_synonym       share of the tags that have a likely synonym
    one_word           share of the clips with any word of a group of synonyms that have only one of its words
    surest_companion   P(other tag | tag) of each tag's most faithful companion, mean over tags
    silhouette         `separation`: of tags in the trained baseline's embeddings, NaN if not measured; not judged"""
    tagged = labels.table.labels[labels.tagged]
    if len(labels.table.tags) < 2 or not len(tagged):
        sentence = "Fewer than two tags, or no clip with a tag: entanglement cannot be judged."
        return Premise(name="entanglement", holds=None, sentence=sentence, figures={})
    if not tag_pairs.can_be_judged(labels.pairs).any():
        sentence = "Too few tags, or clips of one song, to look for synonyms: entanglement cannot be judged."
        return Premise(name="entanglement", holds=None, sentence=sentence, figures={"silhouette": separation})
    with_synonym = len({*labels.synonyms["a"], *labels.synonyms["b"]}) / len(labels.table.tags)
    figures = {
        "tags_per_clip": float(tagged.sum(axis=1).mean()),
        "with_synonym": with_synonym,
        "one_word": one_word(labels),
        "surest_companion": surest_companion(labels),
        "silhouette": separation,
    }
    choice = f"; where a group of them is used, {figures['one_word']:.0%} of the clips have only one of its words"
    sentence = (
        f"A tagged clip has {figures['tags_per_clip']:.1f} tags; given a tag, its surest companion is there with "
        f"probability {figures['surest_companion']:.2f}; {with_synonym:.0%} of the tags have a likely synonym"
        f"{choice if labels.families else ''}."
    )
    if math.isfinite(separation):
        sentence += f" In the trained baseline's embeddings the tags have a mean silhouette of {separation:+.3f}."
    return Premise(name="entanglement", holds=with_synonym >= MIN_WITH_SYNONYM, sentence=sentence, figures=figures)


def one_word(labels: CorpusLabels) -> float:
    """NaN without a group of likely synonyms."""
    place = {tag: k for k, tag in enumerate(labels.table.tags)}
    n_words = [labels.table.labels[:, [place[tag] for tag in family]].sum(axis=1) for family in labels.families]
    n_used = sum(int((n > 0).sum()) for n in n_words)
    return sum(int((n == 1).sum()) for n in n_words) / n_used if n_used else np.nan


def surest_companion(labels: CorpusLabels) -> float:
    """Mean over the tags that occur of the largest P(other tag | tag)."""
    together = tag_pairs.cooccurrence(labels.table.labels[labels.tagged])
    counts = np.diag(together).copy()
    np.fill_diagonal(together, 0)
    return float(np.nanmean(ratio(together.max(axis=1), counts)))

"""What is told beside an estimate and decides nothing: seeds that are better, errors that are gone, gain per doubling,
the interaction without the ceiling.

An interaction of scores near 1 may be the ceiling's work alone: where two good arms cannot gain as much as two poor
ones, a difference of differences need not be 0 though every arm takes the same share of the way. On the logit scale
there is no ceiling; an interaction whose sign turns there is called removable (Loftus 1978).
"""

import math
from collections.abc import Callable, Mapping

from analysis.verdict.intervals import Estimate
from analysis.verdict.sources import Source
from tagsearch.study.endpoints import Endpoint
from tagsearch.study.schema import Contrast, Part, PartKind


def aside(source: Source, part: Part, contrast: Contrast, measured: Endpoint, estimate: Estimate) -> str:
    """Sentences, empty where there is nothing to tell."""
    told = _ASIDES.get(part.kind)
    return told(source, part, contrast, measured, estimate) if told else ""


def _versus(source: Source, part: Part, contrast: Contrast, measured: Endpoint, estimate: Estimate) -> str:
    sentences = [_better(estimate), _error_reduction(source, contrast, measured, estimate)]
    return " ".join(sentence for sentence in sentences if sentence)


def _better(estimate: Estimate) -> str:
    """P(A > B) as a count. `per_seed` is of the arm's seeds: against the rival's same seed, or its mean."""
    n = len(estimate.per_seed)
    if n < 2:
        return ""
    n_better = sum(one > 0 for one in estimate.per_seed)
    return f"Better in {n_better} of {n} seeds{'' if estimate.paired else ', against the mean of the other arm'}."


def _error_reduction(source: Source, contrast: Contrast, measured: Endpoint, estimate: Estimate) -> str:
    """The difference as a share of what the rival lacks to 1, or of its divergence."""
    if measured.is_relative:
        share = measured.told(estimate.value)
        what = "divergence between the predicted and the annotated shares of tags"
        return f"That is {abs(share):.0%} {'less' if share >= 0 else 'more'} {what}."
    rival = next(arm for arm, weight in contrast.weights.items() if weight < 0)
    score = _score(source, rival, measured)
    if score is None or score >= 1:
        return ""
    share = estimate.value / (1 - score)
    if abs(share) < 0.005:
        return ""
    return f"That is {abs(share):.0%} {'less' if share >= 0 else 'more'} error than {rival} makes."


def _trend(source: Source, part: Part, contrast: Contrast, measured: Endpoint, estimate: Estimate) -> str:
    if measured.is_relative:
        return ""
    return f"That is {estimate.value / part.doublings:+.4f} for each doubling."


def _interaction(source: Source, part: Part, contrast: Contrast, measured: Endpoint, estimate: Estimate) -> str:
    scores = [_score(source, arm, measured) for arm in contrast.weights]
    inside = [score for score in scores if score is not None and 0 < score < 1]
    if len(inside) < len(scores):
        return ""
    logits = (math.log(score / (1 - score)) for score in inside)
    value = sum(weight * logit for weight, logit in zip(contrast.weights.values(), logits, strict=True))
    if value * estimate.value < 0:
        return f"On the logit scale, which has no ceiling, its sign turns ({value:+.3f}): the ceiling may make it."
    return f"On the logit scale, which has no ceiling, it is {value:+.3f}."


def _score(source: Source, arm: str, measured: Endpoint) -> float | None:
    """An arm's own mean; None where it is no score between 0 and 1, or where there is none."""
    if measured.is_relative or measured.beyond:
        return None
    estimate = source.estimate(Contrast(name=arm, weights={arm: 1.0}), measured)
    return None if estimate is None else estimate.value


_ASIDES: Mapping[PartKind, Callable[[Source, Part, Contrast, Endpoint, Estimate], str]] = {
    "versus": _versus,
    "trend": _trend,
    "interaction": _interaction,
}

"""What each hypothesis of a study can resolve with its seeds on its test set, before money is spent.

One Resolution a part and metric. Of a part's contrasts the least well resolved counts; a part that asks for k of them
needs all k to come out, so each is given the power POWER^(1/k): contrasts that share an arm correlate positively, so
that all of them come out with POWER or more (Slepian's inequality). The metrics of a part are told each by itself, and
that no step of a ladder may lead down is left out.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from tagsearch.study.alpha import split_alpha
from tagsearch.study.endpoints import Endpoint, endpoint
from tagsearch.study.extension import alpha_share
from tagsearch.study.noise import Source, find_earlier, noise_of
from tagsearch.study.pairing import are_paired
from tagsearch.study.power import POWER, Power
from tagsearch.study.schema import Contrast, Hypothesis, Part, Study


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """Effects and the margin as they are told: differences of a metric, for balance relative reductions.

    `smallest_effect`: of `n_seeds` seeds, infinite for one; `floor`: of endless seeds; `seeds_needed`: for the margin,
    None if no number would do."""

    hypothesis: str
    part: str
    endpoint: Endpoint
    margin: float
    smallest_effect: float
    floor: float
    n_seeds: int
    seeds_needed: int | None
    source: Source

    @property
    def shows_margin(self) -> bool:
        return self.smallest_effect <= self.margin


def resolve(study: Study, *, n_artists: int | None, storage: Path | None) -> tuple[Resolution, ...]:
    """`n_artists` of the test split, None if unknown; `storage`: where earlier runs may be."""
    earlier = find_earlier(storage, study) if storage else None
    asked = [(h, part, endpoint(part, metric)) for h in study.hypotheses for part in h.parts for metric in part.metrics]
    return tuple(
        _resolution(study, hypothesis, part, claimed, noise_of(claimed, n_artists=n_artists, earlier=earlier))
        for hypothesis, part, claimed in asked
    )


def _resolution(study: Study, hypothesis: Hypothesis, part: Part, claimed: Endpoint, source: Source) -> Resolution:
    powers = _powers(study, hypothesis, part, source)
    n_seeds, margin = study.confirm.seeds, part.margins[claimed.metric]
    needed = [power.seeds_for(claimed.inner(margin)) for power in powers]
    return Resolution(
        hypothesis=hypothesis.id,
        part=part.id,
        endpoint=claimed,
        margin=margin,
        smallest_effect=_told(claimed, max(power.smallest_effect(n_seeds) for power in powers)),
        floor=_told(claimed, max(power.floor for power in powers)),
        n_seeds=n_seeds,
        seeds_needed=None if None in needed else max(n for n in needed if n is not None),
        source=source,
    )


def _powers(study: Study, hypothesis: Hypothesis, part: Part, source: Source) -> list[Power]:
    alpha = hypothesis.alpha * alpha_share(study, extension=None)  # the first look's
    levels = split_alpha(alpha, n_parts=len(hypothesis.parts), n_members=len(part.contrasts), at_least=part.at_least)
    return [
        Power(
            weights=tuple(contrast.weights.values()),
            paired=_may_be_paired(study, contrast),
            noise=source.noise,
            alpha=levels.lower,
            wanted=POWER ** (1 / part.at_least),
        )
        for contrast in part.contrasts
    ]


def _may_be_paired(study: Study, contrast: Contrast) -> bool:
    """Of a pure search's winners the architecture is not known: pairing asks for more seeds, so it is assumed."""
    return are_paired([study.by_name[arm].config for arm in contrast.weights if arm in study.by_name])


def _told(claimed: Endpoint, effect: float) -> float:
    return claimed.told(effect) if math.isfinite(effect) else effect

"""The rows of the forest plot: every contrast that a hypothesis declares, then the arms that no hypothesis is about.

A row is one contrast, with a mark for each metric in the units in which effects are told (see `endpoints`). Steps of a
trend or ladder follow it. The last row is the noise: what the baseline's seeds differ by among themselves.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from typing import Literal

import numpy as np

from analysis.arms import tables
from analysis.summary import Summary
from analysis.verdict.intervals import Estimate
from analysis.verdict.judgement import Claim, HypothesisVerdict, Member
from analysis.verdict.outcomes import Levels
from tagsearch.study.endpoints import METRIC_NAMES, Endpoint
from tagsearch.study.schema import CLAIM_METRICS, METRICS, ClaimMetric, Contrast

_UNKNOWN = (-math.inf, math.inf)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One metric of one contrast. `outer`: the interval for new artists; `inner`: on this test set; infinite with one
    seed, where `models` is the interval of these very models. No `value`: dots alone."""

    value: float = math.nan
    outer: tuple[float, float] = _UNKNOWN
    inner: tuple[float, float] = _UNKNOWN
    models: tuple[float, float] | None = None
    dots: tuple[float, ...] = ()
    margin: float = 0.0
    outcome: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """`arm`: whose colour it has; "" for a contrast of more than two arms. `is_step`: of the row above."""

    label: str
    marks: Mapping[ClaimMetric, Mark]
    arm: str = ""
    is_step: bool = False


@dataclass(frozen=True, kw_only=True)
class Block:
    title: str
    rows: Sequence[Row] = field(default_factory=tuple)


def forest_blocks(summary: Summary, metrics: Sequence[ClaimMetric] = CLAIM_METRICS) -> list[Block]:
    """A block a hypothesis, one of the other arms, one of the noise; only marks on `metrics`, rows and blocks that have
    any."""
    blocks = [*map(_declared, summary.verdicts), _exploratory(summary), _noise(summary)]
    chosen = [Block(title=block.title, rows=_only(block.rows, metrics)) for block in blocks]
    return [block for block in chosen if block.rows]


def _only(rows: Sequence[Row], metrics: Sequence[ClaimMetric]) -> list[Row]:
    cut = [replace(row, marks={m: mark for m, mark in row.marks.items() if m in metrics}) for row in rows]
    return [row for row in cut if row.marks]


def _declared(verdict: HypothesisVerdict) -> Block:
    rows = [row for part in verdict.parts for member in part.members for row in _member_rows(member)]
    return Block(title=f"{verdict.id}, {verdict.verdict}: {verdict.text}", rows=rows)


def _member_rows(member: Member) -> list[Row]:
    """Its own, then its steps'."""
    return [_member_row(member, is_step=False), *(_member_row(step, is_step=True) for step in member.steps)]


def _member_row(member: Member, *, is_step: bool) -> Row:
    marks = {claim.metric: _claim_mark(claim) for claim in member.claims if claim.estimate is not None}
    about = {claim.endpoint.name.removeprefix(METRIC_NAMES[claim.metric]) for claim in member.claims}
    label = f"{'step: ' if is_step else ''}{member.contrast.name}{''.join(sorted(about))}"
    return Row(label=label, marks=marks, arm=_gaining(member.contrast), is_step=is_step)


def _gaining(contrast: Contrast) -> str:
    """The arm that is compared with one other; "" for other contrasts."""
    above = [arm for arm, weight in contrast.weights.items() if weight > 0]
    return above[0] if len(contrast.weights) == 2 and len(above) == 1 else ""


def _claim_mark(claim: Claim) -> Mark:
    assert claim.estimate is not None
    return _mark(claim.estimate, claim.levels, claim.endpoint, margin=claim.margin, outcome=str(claim.outcome))


def _mark(estimate: Estimate, levels: Levels, measured: Endpoint, *, margin: float, outcome: str) -> Mark:
    def limits(scope: Literal["population", "benchmark"]) -> tuple[float, float]:
        lower, upper = estimate.interval(levels.lower, scope)[0], estimate.interval(levels.upper, scope)[1]
        return _told(measured, lower, upper) if np.isfinite([lower, upper]).all() else _UNKNOWN

    is_single = math.isinf(estimate.seed_variance)
    return Mark(
        value=measured.told(estimate.value),
        outer=limits("population"),
        inner=limits("benchmark"),
        models=_told(measured, *estimate.model_interval(levels.lower)) if is_single else None,
        dots=tuple(measured.told(dot) for dot in estimate.per_seed),
        margin=margin,
        outcome=outcome,
    )


def _told(measured: Endpoint, lower: float, upper: float) -> tuple[float, float]:
    return measured.told(lower), measured.told(upper)


def _exploratory(summary: Summary) -> Block:
    evidence, baseline = summary.evidence, summary.run.study.baseline.name
    judged = {arm for hypothesis in summary.run.study.hypotheses for part in hypothesis.parts for arm in part.arms}
    margins, levels = tables.shown_margins(summary.run), Levels(lower=tables.ALPHA, upper=tables.ALPHA)
    rows = []
    for arm in (name for name in evidence.arms if name not in {baseline, *judged}):
        found = {metric: evidence.difference(arm, baseline, metric) for metric in METRICS}
        marks: dict[ClaimMetric, Mark] = {
            metric: _mark(one, levels, Endpoint(metric=metric), margin=margins[metric], outcome="")
            for metric, one in found.items()
            if one is not None
        }
        rows.append(Row(label=f"{arm} - {baseline}", marks=marks, arm=arm))
    return Block(title="Exploratory: no hypothesis is about these", rows=rows)


def _noise(summary: Summary) -> Block:
    """Every seed of the baseline less every other one."""
    arm = summary.evidence.arms[summary.run.study.baseline.name]
    if len(arm.seeds) < 2:
        return Block(title="")
    values = {metric: arm.sample(metric).values for metric in METRICS}
    marks: dict[ClaimMetric, Mark] = {
        metric: Mark(dots=tuple(float(one - other) for one, other in permutations(found, 2)))
        for metric, found in values.items()
    }
    return Block(
        title="Noise: nothing changed", rows=[Row(label=f"{arm.name}, seed - seed", marks=marks, arm=arm.name)]
    )

"""What it would take to decide what is open: more seeds, or more test artists."""

import math
from collections.abc import Sequence

from analysis.verdict.gates import GRADE_A_SEEDS
from analysis.verdict.intervals import Estimate, Scope
from analysis.verdict.judgement import Needs
from analysis.verdict.outcomes import Levels


def claim_needs(estimate: Estimate | None, margin: float, levels: Levels, scope: Scope) -> Needs:
    """Half widths at which the limit that keeps the claim open would pass: 0 for a gain, the margin for none."""
    if estimate is None or math.isinf(estimate.seed_variance):
        return Needs(seeds=GRADE_A_SEEDS)
    gains = estimate.value >= margin
    distance = estimate.value if gains else margin - estimate.value
    alpha = levels.lower if gains else levels.upper
    artists = estimate.clusters_needed(distance, alpha=alpha) if scope == "population" else None
    return Needs(seeds=estimate.seeds_needed(distance, alpha=alpha, scope=scope), artists=artists)


def hardest(needs: Sequence[Needs]) -> Needs:
    """All of these must be met; seeds alone do not do where one needs more artists or is out of reach."""
    if not needs:
        return Needs()
    artists = [need.artists for need in needs if need.artists is not None]
    seeds = [need.seeds for need in needs if need.seeds is not None]
    return Needs(
        seeds=max(seeds) if len(seeds) == len(needs) else None,
        artists=max(artists) if artists else None,
    )


def easiest(needs: Sequence[Needs], n: int) -> Needs:
    """So many of these are enough: by seeds where that can be, else by artists."""

    def hardness(need: Needs) -> tuple[float, float]:
        return math.inf if need.seeds is None else need.seeds, math.inf if need.artists is None else need.artists

    return hardest(sorted(needs, key=hardness)[: max(n, 0)])

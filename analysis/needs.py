"""What it would take to decide what is open: more seeds, or more test artists."""

import math
from collections.abc import Sequence

from analysis.gates import GRADE_A_SEEDS
from analysis.intervals import Estimate, Scope
from analysis.judgement import Needs
from analysis.outcomes import Levels


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


def easiest(needs: Sequence[Needs]) -> Needs:
    """One of these is enough."""
    by_seeds = [need for need in needs if need.seeds is not None]
    if by_seeds:
        return min(by_seeds, key=lambda need: need.seeds or 0)
    by_artists = [need for need in needs if need.artists is not None]
    return min(by_artists, key=lambda need: need.artists or 0) if by_artists else Needs()

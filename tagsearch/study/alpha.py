"""How a hypothesis's alpha is shared among the members of its parts: used by the verdict and by the plan."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Two-sided levels of the lower limits (gains) and of the upper limits (no gain)."""

    lower: float
    upper: float


def split_alpha(alpha: float, *, n_parts: int, n_members: int, at_least: int) -> Levels:
    """For a part that asks for `at_least` k of m members, the levels of a single member.

    A false gain takes k members to err, of which at least m - k + 1 are true nulls that are free to: the partial
    conjunction of Benjamini & Heller 2008 by Bonferroni, (m - k + 1) p_(k). "No gain" is the same with m - k + 1 in the
    place of k. So any = 1 of m divides the level of gains by m, all = m of m that of "no gain"; and a gain may be
    claimed through every part."""
    return Levels(lower=alpha / (n_parts * (n_members - at_least + 1)), upper=alpha / at_least)

"""Pairs of tags: which are likely two words for one thing, which contradict each other. Found from the labels alone.

The spelling of tags is never looked at. All evidence is counted on clips with at least one tag; expected counts are
those of independent tags on such clips (`population`). What marks two words for one thing in listener labels:

    songs    the corrected sibling correlation (see `siblings`) is about 1: where one word holds, so does the other
    company  both go with, and against, the same other tags: `profile`, the cosine of their Pearson residuals

Listeners mostly choose one of the words, so that they share a clip is weak evidence. The rule (`is_synonym`) asks for
both kinds; where sibling clips cannot tell, for more company. Two tags can pass that are different things and always
come together in this corpus: labels cannot tell those from synonyms.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.labels.label_measures import Floats, ratio
from analysis.labels.siblings import Siblings

MIN_CLIPS = 10  # of each tag: with fewer there is no profile to speak of
MIN_TOGETHER = 5  # clips with both words: some listeners must say both
MIN_LIFT = 2.0
SAME_SONGS = 0.85
SAME_COMPANY = 0.75
SAME_COMPANY_ALONE = 0.90  # when the songs cannot tell
MIN_LIFT_ALONE = 3.0
MIN_OTHERS = 5  # other tags that a profile needs

MIN_EXPECTED = 5.0  # below, even never together is no surprise
MAX_RATIO = 0.5
MAX_Q = 0.05  # false discovery rate over all pairs
OPPOSITE_SONGS = -0.25
OPPOSITE_COMPANY = -0.40
ALTERNATIVE_COMPANY = 0.10

KINDS = ("opposite", "alternative", "apart")  # of contradictory pairs, see `contradictions`
COLUMNS = ["a", "b", "n_a", "n_b", "observed", "expected", "lift", "p_b_given_a", "p_a_given_b", "sibling_lift"]
COLUMNS += ["sibling_correlation", "profile", "synonym_score", "p_apart", "q_apart", "ratio_upper", "contradiction"]


def cooccurrence(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Clips with both tags, (n_tags, n_tags); the diagonal counts each tag."""
    values = labels.astype(np.float64)  # exact up to 2^53, and many times faster than integers
    return np.rint(values.T @ values).astype(np.int64)


def population(counts: npt.NDArray[np.integer], n_tagged: int) -> float:
    """How many clips there would have to be for independent tags with these counts to leave `n_tagged` with any tag.

    Among tagged clips alone even independent tags avoid each other, as one suffices to be there: n_a n_b / n_tagged
    expects too many clips with both. The solution M of M (1 - prod(1 - n / M)) = n_tagged; infinite where no clip has
    two tags, and so none is expected to."""
    if counts.sum() <= n_tagged:
        return np.inf
    low, high = np.log(n_tagged), np.log(n_tagged) + 30
    for _ in range(60):
        middle = (low + high) / 2
        clips = np.exp(middle)
        with np.errstate(divide="ignore"):
            reached = -clips * np.expm1(np.log1p(-np.minimum(counts / clips, 1)).sum())
        low, high = (middle, high) if reached < n_tagged else (low, middle)
    return float(np.exp(high))


def expected_together(counts: npt.NDArray[np.integer], n_tagged: int) -> Floats:
    """Clips with both of two independent tags, (n_tags, n_tags)."""
    return np.asarray(np.outer(counts, counts) / population(counts, n_tagged), dtype=np.float64)


def residuals(together: npt.NDArray[np.int64], n_tagged: int) -> Floats:
    """(observed - expected) / sqrt(expected + 1); the 1 keeps pairs of rare tags quiet."""
    expected = expected_together(np.diag(together), n_tagged)
    return np.asarray((together - expected) / np.sqrt(expected + 1))


def profiles(residual: Floats) -> Floats:
    """Cosine of the residuals of two tags with all *other* tags; NaN with fewer than MIN_OTHERS of them."""
    n_tags = len(residual)
    if n_tags - 2 < MIN_OTHERS:
        return np.full((n_tags, n_tags), np.nan)
    own, squares = np.diag(residual), (residual**2).sum(axis=1)
    product = residual @ residual.T - residual * own[None, :] - residual * own[:, None]
    length = squares[:, None] - own[:, None] ** 2 - residual**2
    norm = np.sqrt(np.maximum(length * length.T, 0))
    return ratio(product, norm)


def clustered_order(profile: Floats) -> list[int]:
    """The tags so that those that keep the same company are neighbours, used together or not: average linkage on
    1 - profile, leaves ordered optimally (Bar-Joseph, Gifford & Jaakkola 2001)."""
    if len(profile) < 3:
        return list(range(len(profile)))
    from scipy.cluster.hierarchy import leaves_list, linkage  # slow to load

    tree = linkage(_condensed(1 - np.nan_to_num(profile)), method="average", optimal_ordering=True)
    return [int(leaf) for leaf in leaves_list(tree)]


def tag_pairs(tags: tuple[str, ...], labels: npt.NDArray[np.uint8], siblings: Siblings) -> pd.DataFrame:
    """One row a pair, `a` the more frequent tag. `labels`: (n_clips, n_tags) of the clips with a tag. Columns: COLUMNS.

    synonym_score: the weakest evidence of a pair that `is_synonym` accepts, at most 1; NaN for others.
    p_apart, q_apart: chance that independent tags meet so seldom, and the false discovery rate; ratio_upper: upper 95 %
    limit of observed / expected; contradiction: see `contradictions`, empty for none."""
    together = cooccurrence(labels)
    counts = np.diag(together)
    frequent = np.argsort(-counts, kind="stable")
    first, second = np.triu_indices(len(tags), 1)
    a, b = frequent[first], frequent[second]
    frame = pd.DataFrame({"a": np.array(tags, dtype=object)[a], "b": np.array(tags, dtype=object)[b]})
    frame["n_a"], frame["n_b"], frame["observed"] = counts[a], counts[b], together[a, b]
    frame["expected"] = expected_together(counts, len(labels))[a, b]
    for name, whole in {"lift": "expected", "p_b_given_a": "n_a", "p_a_given_b": "n_b"}.items():
        frame[name] = ratio(frame["observed"], frame[whole])
    frame["sibling_lift"], frame["sibling_correlation"] = siblings.lift[a, b], siblings.correlation[a, b]
    frame["profile"] = profiles(residuals(together, len(labels)))[a, b]
    frame["synonym_score"] = (
        frame[["sibling_correlation", "profile"]].min(axis=1).clip(upper=1).where(is_synonym(frame))
    )
    inflation = siblings.inflation[a, b]
    frame["p_apart"] = chance_apart(frame, population(counts, len(labels)), inflation)
    frame["q_apart"] = false_discovery_rate(frame["p_apart"].to_numpy())
    frame["ratio_upper"] = _upper_ratio(frame, inflation)
    frame["contradiction"] = contradictions(frame)
    return frame[COLUMNS]


def is_synonym(pairs: pd.DataFrame) -> Any:
    """The declared rule, a boolean Series; see the module. Without enough other tags for a profile, songs alone."""
    enough = (pairs["n_b"] >= MIN_CLIPS) & (pairs["observed"] >= MIN_TOGETHER)
    songs, company, lift = pairs["sibling_correlation"], pairs["profile"], pairs["lift"]
    by_both = (songs >= SAME_SONGS) & (company.isna() | (company >= SAME_COMPANY)) & (lift >= MIN_LIFT)
    by_company = songs.isna() & (company >= SAME_COMPANY_ALONE) & (lift >= MIN_LIFT_ALONE)
    return enough & (by_both | by_company)


def can_be_judged(pairs: pd.DataFrame) -> Any:
    """Whether `is_synonym` has anything to go by, songs or company, on enough clips of both; a boolean Series."""
    return (pairs["n_b"] >= MIN_CLIPS) & (pairs["sibling_correlation"].notna() | pairs["profile"].notna())


def contradictions(pairs: pd.DataFrame) -> list[str]:
    """The kind of each pair that meets far less often than independent tags would (q_apart <= MAX_Q, observed at most
    MAX_RATIO of at least MIN_EXPECTED expected clips); empty for the others:

    alternative  they keep the same company, yet seldom meet: one or the other (female, male)
    opposite     where one holds, the other is missing on the sibling clips too (slow, fast); where those cannot tell,
                 its company is missing (vocals, no vocals)
    apart        they are simply of different music (opera, rock)"""
    apart = (pairs["q_apart"] <= MAX_Q) & (pairs["expected"] >= MIN_EXPECTED) & (pairs["lift"] <= MAX_RATIO)
    songs, company = pairs["sibling_correlation"], pairs["profile"]
    opposite = (songs <= OPPOSITE_SONGS) | (songs.isna() & (company <= OPPOSITE_COMPANY))
    kinds = np.select(
        [~apart, company >= ALTERNATIVE_COMPANY, opposite], ["", "alternative", "opposite"], default="apart"
    )
    return [str(kind) for kind in kinds]


def chance_apart(pairs: pd.DataFrame, n_clips: float, inflation: Floats) -> Floats:
    """P(as few or fewer clips with both | independent tags): one-sided exact (hypergeometric) test on the effective
    number of clips, all counts divided by `inflation`, that of the clips with both rounded up."""
    from scipy.stats import hypergeom  # slow to load

    if not np.isfinite(n_clips):
        return np.ones(len(pairs))
    observed = np.ceil(pairs["observed"].to_numpy() / inflation - 1e-9)
    n_all, n_a, n_b = (np.rint(counts / inflation) for counts in (n_clips, pairs["n_a"], pairs["n_b"]))
    return np.asarray(hypergeom.cdf(observed, n_all, n_a, n_b), dtype=np.float64)


def false_discovery_rate(chances: Floats) -> Floats:
    """Benjamini & Hochberg 1995: the smallest rate at which each is still a discovery."""
    n = len(chances)
    falling = np.argsort(-chances, kind="stable")
    raised = chances[falling] * n / np.arange(n, 0, -1)
    rates = np.empty(n)
    rates[falling] = np.minimum(np.minimum.accumulate(raised), 1.0) if n else raised
    return rates


def families(tags: tuple[str, ...], pairs: pd.DataFrame) -> list[tuple[str, ...]]:
    """Groups of tags of which every pair is a likely synonym, most frequent tag first, larger groups first."""
    found = pairs[pairs["synonym_score"].notna()]
    if found.empty:
        return []
    from scipy.cluster.hierarchy import fcluster, linkage  # slow to load

    place = {tag: k for k, tag in enumerate(tags)}
    distance = np.full((len(tags), len(tags)), 2.0)
    for a, b, score in zip(found["a"], found["b"], found["synonym_score"], strict=True):
        distance[place[a], place[b]] = distance[place[b], place[a]] = 1 - score
    groups = fcluster(linkage(_condensed(distance), method="complete"), t=1.0, criterion="distance")
    by_frequency = dict.fromkeys([*found["a"], *found["b"]])
    counts = dict(zip(found["b"], found["n_b"], strict=True)) | dict(zip(found["a"], found["n_a"], strict=True))
    ordered = sorted(by_frequency, key=lambda tag: (-counts[tag], place[tag]))
    members: dict[int, list[str]] = {}
    for tag in ordered:
        members.setdefault(int(groups[place[tag]]), []).append(tag)
    return sorted((tuple(group) for group in members.values() if len(group) > 1), key=len, reverse=True)


def _upper_ratio(pairs: pd.DataFrame, inflation: Floats) -> Floats:
    """Upper 95 % limit of observed / expected, the effective count taken as Poisson (Garwood 1936)."""
    from scipy.special import gammaincinv

    return ratio(gammaincinv(pairs["observed"].to_numpy() / inflation + 1.0, 0.95) * inflation, pairs["expected"])


def _condensed(distance: Floats) -> Floats:
    """The upper triangle, row by row, as scipy's clustering takes it; never below 0."""
    return np.asarray(np.maximum(distance[np.triu_indices(len(distance), 1)], 0))

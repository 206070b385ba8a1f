"""How well the clips of one song agree in their tags: what listener labels are worth, and which tags mean one thing.

Clips of a song were labelled apart, by other listeners, yet most of what is true of one is true of its siblings. Clips
without any tag are left out: nobody agreed on anything there, so their zeros say nothing. Arrays are
(n_tags,) or (n_tags, n_tags).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.labels.label_measures import Floats, ratio

Ints = npt.NDArray[np.int64]
RELIABLE = 2.0  # standard errors over songs that the agreement of a tag must lie above chance


@dataclass(frozen=True, kw_only=True)
class Siblings:
    """base: share of clips with the tag. agreement: P(tag on another clip of the song | tag), over all ordered pairs of
    clips of one song; NaN where no clip with the tag has a sibling. lift: of tag b on a sibling of a clip with tag a,
    over chance, each clip counted once, so that one long piece does not speak for all. correlation: of the songs' true
    tags, see `corrected`; NaN where one of the two tags is not reliable. reliable: the tag agrees beyond chance.
    inflation: of the variance of the number of clips with both of two unrelated tags, as clips of one song are alike
    (Kish's design effect, at least 1)."""

    base: Floats
    agreement: Floats
    lift: Floats
    correlation: Floats
    reliable: npt.NDArray[np.bool_]
    inflation: Floats


def measure(labels: npt.NDArray[np.uint8], songs: npt.NDArray[np.integer]) -> Siblings:
    """`labels`: (n_clips, n_tags) of clips with at least one tag; `songs`: (n_clips,) ids."""
    values = labels.astype(np.float64)
    place, size = _renumbered(songs)
    covariance, error, mean = _covariance(values[size[place] > 1], place[size[place] > 1])
    own = np.diag(covariance)
    reliable = (own > RELIABLE * error) & (own > 0)
    return Siblings(
        base=values.mean(axis=0) if len(values) else np.full(values.shape[1], np.nan),
        agreement=_agreement(values, place, size),
        lift=1 + ratio(covariance, np.outer(mean, mean)),
        correlation=corrected(covariance, reliable),
        reliable=reliable,
        inflation=_inflation(covariance, mean, size),
    )


def corrected(covariance: Floats, reliable: npt.NDArray[np.bool_]) -> Floats:
    """Correlation between tags as if every listener had said all that holds: Spearman's (1904) correction for
    attenuation, the covariance of tag a on one clip with tag b on its sibling over the geometric mean of what a and b
    keep with themselves. Two words for one thing have 1, however often listeners choose only one of them; a narrower
    word has less (harpsichord and classical), as many songs of the wider one are not of it. May exceed 1 by chance."""
    own = np.where(reliable, np.diag(covariance), np.nan)
    return np.asarray(covariance / np.sqrt(np.outer(own, own)))


def _inflation(covariance: Floats, mean: Floats, size: Ints) -> Floats:
    """1 + (clips a song - 1) x the product of the two tags' correlations within songs; a song counts by its clips."""
    within = np.clip(np.nan_to_num(ratio(np.diag(covariance), mean * (1 - mean))), 0, 1)
    clips_a_song = float((size**2).sum() / size.sum()) if size.sum() else 1.0
    return np.asarray(1 + (clips_a_song - 1) * np.outer(within, within))


def _renumbered(songs: npt.NDArray[np.integer]) -> tuple[Ints, Ints]:
    """Place of each clip's song among the songs there are, and how many clips each song has."""
    _, place, size = np.unique(songs, return_inverse=True, return_counts=True)
    return place.astype(np.int64), size.astype(np.int64)


def _agreement(values: Floats, place: Ints, size: Ints) -> Floats:
    sums = _song_sums(values, place, len(size))
    pairs = (sums * (size - 1)[:, None]).sum(axis=0)
    agreeing = (sums * (sums - 1)).sum(axis=0)
    return ratio(agreeing, pairs)


def _covariance(values: Floats, place: Ints) -> tuple[Floats, Floats, Floats]:
    """Between a clip and one of its siblings, drawn evenly; standard error of its diagonal over songs; mean.

    Every clip must have a sibling."""
    n_clips, n_tags = values.shape
    if not n_clips:
        return np.full((n_tags, n_tags), np.nan), np.full(n_tags, np.nan), np.full(n_tags, np.nan)
    _, place, size = np.unique(place, return_inverse=True, return_counts=True)
    mean = values.mean(axis=0)
    centred = values - mean
    weight = 1 / (size - 1)
    sums = _song_sums(centred, place, len(size))
    same_clip = centred.T @ (centred * weight[place, None])
    covariance = (sums.T @ (sums * weight[:, None]) - same_clip) / n_clips
    by_song = (sums**2 - _song_sums(centred**2, place, len(size))) * weight[:, None]
    return covariance, np.sqrt((by_song**2).sum(axis=0)) / n_clips, mean


def _song_sums(values: Floats, place: Ints, n_songs: int) -> Floats:
    """(n_songs, n_tags)."""
    order = np.argsort(place, kind="stable")
    if not n_songs:
        return np.zeros((0, values.shape[1]))
    starts = np.searchsorted(place[order], np.arange(n_songs))
    return np.asarray(np.add.reduceat(values[order], starts, axis=0))

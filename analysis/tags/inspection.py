"""Label inspection: what a model writes on single test clips beside what people wrote, and how either uses tag pairs.

Conventions: annotated and predicted are bool (n_clips of the test split, n_tags); a model predicts by the threshold of
`tagwise.decide`; what is shown of a score is its logistic, which ranks within a model and is no calibrated probability.
A pair is flagged on a clip where a contradiction has both tags, and where a synonym has one without the other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.rundata import RunData
from analysis.tags.tagwise import Decided, decide
from tagsearch.errors import AnalysisError, RecordError
from tagsearch.excerpts import Excerpt, clips_to_hear
from tagsearch.records import CorpusTable, State

Bools = npt.NDArray[np.bool_]
Kind = Literal["contradiction", "synonym"]
Mark = Literal["hit", "extra", "missed"]


@dataclass(frozen=True, kw_only=True)
class TagPairs:
    """Tags that mean the same, and tags that exclude each other, as the training labels show them."""

    synonyms: tuple[tuple[str, str], ...] = ()
    contradictions: tuple[tuple[str, str], ...] = ()

    def __iter__(self) -> Iterator[tuple[Kind, str, str]]:
        yield from (("contradiction", *pair) for pair in self.contradictions)
        yield from (("synonym", *pair) for pair in self.synonyms)


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One trained model on the test split."""

    name: str
    decided: Decided


@dataclass(frozen=True, kw_only=True)
class MarkedTag:
    tag: str
    mark: Mark
    score: float  # logistic of the logit


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """A model's tags of one clip: hits, then extra and missed tags, each by falling score."""

    model: str
    tags: tuple[MarkedTag, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HeardClip:
    """`excerpt`: None where the run folder holds no audio of the clip."""

    tag: str  # that it stands for
    row: int  # in corpus.npz
    path: str
    annotated: tuple[str, ...]
    flags: tuple[str, ...]  # of the annotations
    opinions: tuple[Opinion, ...]
    excerpt: Excerpt | None


def first_listener(run: RunData, arm: str, notes: list[str]) -> Listener | None:
    """The arm's first completed seed whose scores can be read; a seed passed over is noted. None without any."""
    for trial in sorted((one for one in run.confirm if one.spec.arm == arm), key=lambda one: one.spec.seed):
        if trial.state is State.COMPLETED:
            try:
                return Listener(name=f"{arm}, seed {trial.spec.seed}", decided=decide(run.corpus, trial))
            except (RecordError, AnalysisError) as error:
                notes.append(f"{trial.spec.name} is passed over: {error}")
    return None


def heard_clips(
    corpus: CorpusTable, excerpts: Sequence[Excerpt], listeners: Sequence[Listener], pairs: TagPairs
) -> list[HeardClip]:
    """The clips of the excerpts; without excerpts the same clips, not to be heard.

    Raises AnalysisError for an excerpt of no test clip."""
    places = {int(row): place for place, row in enumerate(corpus.rows("test"))}
    chosen: list[tuple[str, int, Excerpt | None]] = [(one.tag, one.row, one) for one in excerpts]
    chosen = chosen or [(tag, row, None) for tag, row in clips_to_hear(corpus)]
    heard = []
    for tag, row, excerpt in chosen:
        if row not in places:
            raise AnalysisError(f"the excerpt for {tag!r} is of row {row}, which is no test clip")
        has_tag = corpus.labels[row].astype(np.bool_)
        annotated = _named(corpus.tags, has_tag)
        heard.append(
            HeardClip(
                tag=tag,
                row=row,
                path=str(corpus.paths[row]),
                annotated=annotated,
                flags=flags(pairs, annotated),
                opinions=tuple(_opinion(one, corpus.tags, has_tag, places[row], pairs) for one in listeners),
                excerpt=excerpt,
            )
        )
    return heard


def _opinion(listener: Listener, tags: Sequence[str], has_tag: Bools, place: int, pairs: TagPairs) -> Opinion:
    scores, predicted = logistic(listener.decided.scores[place]), listener.decided.predicted[place]
    groups: list[tuple[Mark, Bools]] = [
        ("hit", has_tag & predicted),
        ("extra", ~has_tag & predicted),
        ("missed", has_tag & ~predicted),
    ]
    marked = [
        MarkedTag(tag=tags[i], mark=mark, score=float(scores[i]))
        for mark, members in groups
        for i in sorted(np.flatnonzero(members).tolist(), key=lambda i: -scores[i])
    ]
    return Opinion(model=listener.name, tags=tuple(marked), flags=flags(pairs, _named(tags, predicted)))


def _named(tags: Sequence[str], chosen: Bools) -> tuple[str, ...]:
    return tuple(tags[i] for i in np.flatnonzero(chosen).tolist())


def logistic(logits: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """1 / (1 + e^-x), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(logits, dtype=np.float64) / 2)))


# --- pairs -----------------------------------------------------------------------------------------------------------


def flags(pairs: TagPairs, tags: Sequence[str]) -> tuple[str, ...]:
    """What is odd about a clip that has these tags: "slow and fast", "female without woman, female vocal"."""
    has = set(tags)
    clashing = [f"{one} and {other}" for one, other in pairs.contradictions if {one, other} <= has]
    absent: dict[str, list[str]] = {}
    for one, other in pairs.synonyms:
        if (one in has) != (other in has):
            present, missing = (one, other) if one in has else (other, one)
            absent.setdefault(present, []).append(missing)
    return (*clashing, *(f"{tag} without {', '.join(others)}" for tag, others in absent.items()))


PAIR_COLUMNS = ("by", "kind", "tag", "other", "n_flagged", "n_either")


def pair_counts(pairs: TagPairs, tags: Sequence[str], sources: Sequence[tuple[str, Bools]]) -> pd.DataFrame:
    """How often each pair is flagged, a row a source (annotations, a model, ...) and pair: by, kind, tag, other,
    n_flagged clips of the n_either that have one or both. Raises AnalysisError for a pair of unknown tags."""
    rows = []
    for kind, one, other in pairs:
        a, b = (_place(tags, tag) for tag in (one, other))
        for by, chosen in sources:
            both, either = int((chosen[:, a] & chosen[:, b]).sum()), int((chosen[:, a] | chosen[:, b]).sum())
            rows.append((by, kind, one, other, both if kind == "contradiction" else either - both, either))
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS))


def n_flagged_clips(pairs: TagPairs, kind: Kind, tags: Sequence[str], chosen: Bools) -> int:
    """Clips on which at least one pair of the kind is flagged."""
    flagged = np.zeros(len(chosen), dtype=np.bool_)
    for this, one, other in pairs:
        if this == kind:
            a, b = (chosen[:, _place(tags, tag)] for tag in (one, other))
            flagged |= a & b if kind == "contradiction" else a ^ b
    return int(flagged.sum())


def _place(tags: Sequence[str], tag: str) -> int:
    if tag not in tags:
        raise AnalysisError(f"a pair names {tag!r}, which is no tag of the corpus; its tags: {', '.join(tags)}")
    return tags.index(tag)

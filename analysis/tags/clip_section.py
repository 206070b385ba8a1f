"""Section "Listening to the test clips": a player, a picture and the tags of one clip a tag, and how pairs are used."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import matplotlib
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.image import imsave

from analysis.report.grids import Grid, escaped_markdown
from analysis.report.sections import Part, Section, Text, as_base64
from analysis.rundata import RunData
from analysis.tags.inspection import (
    HeardClip,
    Kind,
    Listener,
    Mark,
    TagPairs,
    first_listener,
    heard_clips,
    logistic,
    n_flagged_clips,
    pair_counts,
)
from analysis.tags.tag_section import best_rival
from analysis.verdict.evidence import Evidence
from tagsearch.errors import RecordError
from tagsearch.excerpts import Excerpt, read_excerpts

TITLE = "Listening to the test clips"
SIGNS: dict[Mark, str] = {"hit": "✓", "extra": "+", "missed": "−"}
MOST_PAIRS = 12  # of each kind in the table; all are in pairs.csv
ANNOTATIONS = "annotations"
BANDS, FRAMES, LEVELS = 48, 160, 16  # of a clip's picture: 5 to 8 KB; twice as fine takes four times that

HOW = (
    "For every tag the first test clip that has it and stands for no other tag. ✓ annotated and predicted, + predicted "
    "only, − annotated only; the number is the model's score between 0 and 1, to be compared within one model only."
)
KINDS: dict[Kind, tuple[str, str]] = {
    "contradiction": ("Contradictions: both tags on one clip", "any contradiction"),
    "synonym": ("Synonyms: one tag without the other", "any synonym alone"),
}


@dataclass(frozen=True, kw_only=True)
class Clips:
    """Clips to listen to."""

    kind: ClassVar[str] = "clips"
    clips: tuple[HeardClip, ...]

    @property
    def cards(self) -> Iterator["ClipCard"]:
        return (ClipCard(clip=clip) for clip in self.clips)

    def markdown(self) -> str:
        lines = []
        for card in self.cards:
            clip = card.clip
            lines.append(f"- **{clip.tag}** {card.where}: {', '.join(clip.annotated)}")
            lines += [f"  - ! annotations: {'; '.join(clip.flags)}"] if clip.flags else []
            for opinion in clip.opinions:
                told = "; ".join(f"{SIGNS[one.mark]} {one.tag} {one.score:.2f}" for one in opinion.tags)
                lines.append(f"  - {opinion.model}: {told or 'no tag'}")
                lines += [f"    - ! {'; '.join(opinion.flags)}"] if opinion.flags else []
        return "\n".join(map(escaped_markdown, lines))


@dataclass(frozen=True, kw_only=True)
class ClipCard:
    """What the template shows of one clip."""

    clip: HeardClip
    signs: ClassVar[dict[Mark, str]] = SIGNS

    @property
    def where(self) -> str:
        excerpt = self.clip.excerpt
        when = f", {excerpt.start:.3g} to {excerpt.start + excerpt.seconds:.3g} s" if excerpt else ""
        return f"{self.clip.path}{when}"

    @property
    def audio(self) -> str:
        """MP3 as base64; empty without an excerpt."""
        return as_base64(self.clip.excerpt.audio) if self.clip.excerpt else ""

    @property
    def picture(self) -> str:
        """PNG as base64; empty without an excerpt."""
        return as_base64(log_mel_picture(self.clip.excerpt.log_mel)) if self.clip.excerpt else ""


def clips_section(run: RunData, evidence: Evidence, pairs: TagPairs) -> Section:
    """Anchor "clips": the baseline's first seed and that of its best rival on validation. Its table is pairs.csv."""
    notes: list[str] = []
    baseline = run.study.baseline.name
    arms = [arm for arm in (baseline, best_rival(run, tuple(evidence.arms))) if arm]
    listeners = [one for arm in arms if (one := first_listener(run, arm, notes))]
    if not listeners:
        lines = ("No completed confirm trial listens yet.", *notes)
        return Section(anchor="clips", title=TITLE, parts=[Text(lines=lines)])
    clips = heard_clips(run.corpus, _excerpts(run, notes), listeners, pairs)
    unheard = [tag for tag in run.corpus.tags if tag not in {clip.tag for clip in clips}]
    if unheard:
        notes.append(f"{len(unheard)} of {len(run.corpus.tags)} tags have no clip of their own: {', '.join(unheard)}.")
    counts = _counts(run, listeners, pairs)
    parts: list[Part] = [
        *_pair_grids(run, listeners, pairs, counts),
        Text(lines=(HOW, _thresholds(listeners), *notes), soft=True),
        Clips(clips=tuple(clips)),
    ]
    return Section(anchor="clips", title=TITLE, parts=parts, tables={} if counts.empty else {"pairs": counts})


def _excerpts(run: RunData, notes: list[str]) -> Sequence[Excerpt]:
    try:
        excerpts = read_excerpts(run.folders[0])
    except RecordError as error:
        notes.append(f"The clips cannot be heard: {error}")
        return ()
    test = set(run.corpus.rows("test").tolist())
    if strangers := [one for one in excerpts if one.row not in test]:
        told = ", ".join(f"{one.tag} (row {one.row})" for one in strangers)
        notes.append(f"Excerpts that are of no test clip are left out: {told}.")
    heard = [one for one in excerpts if one.row in test]
    if not heard:
        notes.append("This run holds no audio of its test clips: they are told, not heard.")
    return heard


def _thresholds(listeners: Sequence[Listener]) -> str:
    told = "; ".join(f"{one.name}: {logistic(one.decided.threshold):.2f}" for one in listeners)
    return f"A tag is predicted above its model's threshold ({told})."


# --- pairs -----------------------------------------------------------------------------------------------------------


def _sources(run: RunData, listeners: Sequence[Listener]) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    annotated = run.corpus.labels[run.corpus.rows("test")].astype(np.bool_)
    return [(ANNOTATIONS, annotated), *((one.name, one.decided.predicted) for one in listeners)]


def _counts(run: RunData, listeners: Sequence[Listener], pairs: TagPairs) -> pd.DataFrame:
    return pair_counts(pairs, run.corpus.tags, _sources(run, listeners))


def _pair_grids(run: RunData, listeners: Sequence[Listener], pairs: TagPairs, counts: pd.DataFrame) -> list[Part]:
    if counts.empty:
        return [Text(lines=("No tags of this corpus are known to be synonyms or to exclude each other.",))]
    return [
        _pair_grid(run, listeners, pairs, counts[counts["kind"] == kind], kind)
        for kind in KINDS
        if (counts["kind"] == kind).any()
    ]


def _pair_grid(run: RunData, listeners: Sequence[Listener], pairs: TagPairs, counts: pd.DataFrame, kind: Kind) -> Grid:
    """The pairs flagged most often, by whomever, and all together."""
    title, total = KINDS[kind]
    sources = _sources(run, listeners)
    n_clips = len(sources[0][1])
    table = counts.assign(cell=[_share(n, of) for n, of in zip(counts["n_flagged"], counts["n_either"], strict=True)])
    order = counts.groupby(["tag", "other"], sort=False)["n_flagged"].max().sort_values(ascending=False, kind="stable")
    cells = {(row.tag, row.other, row.by): row.cell for row in table.itertuples()}
    rows = [
        (f"{one} / {other}", *(str(cells[one, other, by]) for by, _ in sources))
        for one, other in list(order.index)[:MOST_PAIRS]
    ]
    together = (_share(n_flagged_clips(pairs, kind, run.corpus.tags, chosen), n_clips) for _, chosen in sources)
    n_more = len(order) - MOST_PAIRS
    left_out = f" {n_more} more in pairs.csv." if n_more > 0 else ""
    return Grid(
        title=title,
        head=("pair", *(by for by, _ in sources)),
        rows=(*rows, (total, *together)),
        right=(False, *(True for _ in sources)),
        notes=(f"Of the test clips that have either tag; last row: of all {n_clips:,} test clips.{left_out}",),
    )


def _share(n: int, of: int) -> str:
    return f"{n:,} of {of:,} ({n / of:.1%})" if of else "0 of 0"


# --- pictures --------------------------------------------------------------------------------------------------------


def log_mel_picture(log_mel: npt.NDArray[np.uint8]) -> bytes:
    """A PNG of a few KB, low bands at the bottom, loud bright. Larger tables are thinned to means of blocks."""
    table = _thinned(_thinned(log_mel.astype(np.float64), BANDS).T, FRAMES).T
    levels = np.round(table / 255 * (LEVELS - 1)) / (LEVELS - 1)
    buffer = io.BytesIO()
    imsave(buffer, levels, vmin=0, vmax=1, cmap=matplotlib.colormaps["magma"], origin="lower", format="png")
    return buffer.getvalue()


def _thinned(table: npt.NDArray[np.float64], n_rows: int) -> npt.NDArray[np.float64]:
    """At most n_rows rows, each the mean of neighbours."""
    starts = np.linspace(0, len(table), min(n_rows, len(table)), endpoint=False).astype(np.int64)
    sizes = np.diff(starts, append=len(table))
    return np.asarray(np.add.reduceat(table, starts, axis=0) / sizes[:, None])

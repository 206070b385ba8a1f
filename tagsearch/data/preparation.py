"""A corpus made ready for a study: every front end computed, bad and too short clips left out of all of them alike.

Too short is a clip that does not hold the longest chunk, unless the study repeats such clips to fill it: then they stay
and the table notes how many they are. A split's own rule about the length of clips holds in any case.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tagsearch.data.audio import Source, audio_seconds
from tagsearch.data.compute import blocks_of
from tagsearch.data.corpus import BadFile, OpenCorpus, Progress, leave_out
from tagsearch.data.frontend import FrontEnd
from tagsearch.data.store import Prepared, missing_sources, prepare
from tagsearch.errors import BadAudioError, CorpusError
from tagsearch.records import SPLITS

_SAMPLED = 64  # files whose headers are read to estimate the length of all
_TOO_SHORT = "too short"
_BAD_SHARE = 0.5  # of the clips; beyond it the corpus is not what it claims to be, and no result would be about it


@dataclass(frozen=True, kw_only=True)
class DiskNeed:
    """What computing the missing features takes. `n_clips`: that some front end lacks; bytes: an estimate, of all."""

    n_clips: int
    n_bytes: int
    free_bytes: int

    def __str__(self) -> str:
        return f"about {_size(self.n_bytes)} for {self.n_clips:,} clips, {_size(self.free_bytes)} free"


def prepare_corpus(
    corpus: OpenCorpus,
    front_ends: Sequence[FrontEnd],
    *,
    cache: Path,
    progress: Progress,
    chunk_seconds: float = 0.0,
    repeat_short: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[OpenCorpus, list[Prepared]]:
    """The corpus without the clips that cannot be used, and its features, in order of `front_ends`.

    chunk_seconds: of the longest chunk that will be drawn; shorter clips are left out, or noted if `repeat_short`.
    `say` gets a line about the disk before anything is computed. Raises CorpusError if the disk is too small, too
    little of the corpus is left, or a corpus that tagsearch made is damaged."""
    need = disk_need(corpus, front_ends, cache=cache)
    if need.n_clips:
        say(f"features: {need}")
    if need.n_bytes > need.free_bytes:
        raise CorpusError(f"the disk of {cache} must hold the features, {need}; free space or choose another cache")
    prepared = [prepare(corpus, front_end, cache=cache, progress=progress) for front_end in front_ends]
    bad = {file.path: file for each in prepared for file in each.bad}
    if bad and corpus.made:
        file = next(iter(bad.values()))
        raise CorpusError(f"{corpus.root} is damaged ({file.path}: {file.text}); delete it and it is made again")
    needed = corpus.min_seconds if repeat_short else max(chunk_seconds, corpus.min_seconds)
    bad = _too_short(corpus, prepared, needed) | bad
    rest = leave_out(corpus, [bad[path] for path in corpus.table.paths.tolist() if path in bad])
    _refuse_if_little_is_left(rest, repeating_helps=needed > corpus.min_seconds)
    return (_with_repeats_noted(rest, prepared, chunk_seconds) if repeat_short else rest), prepared


def disk_need(corpus: OpenCorpus, front_ends: Sequence[FrontEnd], *, cache: Path) -> DiskNeed:
    missing = [missing_sources(corpus, front_end, cache=cache) for front_end in front_ends]
    n_bytes = sum(needed_bytes(corpus, f, sources) for f, sources in zip(front_ends, missing, strict=True))
    there = next(folder for folder in (cache, *cache.absolute().parents) if folder.exists())
    return DiskNeed(
        n_clips=max(map(len, missing), default=0), n_bytes=n_bytes, free_bytes=shutil.disk_usage(there).free
    )


def needed_bytes(corpus: OpenCorpus, front_end: FrontEnd, sources: Sequence[Source]) -> int:
    """An estimate of the features of `sources`, from the headers of at most 64 of them, evenly spaced."""
    places = np.linspace(0, len(sources), min(_SAMPLED, len(sources)), endpoint=False).astype(int)
    sampled = [sources[place] for place in places]
    seconds = [length for source in sampled if (length := _seconds(corpus, source)) is not None]
    if not seconds:
        return 0
    frames = front_end.frames(float(np.mean(seconds)))
    return len(sources) * frames * front_end.n_rows * blocks_of(front_end).dtype.itemsize


def _seconds(corpus: OpenCorpus, source: Source) -> float | None:
    try:
        return audio_seconds(corpus.root / source.path, npy_rate=corpus.sample_rate)
    except (BadAudioError, OSError):
        return None  # a bad file will be found when it is its turn


def _too_short(corpus: OpenCorpus, prepared: Sequence[Prepared], seconds: float) -> dict[str, BadFile]:
    """Clips that do not hold so much audio, by path."""
    short: dict[str, BadFile] = {}
    for each in prepared:
        least, step = each.front_end.frames(seconds), each.front_end.frame_seconds
        for path, place in each.places.items():
            if place.n_frames < least:
                detail = f"{place.n_frames * step:.2f} s, needed are {seconds:g} s"
                short[path] = BadFile(path=path, reason=_TOO_SHORT, detail=detail)
    return short


def _with_repeats_noted(corpus: OpenCorpus, prepared: Sequence[Prepared], seconds: float) -> OpenCorpus:
    short, table = _too_short(corpus, prepared, seconds), corpus.table
    n_short = sum(path in short for path in table.paths.tolist())
    if not n_short:
        return corpus
    note = (
        f"{n_short:,} of {len(table.paths):,} clips are shorter than the longest chunk, {seconds:.4g} s, and are "
        "repeated to fill it."
    )
    return replace(corpus, table=replace(table, notes=(*table.notes, note)))


def _refuse_if_little_is_left(corpus: OpenCorpus, *, repeating_helps: bool) -> None:
    n_left, n_bad = len(corpus.table.clip_ids), len(corpus.bad)
    if not n_bad:
        return
    ((usual, _),) = Counter(file.reason for file in corpus.bad).most_common(1)
    way_on = f"is {corpus.root} the right folder?"
    if usual == _TOO_SHORT and repeating_helps:
        way_on = "choose models with shorter chunks, or repeat short clips: data.pad: repeat"
    first = f"the first is {corpus.bad[0].path}: {corpus.bad[0].text}"
    if n_bad > _BAD_SHARE * (n_left + n_bad):
        raise CorpusError(
            f"at least half of the clips must be usable; {n_bad:,} of {n_left + n_bad:,} of corpus {corpus.table.name} "
            f"are not, {first}; {way_on}"
        )
    for split in SPLITS:
        if not len(corpus.table.rows(split)):
            raise CorpusError(
                f"the {split} split of corpus {corpus.table.name} is empty without its {n_bad:,} bad files; {first}; "
                f"{way_on}"
            )


def _size(n_bytes: int) -> str:
    unit, name = next((pair for pair in ((1e9, "GB"), (1e6, "MB")) if n_bytes >= pair[0]), (1e3, "kB"))
    n = n_bytes / unit
    return f"{n:,.1f} {name}" if n < 10 else f"{n:,.0f} {name}"

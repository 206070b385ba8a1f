"""Writing the built-in corpus, once: composed, annotated and rendered song by song on all cores, in MTAT's layout.

A corpus is made in a hidden folder beside its place and renamed when it is whole, under a lock: a folder with a
corpus's name is complete, whoever is killed when, and two processes that start at once make it once.
"""

import csv
import hashlib
import io
import logging
import shutil
from collections.abc import Generator
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from tagsearch.data.building import building
from tagsearch.data.builtin.annotate import annotate
from tagsearch.data.builtin.plan import Purpose, SongPlan, generator, plan
from tagsearch.data.builtin.score import SongScore, compose
from tagsearch.data.builtin.synth import render
from tagsearch.data.corpus import Progress
from tagsearch.data.mtat import ANNOTATIONS, SAMPLE_RATE
from tagsearch.data.processes import n_cores, refuse_unguarded_script, worker_pool
from tagsearch.data.tags import TOP_50
from tagsearch.errors import CorpusError
from tagsearch.files import write_json, write_text

log = logging.getLogger(__name__)

VERSION = 1  # of the music and its labels: raise it when either changes, and pin the new fingerprint in the tests
DESCRIPTION = "corpus.json"
_SONGS_AT_ONCE = 4  # handed to a process
_WORTH_A_POOL = 24  # songs; fewer are done before other processes have started

Labels = npt.NDArray[np.uint8]
SongResult = tuple[bytes, Labels]  # digest of the score, labels (n_clips, 50)


def make_corpus(store: Path, name: str, *, n_albums: int, seed: int, progress: Progress) -> Path:
    """The folder `name-s<seed>-v<version>-<fingerprint>` in `store`; made if it isn't there. One name, one size.

    Raises CorpusError if it cannot be written."""
    refuse_unguarded_script("corpora are composed")
    stem = f"{name}-s{seed}-v{VERSION}-"
    if ready := _find(store, stem):
        return ready
    try:
        store.mkdir(parents=True, exist_ok=True)
        with building(store / f".{stem}lock", "the built-in corpus"):
            return _find(store, stem) or _make(store, stem, plan(n_albums, seed), seed, progress)
    except (OSError, soundfile.SoundFileError) as error:
        raise CorpusError(f"cannot write the built-in corpus to {store}: {error}; free space or move it") from error
    except BrokenProcessPool as error:
        raise CorpusError(
            "a process composing the built-in corpus ended early (killed? no memory?); start again"
        ) from error


def _find(store: Path, stem: str) -> Path | None:
    return next((folder.parent for folder in sorted(store.glob(f"{stem}*/{DESCRIPTION}"))), None)


def _make(store: Path, stem: str, songs: tuple[SongPlan, ...], seed: int, progress: Progress) -> Path:
    draft = store / f".{stem}draft"
    shutil.rmtree(draft, ignore_errors=True)  # left by a process that was killed: we hold the lock
    try:
        fingerprint = _write(draft, songs, seed, progress)
        made = store / f"{stem}{fingerprint[:8]}"
        if made.exists():  # without the description that makes it a corpus
            log.warning("%s lacks %s and is made again", made, DESCRIPTION)
            shutil.rmtree(made)
        return draft.rename(made)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)  # half a corpus is of no use
        raise


def _write(draft: Path, songs: tuple[SongPlan, ...], seed: int, progress: Progress) -> str:
    """All files of a corpus into an empty folder; its fingerprint."""
    for folder in sorted({song.folder for song in songs}):
        (draft / folder).mkdir(parents=True)
    n_clips = sum(song.n_clips for song in songs)
    results: list[SongResult] = []
    progress("composing corpus", 0, n_clips)
    with closing(_results(songs, seed, draft)) as finished:
        for song, result in zip(songs, finished, strict=True):
            results.append(result)
            progress("composing corpus", song.first_clip + song.n_clips - 1, n_clips)
    fingerprint = fingerprint_of(songs, results)
    labels = _annotations(songs, results)
    write_text(draft / ANNOTATIONS, labels)
    facts = {"fingerprint": fingerprint, "n_clips": n_clips, "version": VERSION, "seed": seed}
    write_json(draft / DESCRIPTION, facts | {"labels_sha256": hashlib.sha256(labels.encode()).hexdigest()})
    return fingerprint


def _results(songs: tuple[SongPlan, ...], seed: int, folder: Path) -> Generator[SongResult]:
    """What `_make_song` gives for each song, in order."""
    work = partial(_make_song, seed=seed, folder=folder)
    if n_cores() == 1 or len(songs) < _WORTH_A_POOL:
        yield from map(work, songs)
        return
    with worker_pool(n_cores()) as pool:
        yield from pool.map(work, songs, chunksize=_SONGS_AT_ONCE)


def _make_song(song: SongPlan, *, seed: int, folder: Path) -> SongResult:
    score = compose(song, seed)
    for path, audio in zip(song.paths, render(score, seed, song.index), strict=True):
        soundfile.write(folder / path, audio, SAMPLE_RATE, subtype="PCM_16")
    return _labelled(song, score, seed)


def without_audio(songs: tuple[SongPlan, ...], seed: int) -> list[SongResult]:
    """Digests and labels of the songs that `make_corpus` would write."""
    return [_labelled(song, compose(song, seed), seed) for song in songs]


def _labelled(song: SongPlan, score: SongScore, seed: int) -> SongResult:
    return score.digest(), annotate(score, generator(seed, Purpose.LISTENER, song.index))


def fingerprint_of(songs: tuple[SongPlan, ...], results: list[SongResult]) -> str:
    """Hash of paths, notes and labels; the audio follows from them and VERSION, up to rounding."""
    content = hashlib.sha256(f"version {VERSION}".encode())
    for song, (digest, labels) in zip(songs, results, strict=True):
        content.update("\n".join(song.paths).encode() + digest + labels.tobytes())
    return content.hexdigest()


def _annotations(songs: tuple[SongPlan, ...], results: list[SongResult]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="\n")
    rows.writerow(["clip_id", *TOP_50, "mp3_path"])
    for song, (_, labels) in zip(songs, results, strict=True):
        for number, (path, row) in enumerate(zip(song.paths, labels.tolist(), strict=True)):
            rows.writerow([song.first_clip + number, *row, path])
    return text.getvalue()

"""The corpus that tagsearch makes itself: composed, annotated by simulated listeners, synthesised.

Read in the order plan, styles, score, annotate, instruments, synth, make. On disk it is laid out as MagnaTagATune and
read by the same loader; audio is 16 kHz mono FLAC in clips of 8 s.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from tagsearch.data import mtat
from tagsearch.data.builtin.make import DESCRIPTION, make_corpus
from tagsearch.data.corpus import OpenCorpus, Progress
from tagsearch.data.mtat import ANNOTATIONS
from tagsearch.errors import CorpusError, RecordError
from tagsearch.files import read_bytes, read_json

ALBUMS = {"full": 540, "small": 50}  # of about five clips


def load(*, cache: Path, progress: Progress, size: str, seed: int) -> OpenCorpus:
    """The built-in corpus of that size and seed, made under `cache` if it isn't there. Raises CorpusError."""
    folder = make_corpus(cache / "corpora", f"builtin-{size}", n_albums=ALBUMS[size], seed=seed, progress=progress)
    return open_made(folder, name=f"builtin-{size}-s{seed}")


def open_made(folder: Path, *, name: str) -> OpenCorpus:
    """A corpus that `make_corpus` has written, under the fingerprint of its notes and labels. Raises CorpusError if it
    is not as it was written."""
    try:
        description = read_json(folder / DESCRIPTION)
        fingerprint, n_clips = str(description["fingerprint"]), int(description["n_clips"])
        labels = hashlib.sha256(read_bytes(folder / ANNOTATIONS)).hexdigest()
        if description.get("labels_sha256", labels) != labels:  # the first corpora do not name it
            raise _damaged(folder, f"{ANNOTATIONS} was changed")
        corpus = mtat.read(folder, name=name)
    except (RecordError, KeyError, TypeError, ValueError) as error:
        raise _damaged(folder, str(error)) from error
    if corpus.bad:
        raise _damaged(folder, f"{corpus.bad[0].path}: {corpus.bad[0].reason}")
    if len(corpus.table.clip_ids) != n_clips:
        raise _damaged(folder, f"{ANNOTATIONS} lists {len(corpus.table.clip_ids)} of {n_clips} clips")
    return replace(corpus, table=replace(corpus.table, fingerprint=fingerprint), made=True)


def _damaged(folder: Path, what: str) -> CorpusError:
    return CorpusError(f"{folder} is damaged ({what}); delete it and it is made again")

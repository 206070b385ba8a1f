"""The corpus that tagsearch makes itself: composed, annotated by simulated listeners, synthesised.

Read in the order plan, styles, score, annotate, instruments, synth, make. On disk it is laid out as MagnaTagATune and
read by the same loader; audio is 16 kHz mono FLAC in clips of 8 s.
"""

from dataclasses import replace
from pathlib import Path

from tagsearch.data import mtat
from tagsearch.data.builtin.make import DESCRIPTION, make_corpus
from tagsearch.data.corpus import OpenCorpus, Progress
from tagsearch.errors import CorpusError
from tagsearch.files import read_json

ALBUMS = {"full": 540, "small": 50}  # of about five clips


def load(*, cache: Path, progress: Progress, size: str, seed: int) -> OpenCorpus:
    """The built-in corpus of that size and seed, made under `cache` if it isn't there. Raises CorpusError."""
    folder = make_corpus(cache / "corpora", f"builtin-{size}", n_albums=ALBUMS[size], seed=seed, progress=progress)
    return open_made(folder, name=f"builtin-{size}-s{seed}")


def open_made(folder: Path, *, name: str) -> OpenCorpus:
    """A corpus that `make_corpus` has written, under the fingerprint of its notes and labels."""
    corpus = mtat.read(folder, name=name)
    if corpus.bad:
        file = corpus.bad[0]
        raise CorpusError(f"{folder} is damaged ({file.path}: {file.reason}); delete it and it is made again")
    description = read_json(folder / DESCRIPTION)
    return replace(corpus, table=replace(corpus.table, fingerprint=description["fingerprint"]), made=True)

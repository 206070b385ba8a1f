"""What every corpus gives: a table of clips and labels, and the folder that holds the audio.

`open_corpus` is the door: it looks a corpus up in the registry and hands it its knobs. Needs no torch.
"""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagsearch.data.splits import overlap_notes
from tagsearch.errors import CorpusError
from tagsearch.files import write_text
from tagsearch.records import CorpusTable
from tagsearch.registry import DATA, Scalar, did_you_mean, entry

Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all
BAD_FILES = "bad_files.csv"


@dataclass(frozen=True, kw_only=True)
class BadFile:
    """An audio file that cannot be used. `path`: as in the corpus's label file; `reason`: the few words by which such
    files are counted; `detail`: what is particular to this one."""

    path: str
    reason: str
    detail: str = ""

    @property
    def text(self) -> str:
        return f"{self.reason} ({self.detail})" if self.detail else self.reason


@dataclass(frozen=True, kw_only=True)
class OpenCorpus:
    """A corpus ready to be read. `root`: the folder that `table.paths` are relative to; `sample_rate`: in Hz, of audio
    that does not say it itself (.npy); `bad`: files that cannot be used, already left out of the table; `min_seconds`:
    clips shorter than that do not belong to the corpus's split; `made`: by tagsearch itself, so that it can be made
    again if a file is bad."""

    table: CorpusTable
    root: Path
    sample_rate: int
    bad: tuple[BadFile, ...] = ()
    min_seconds: float = 0.0
    made: bool = False


def open_corpus(data: Mapping[str, Scalar], *, cache: Path, progress: Progress) -> OpenCorpus:
    """The corpus that a study's `data:` names: "corpus" and that corpus's own knobs, the others at their defaults. The
    settings that every corpus has (registry.DATA) are checked; they do not concern what is read here.

    `cache`: folder for what tagsearch makes itself. Raises UnknownNameError or CorpusError."""
    known = entry("corpus", str(data["corpus"]))
    given = {name: value for name, value in data.items() if name != "corpus"}
    allowed = {**known.knobs, **DATA}
    for name, value in given.items():
        if name not in allowed:
            raise CorpusError(f"corpus {data['corpus']} has no setting {name!r}{did_you_mean(name, allowed)}")
        if complaint := allowed[name].complaint(value):
            raise CorpusError(f"corpus {data['corpus']}: {name} {complaint}")
    settings = {name: given.get(name, knob.default) for name, knob in known.knobs.items()}
    corpus: OpenCorpus = known.load()(cache=cache, progress=progress, **settings)
    return corpus


def leave_out(corpus: OpenCorpus, bad: Sequence[BadFile]) -> OpenCorpus:
    """The corpus without the clips of the `bad` files: another table, with another fingerprint and a note.

    The note counts files that were left out before, too, and a note on shared artists counts what is left. The same
    object if there is nothing to leave out or to note."""
    table, everything = corpus.table, (*corpus.bad, *bad)
    kept = ~np.isin(table.paths, [file.path for file in bad])
    assert np.count_nonzero(~kept) == len(bad), "bad files that the table does not hold, or twice"
    rest = table.taken(np.flatnonzero(kept))
    shared = overlap_notes(table.artists, table.splits)
    stale = {_left_out(corpus.bad, len(table.paths)), *shared}
    notes = tuple(note for note in table.notes if note not in stale)
    if not set(shared).isdisjoint(table.notes):
        notes += overlap_notes(rest.artists, rest.splits)
    if everything:
        notes += (_left_out(everything, len(rest.paths)),)
    if not bad and notes == table.notes:
        return corpus
    rest = replace(rest, notes=notes, fingerprint=_fingerprint(table, rest.paths))
    return replace(corpus, table=rest, bad=everything)


def _fingerprint(table: CorpusTable, kept: npt.NDArray[np.str_]) -> str:
    """Of the table with the `kept` paths only."""
    if len(kept) == len(table.paths):
        return table.fingerprint
    return hashlib.sha256("\n".join([table.fingerprint, *kept.tolist()]).encode()).hexdigest()


def _left_out(bad: Sequence[BadFile], n_left: int) -> str:
    return f"{len(bad):,} of {len(bad) + n_left:,} clips are left out ({counts_by_reason(bad)}): see {BAD_FILES}"


def counts_by_reason(bad: Sequence[BadFile]) -> str:
    """ "3 empty, 1 truncated": the most frequent first."""
    return ", ".join(f"{n:,} {reason}" for reason, n in Counter(file.reason for file in bad).most_common())


def write_bad_files(folder: Path, bad: Sequence[BadFile]) -> Path:
    """`bad_files.csv` with columns path and reason."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["path", "reason"])
    rows.writerows([file.path, file.text] for file in bad)
    write_text(folder / BAD_FILES, text.getvalue())
    return folder / BAD_FILES

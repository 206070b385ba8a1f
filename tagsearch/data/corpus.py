"""What every corpus gives: a table of clips and labels, and the folder that holds the audio.

`open_corpus` is the door: it looks a corpus up in the registry and hands it its knobs. Needs no torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tagsearch.errors import CorpusError
from tagsearch.records import CorpusTable
from tagsearch.registry import Scalar, did_you_mean, entry

Progress = Callable[[str, int, int], None]  # what is being done, steps done, steps in all


@dataclass(frozen=True, kw_only=True)
class BadFile:
    """An audio file that cannot be used. `path`: as in the corpus's label file; `reason`: a few words."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class OpenCorpus:
    """A corpus ready to be read. `root`: the folder that `table.paths` are relative to; `sample_rate`: in Hz, of audio
    that does not say it itself (.npy); `bad`: files found missing or empty, already left out of the table;
    `min_seconds`: clips shorter than that do not belong to the corpus's split."""

    table: CorpusTable
    root: Path
    sample_rate: int
    bad: tuple[BadFile, ...] = ()
    min_seconds: float = 0.0


def open_corpus(data: Mapping[str, Scalar], *, cache: Path, progress: Progress) -> OpenCorpus:
    """The corpus that a study's `data:` names: "corpus" and that corpus's own knobs, the others at their defaults.

    `cache`: folder for what tagsearch makes itself. Raises UnknownNameError or CorpusError."""
    known = entry("corpus", str(data["corpus"]))
    given = {name: value for name, value in data.items() if name != "corpus"}
    for name, value in given.items():
        if name not in known.knobs:
            raise CorpusError(f"corpus {data['corpus']} has no setting {name!r}{did_you_mean(name, known.knobs)}")
        if complaint := known.knobs[name].complaint(value):
            raise CorpusError(f"corpus {data['corpus']}: {name} {complaint}")
    settings = {name: given.get(name, knob.default) for name, knob in known.knobs.items()}
    corpus: OpenCorpus = known.load()(cache=cache, progress=progress, **settings)
    return corpus

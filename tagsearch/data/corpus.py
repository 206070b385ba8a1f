"""An opened corpus: its clips and labels, and where its audio lies."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tagsearch.records import CorpusTable

Progress = Callable[[str, int, int], None]  # what, done, total


@dataclass(frozen=True)
class OpenCorpus:
    """`root` is the folder that `table.paths` are relative to; `sample_rate` in Hz."""

    table: CorpusTable
    root: Path
    sample_rate: int
    notes: tuple[str, ...] = ()

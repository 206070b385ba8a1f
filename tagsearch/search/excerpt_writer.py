"""Excerpts of the test clips, written when the confirm phase begins, the only phase that touches the test split."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.hearing import cut_excerpts
from tagsearch.excerpts import has_excerpts, write_excerpts
from tagsearch.records import Phase, Trial
from tagsearch.search.observers import Observer


class ExcerptWriter(Observer):
    """A run without excerpts is whole all the same: what goes wrong is said and no more."""

    def __init__(self, run: Path, corpus: OpenCorpus, *, say: Callable[[str], None]) -> None:
        self._run = run
        self._corpus = corpus
        self._say = say

    def phase_started(
        self, phase: Phase, *, arms: Sequence[str], n_trials: int, n_slots: int, before: Sequence[Trial]
    ) -> None:
        if phase != "confirm" or has_excerpts(self._run):
            return
        try:
            write_excerpts(self._run, cut_excerpts(self._corpus, say=self._say))
        except OSError as error:
            self._say(f"no excerpts of test clips: {error}")

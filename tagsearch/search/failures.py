"""Failures of trials: whose they are, and when a trial is given up.

A machine that is lost (a spot machine taken back, power, network) or does not see the storage is no fault of the trial
that was on it, which goes on elsewhere and keeps its retries. Ray's own count knows no such difference, so it is
switched off; this one is asked by the scheduler. No trial goes on for ever: of the machines lost one after the other
without an epoch in between, those after the third count (the trial itself may exhaust their memory), and a phase whose
trials meet only machines without the storage is ended.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tagsearch.errors import StorageUnseenError
from tagsearch.records import history_so_far

_LOST = ("is unavailable: ", "its node has died")  # Ray's words; a process that dies on a machine that lives has others
_UNSEEN = re.compile(rf"{StorageUnseenError.__name__}: (.+)")
_FREE_LOSSES = 3  # in a row
_MOST_UNSEEN = 10  # in a row; each has waited for the mount, see trainable


class Failures:
    """Of the trials in `folder`. `notice`: gets a line for what is a machine's fault.

    blind: what is wrong with the machines that no trial gets past, "" if nothing is; dropped: trials that Ray gave up
    and we would not; n_retries: how often each trial was begun again; words: Ray's of each trial's last failure."""

    def __init__(self, folder: Path, *, max_retries: int, notice: Callable[[str], None]) -> None:
        self._folder = folder
        self._max_retries = max_retries
        self._notice = notice
        self._counted: Counter[str] = Counter()
        self._in_a_row: Counter[tuple[str, str]] = Counter()
        self._epochs: dict[str, int] = {}
        self._noticed: set[str] = set()
        self.n_retries: Counter[str] = Counter()
        self.words: dict[str, str] = {}
        self.blind = ""
        self.dropped: set[str] = set()

    def __getstate__(self) -> dict[str, object]:
        return {}  # Ray pickles its scheduler into tuner.pkl, which is never read back

    def add(self, trial: str, error: str) -> None:
        """The trial has failed with this text of Ray's."""
        self.words[trial] = error
        if unseen := _UNSEEN.search(error):
            self._unseen(trial, unseen[1])
        elif any(words in error for words in _LOST):
            self._lost(trial)
        else:
            self._counted[trial] += 1
        self.n_retries[trial] += not self.gives_up(trial)

    def gives_up(self, trial: str) -> bool:
        return self._counted[trial] > self._max_retries

    def _lost(self, trial: str) -> None:
        n = self._again(trial, "lost")
        self._counted[trial] += n > _FREE_LOSSES
        self._notice(f"the machine of {trial} is lost; it goes on from epoch {self._epochs[trial]} where there is room")

    def _unseen(self, trial: str, what: str) -> None:
        if what not in self._noticed:
            self._notice(f"{what}; its trials go elsewhere until then")
        self._noticed.add(what)
        if self._again(trial, "unseen") >= _MOST_UNSEEN:
            self.blind = what

    def _again(self, trial: str, what: str) -> int:
        """How often it happened to the trial since its last new epoch."""
        n_epochs = len(history_so_far(self._folder / trial))
        if n_epochs > self._epochs.get(trial, 0):
            for key in [key for key in self._in_a_row if key[0] == trial]:
                del self._in_a_row[key]
        self._epochs[trial] = n_epochs
        self._in_a_row[trial, what] += 1
        return self._in_a_row[trial, what]

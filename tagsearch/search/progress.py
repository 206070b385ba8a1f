"""What the user sees while a run goes on: a live table of arms on a terminal, a line now and then elsewhere."""

import errno
import io
import logging
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from tagsearch.records import Phase, State, Trial, TrialResult, TrialSpec
from tagsearch.search.observers import Observer
from tagsearch.study.plan_text import duration
from tagsearch.study.schema import Study

_LINE_EVERY_S = 30.0  # without a terminal
_STATES = (State.PENDING, State.RUNNING, State.COMPLETED, State.STOPPED, State.DIVERGED, State.FAILED)


def console() -> Console:
    """A console on a duplicate of standard output, which goes on when descriptor 1 is sent to Ray's log. It prints
    what it is given: paths may hold brackets, which are no markup."""
    out = io.TextIOWrapper(io.BufferedWriter(_Out(os.dup(1), "w")), line_buffering=True)
    return Console(file=out, highlight=False, markup=False, emoji=False, soft_wrap=True)


class _Out(io.FileIO):
    """A run goes on when nobody reads any more: Ctrl-C ends the `tee` of a pipe, too, and a terminal may be closed."""

    def write(self, content: Any, /) -> Any:
        try:
            return super().write(content)
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.EIO):
                raise
            return memoryview(content).nbytes


class _Shown(logging.Handler):
    def __init__(self, out: Console) -> None:
        super().__init__(logging.WARNING)
        self._out = out

    def emit(self, record: logging.LogRecord) -> None:
        self._out.print(f"{record.levelname.lower()}: {record.getMessage()}")


def show_warnings(out: Console) -> None:
    """tagsearch's warnings go there: standard error is sent to Ray's log while a run is under way."""
    logging.getLogger("tagsearch").handlers[:] = [_Shown(out)]


class ProgressBars:
    """`Progress` of the data stages: one bar per stage on a terminal, one line per stage elsewhere."""

    def __init__(self, out: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=out, transient=True, disable=not out.is_terminal)
        self._out = out
        self._tasks: dict[str, tuple[TaskID, float]] = {}

    def __enter__(self) -> "ProgressBars":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = (self._bar.add_task(what, total=total), time.monotonic())
        task, start = self._tasks[what]
        self._bar.update(task, completed=done)
        if done == total:
            self._out.print(f"{what}: {total} in {time.monotonic() - start:.0f} s")


class LiveTable(Observer):
    """Arms x state counts, best objective so far, time left."""

    def __init__(self, study: Study, out: Console, *, quiet: bool = False, verbose: bool = False) -> None:
        self._study = study
        self._out = out
        self._quiet = quiet
        self._verbose = verbose
        self._live: Live | None = None

    def phase_started(
        self, phase: Phase, *, arms: Sequence[str], n_trials: int, n_slots: int, before: Sequence[Trial]
    ) -> None:
        self._phase = phase
        self._arms = arms
        self._n_trials = n_trials
        self._ended = Counter((t.spec.arm, t.result.state) for t in before if t.result is not None)
        self._n_before = self._ended.total()
        self._running: dict[str, str] = {}  # trial -> arm
        self._best: dict[str, float] = {}
        self._epochs: Counter[str] = Counter()
        self._start = self._last_line = time.monotonic()
        if self._quiet:
            return
        self._out.print(f"{phase} phase: {n_trials} trials, {n_slots} at a time")
        if self._out.is_terminal:
            self._live = Live(get_renderable=self._table, console=self._out, refresh_per_second=2, transient=True)
            self._live.start()

    def trial_started(self, spec: TrialSpec) -> None:
        self._running[spec.name] = spec.arm

    def epoch_done(self, spec: TrialSpec, row: Mapping[str, float]) -> None:
        self._epochs[spec.arm] += 1
        value = row.get(self._study.objective)
        if value is not None:
            better = max if self._study.direction == "max" else min
            self._best[spec.arm] = better(self._best.get(spec.arm, value), value)
        self._line_now_and_then()

    def trial_ended(self, spec: TrialSpec, result: TrialResult) -> None:
        self._running.pop(spec.name, None)
        self._ended[spec.arm, result.state] += 1
        if result.state is State.FAILED:
            self._out.print(f"FAILED {spec.name}: see traceback.txt in its folder")
        elif self._verbose:
            best = "" if result.best is None else f", {self._study.objective} {result.best:.4f}"
            self._out.print(f"{result.state} {spec.name}: {result.stop_reason} after {result.epochs} epochs{best}")

    def notice(self, line: str) -> None:
        self._out.print(line)

    def phase_ended(self, phase: Phase) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        if not self._quiet:
            self._out.print(f"{phase} phase: {self._summary()} in {duration(time.monotonic() - self._start)}")

    def _counts(self) -> Counter[tuple[str, State]]:
        """Trials by arm and state, without a look at every trial that has ended."""
        return self._ended + Counter((arm, State.RUNNING) for arm in self._running.values())

    def _summary(self) -> str:
        counts: Counter[State] = Counter()
        for (_, state), n in self._counts().items():
            counts[state] += n
        return ", ".join(f"{counts[state]} {state.lower()}" for state in _STATES if counts[state]) or "nothing to do"

    def _line_now_and_then(self) -> None:
        if self._quiet or self._live is not None or time.monotonic() - self._last_line < _LINE_EVERY_S:
            return
        self._last_line = time.monotonic()
        best = ", ".join(f"{arm} {value:.4f}" for arm, value in self._best.items())
        self._out.print(f"  {self._summary()} of {self._n_trials}; best {self._study.objective}: {best}{self._eta()}")

    def _eta(self) -> str:
        n_ended = self._ended.total()
        n_ended_here = n_ended - self._n_before
        if not n_ended_here:
            return ""
        left = (time.monotonic() - self._start) * (self._n_trials - n_ended) / n_ended_here
        return f"; about {duration(left)} left"

    def _table(self) -> Table:
        table = Table(title=f"{self._phase} phase{self._eta()}", title_justify="left", box=None, pad_edge=False)
        for name in ("arm", *(state.lower() for state in _STATES[1:]), "epochs", f"best {self._study.objective}"):
            table.add_column(name, justify="left" if name == "arm" else "right")
        counts = self._counts()
        for arm in self._arms:
            cells = [str(counts[arm, state] or "") for state in _STATES[1:]]
            best = f"{self._best[arm]:.4f}" if arm in self._best else ""
            table.add_row(arm, *cells, str(self._epochs[arm]), best)
        return table

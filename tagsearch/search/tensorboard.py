"""Every trial in TensorBoard, written by the driver straight into the trial's folder.

Hyperparameters are written when a trial starts and its state when it ends, so that running, stopped and killed trials
appear in the HParams view too; "best/..." is the best value so far, which that view shows.
"""

import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter
from tensorboardX.proto.api_pb2 import Status
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo
from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboardX.record_writer import RecordWriter
from tensorboardX.summary import hparams, scalar, text

from tagsearch.records import Phase, State, Trial, TrialResult, TrialSpec, read_trials
from tagsearch.registry import OBJECTIVES
from tagsearch.search.observers import Observer

_BEST = tuple(f"best/{name}" for name in OBJECTIVES)
_FLUSH_S = 2  # a flush waits for the disk, which the driver has no time for at every epoch of every trial
_FIGURES = ".figures"  # suffix of their event files
UNFINISHED = f"{_FIGURES}.part"  # while they are drawn
_STATUS = {State.COMPLETED: "STATUS_SUCCESS", State.STOPPED: "STATUS_SUCCESS"}


class TensorBoard(Observer):
    """One event file a trial and process."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._writers: dict[str, _Events] = {}
        self._best: dict[str, dict[str, float]] = {}

    def trial_started(self, spec: TrialSpec) -> None:
        if spec.name in self._writers:  # a retry
            self._writers.pop(spec.name).close()
        writer = _Events(self._run / spec.phase / spec.name)
        knobs = {"phase": spec.phase, "arm": spec.arm, "seed": spec.seed, **spec.config}
        experiment, start, _ = hparams(knobs, dict.fromkeys(_BEST))
        for summary in (experiment, start):
            writer.add(summary)
        self._writers[spec.name] = writer
        self._best[spec.name] = {}

    def epoch_done(self, spec: TrialSpec, row: Mapping[str, float]) -> None:
        writer, best, epoch = self._writers[spec.name], self._best[spec.name], int(row["epoch"])
        for name, value in row.items():
            if name != "epoch":
                writer.add(scalar(name if "/" in name or name == "lr" else f"cost/{name}", value), epoch)
        for name, direction in OBJECTIVES.items():
            if name in row:
                better = max if direction == "max" else min
                best[name] = better(best.get(name, row[name]), row[name])
                writer.add(scalar(f"best/{name}", best[name]), epoch)
        writer.flush_now_and_then()

    def trial_ended(self, spec: TrialSpec, result: TrialResult) -> None:
        if spec.name not in self._writers:  # given up before it had begun
            self.trial_started(spec)
        writer = self._writers.pop(spec.name)
        del self._best[spec.name]
        status = Status.Value(_STATUS.get(result.state, "STATUS_FAILURE"))
        writer.add(_session_end(status))
        writer.add(text("result", f"{result.state}: {result.stop_reason}"))
        writer.close()

    def phase_ended(self, phase: Phase) -> None:
        with ExitStack() as closing:
            for writer in self._writers.values():  # trials that were interrupted
                closing.callback(writer.close)
        self._writers.clear()


class _Events:
    """An event file that is written by whoever adds to it. tensorboardX's own writer has a thread and a queue: a full
    disk ends the one, and whoever fills the other waits for ever."""

    def __init__(self, folder: Path) -> None:
        goes_on = any(folder.glob("events.*"))
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}"  # as TensorBoard looks for it
        self._file = RecordWriter(str(folder / name))
        self._flushed = time.monotonic()
        self._write(Event(file_version="brain.Event:2"))
        if goes_on:  # epochs that a killed process wrote after its last checkpoint are written again
            self._write(Event(session_log=SessionLog(status=SessionLog.START)))

    def add(self, summary: Summary, step: int = 0) -> None:
        self._write(Event(summary=summary, step=step))

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        self._file.write(event.SerializeToString())

    def flush_now_and_then(self) -> None:
        if time.monotonic() - self._flushed >= _FLUSH_S:
            self._file.flush()
            self._flushed = time.monotonic()

    def close(self) -> None:
        try:
            self._file.flush()
        finally:
            self._file.close()


def _session_end(status: Any) -> Summary:
    end = SessionEndInfo(status=status, end_time_secs=time.time())
    content = HParamsPluginData(session_end_info=end, version=0).SerializeToString()
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=content)
    return Summary(
        value=[Summary.Value(tag="_hparams_/session_end_info", metadata=SummaryMetadata(plugin_data=plugin))]
    )


def add_figures(run: Path, draw: Callable[[Path, Trial], Mapping[str, Any]]) -> None:
    """Pictures into the views of the confirm trials that have none yet. `draw`: a run's trial as named matplotlib
    figures."""
    for trial in read_trials(run, "confirm"):
        if trial.state is State.COMPLETED and not any(trial.folder.glob(f"*{_FIGURES}")):
            for left in trial.folder.glob(f"*{UNFINISHED}"):
                left.unlink()
            with SummaryWriter(str(trial.folder), filename_suffix=UNFINISHED) as writer:
                for name, figure in draw(run, trial).items():
                    writer.add_figure(name, figure, global_step=trial.result.best_epoch if trial.result else 0)
            (drawn,) = trial.folder.glob(f"*{UNFINISHED}")
            drawn.rename(drawn.with_suffix(""))

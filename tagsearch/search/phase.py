"""One phase of a run on Ray Tune: planned trials in, ended trials on disk.

Conventions: a trial's own process writes its checkpoints, history and (completed or diverged) its record; the driver
writes the records of trials that were stopped by ASHA or failed for good.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ray import tune

from tagsearch.errors import ClusterError, InterruptedRunError, StoppedError, StorageError, TagsearchError
from tagsearch.files import write_text
from tagsearch.records import (
    HISTORY_COLUMNS,
    Phase,
    State,
    TrialResult,
    TrialSpec,
    history_so_far,
    read_result,
    result_from_history,
    write_result,
)
from tagsearch.search.asha import ArmScheduler, Rungs
from tagsearch.search.failures import Failures
from tagsearch.search.observers import Observer, notices
from tagsearch.search.ray_files import RayFiles
from tagsearch.search.searcher import PlannedSearcher, Propose
from tagsearch.search.signals import deferred, first_heard, interrupt_if_heard, stopped
from tagsearch.search.storage import StorageWatch
from tagsearch.search.trainable import ERROR_FILE, STORAGE, TrialActor, is_end
from tagsearch.study.schema import Study
from tagsearch.training.hang import where_it_hung
from tagsearch.training.outcome import tidy

Told = Callable[[TrialSpec, TrialResult], None]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where and how many trials run at once. Memory and GPUs are Ray's to give."""

    n_slots: int
    gpus_per_trial: float
    max_retries: int  # of a trial that fails by a fault of its own
    time_budget_s: float | None  # of this phase


def run_phase(
    phase: Phase,
    *,
    study: Study,
    folder: Path,
    planned: Sequence[Propose],
    trial_config: Mapping[str, Any],
    placement: Placement,
    observers: Sequence[Observer],
    rungs: Rungs | None = None,
    told: Told | None = None,
) -> None:
    """Run `planned` to their end in `folder`/<phase>/.

    What they did is on disk if it raises: StoppedError (InterruptedRunError on Ctrl-C) if some have not ended,
    StorageError if that is because the storage failed, ClusterError if the machines let none get on."""

    storage = StorageWatch(folder.resolve())
    failures = Failures(folder / phase, max_retries=placement.max_retries, notice=notices(observers))
    ending = _Ending(folder=folder / phase, study=study, rungs=rungs, failures=failures, observers=observers, told=told)
    searcher = PlannedSearcher(
        planned, folder=folder.resolve() / phase, config=trial_config, ended=ending.ended, storage=storage
    )
    tuner = tune.Tuner(
        tune.with_resources(TrialActor, {"cpu": 1, "gpu": placement.gpus_per_trial}),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=ArmScheduler(rungs, objective=study.objective, failures=failures, storage=storage),
            num_samples=len(planned),
            max_concurrent_trials=placement.n_slots,
            reuse_actors=True,
            time_budget_s=placement.time_budget_s,
            trial_name_creator=_trial_name,
            trial_dirname_creator=_trial_name,
        ),
        run_config=tune.RunConfig(
            name=phase,
            storage_path=str(folder.resolve()),
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # trials keep their own checkpoints
            failure_config=tune.FailureConfig(max_failures=-1),  # `failures` counts
            stop=_Halt(lambda: bool(first_heard() or failures.blind or storage.complaint)),
            callbacks=[RayFiles(storage), _Reports(observers, storage)],
        ),
    )
    start = time.monotonic()
    with deferred(), storage, suppress(_PhaseOverError):
        tuner.fit()
    n_missing = len(planned) - ending.n_ended
    what = f"{n_missing} trials of the {phase} phase are unfinished; what they did is kept"
    if storage.complaint:
        raise StorageError(
            f"{folder} is full or cannot be used: {storage.complaint}: {what}; free space, or see to the disk, "
            f"and go on with `tagsearch resume {folder}`"
        )
    if n_missing:
        timed_out = placement.time_budget_s is not None and time.monotonic() - start >= placement.time_budget_s
        way_on = f"{what}; go on with `tagsearch resume {folder}`"
        if len(failures.dropped) == n_missing:
            raise StoppedError(f"their processes died (a lost machine?) before they had begun: {way_on}")
        raise _unfinished(way_on, timed_out=timed_out, blind=failures.blind)
    interrupt_if_heard()


def _trial_name(trial: Any) -> str:
    return str(trial.config["name"])


class _Ending:
    """Writes the records that a trial's own process could not write, then tells everyone."""

    def __init__(
        self,
        *,
        folder: Path,
        study: Study,
        rungs: Rungs | None,
        failures: Failures,
        observers: Sequence[Observer],
        told: Told | None,
    ) -> None:
        self._folder = folder
        self._study = study
        self._rungs = rungs
        self._failures = failures
        self._observers = observers
        self._told = told
        self.n_ended = 0

    def ended(self, spec: TrialSpec) -> None:
        folder, failed = self._folder / spec.name, self._failures.gives_up(spec.name)
        written = read_result(folder)
        if written is None and not failed and not self._stopped_by_asha(spec):
            return  # Ray gave it up, at the end of a time budget or with its process: unfinished, to be continued
        result = written or self._result(folder, State.FAILED if failed else State.STOPPED)
        result = replace(result, n_retries=self._failures.n_retries[spec.name])
        if result != written:
            write_result(folder, result)
            tidy(folder, keep_weights=result.state is State.COMPLETED)
        self.n_ended += 1
        if self._told is not None:
            self._told(spec, result)
        for observer in self._observers:
            observer.trial_ended(spec, result)

    def _stopped_by_asha(self, spec: TrialSpec) -> bool:
        return self._rungs is not None and spec.name in self._rungs.stopped

    def _result(self, folder: Path, state: State) -> TrialResult:
        if state is State.FAILED:
            _keep_reason(folder, self._failures.words[folder.name])
        return result_from_history(
            history_so_far(folder),
            objective=self._study.objective,
            checkpoint=self._study.checkpoint,
            state=state,
            stop_reason="asha" if state is State.STOPPED else "error",
        )


def _keep_reason(folder: Path, words: str) -> None:
    """The reason of a failure that the trial's process could not write. words: Ray's of its last failure."""
    if hung := where_it_hung(folder):
        write_text(folder / ERROR_FILE, f"One epoch took longer than --trial-time-limit-s allows. It stood at:\n{hung}")
    elif not (folder / ERROR_FILE).exists():
        write_text(
            folder / ERROR_FILE,
            "The trial's process died without a word (killed, or out of memory), or its machines were lost one after "
            f"the other. In Ray's words:\n{words}",
        )


class _Reports(tune.Callback):  # type: ignore[misc]
    """Passes Ray's reports on to the observers."""

    def __init__(self, observers: Sequence[Observer], storage: StorageWatch) -> None:
        self._observers = observers
        self._storage = storage

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        with self._storage:
            for observer in self._observers:
                observer.trial_started(_spec(trial))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if STORAGE in result:
            self._storage.note(result[STORAGE])
        elif not is_end(result):
            row = {name: result[name] for name in HISTORY_COLUMNS if name in result}
            with self._storage:
                for observer in self._observers:
                    observer.epoch_done(_spec(trial), row)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Ray keeps ended trials to the end of the phase, with windows over each metric that only its own table of
        best trials would ask for: by far the most of what a trial leaves in memory and in Ray's snapshots."""
        trial.run_metadata.metric_analysis = {}
        trial.run_metadata.metric_n_steps = {}

    def on_experiment_end(self, trials: list[Any], **info: Any) -> None:
        """All is written by now. Ray would go on to read every report of every trial back into memory, and to unpickle
        the errors of trials from the storage and, where there is no trial, its own newest state: files that others
        could have written."""
        if sys.exception() is None:
            raise _PhaseOverError

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Ray pickles its callbacks into tuner.pkl, which is never read back


class _PhaseOverError(Exception):
    """No error: the way out of Ray's loop."""


def _spec(trial: Any) -> TrialSpec:
    return TrialSpec(**trial.config["spec"])


class _Halt(tune.Stopper):  # type: ignore[misc]
    """Ends all trials, unfinished, as soon as `halted`."""

    def __init__(self, halted: Callable[[], bool]) -> None:
        self._halted = halted

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._halted()

    def __getstate__(self) -> dict[str, Any]:
        return {}  # like the callbacks'


def _unfinished(what: str, *, timed_out: bool, blind: str) -> TagsearchError:
    if blind:
        return ClusterError(f"no machine lets the trials get on: {blind}: {what}")
    if (number := first_heard()) is not None:
        return stopped(number, what)
    if timed_out:
        return StoppedError(f"the time budget is used up: {what}")
    return InterruptedRunError(f"interrupted: {what}")  # by SIGUSR1, which Ray listens to

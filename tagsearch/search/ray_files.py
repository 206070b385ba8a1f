"""Ray's own files of a trial (params.json, result.json, progress.csv): in its folder, as it reports.

By itself Ray writes them on the driver's machine and now and then copies those of all trials, ended long ago or not, to
the storage: the more trials, the longer it takes, and what came after the last copy is lost with the driver.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray.tune.logger import CSVLoggerCallback, JsonLoggerCallback, LoggerCallback

from tagsearch.search.storage import StorageWatch
from tagsearch.search.trainable import is_end


@dataclass(frozen=True)
class _Trial:
    """What the loggers ask a trial for."""

    local_path: str
    config: Mapping[str, Any] = field(compare=False)
    checkpoint: None = None  # else they would look for a copy to go on with

    def init_local_path(self) -> None:
        """It is there."""


class RayFiles(LoggerCallback):  # type: ignore[misc]
    """Each file holds every epoch once: a trial that goes on from its checkpoint reports its earlier epochs again.
    result.json has one line more, that the trial has ended; a trial without an epoch has no table."""

    def __init__(self, storage: StorageWatch) -> None:
        self._storage = storage
        self._json, self._csv = JsonLoggerCallback(), CSVLoggerCallback()

    def log_trial_start(self, trial: Any) -> None:
        with self._storage:
            self._end(trial)
            for name in ("result.json", "progress.csv"):
                (Path(trial.config["folder"]) / name).unlink(missing_ok=True)
            self._json.log_trial_start(_seen(trial))  # the table begins with its first row

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:
        with self._storage:
            self._json.log_trial_result(iteration, _seen(trial), result)
            if not is_end(result):
                self._csv.log_trial_result(iteration, _seen(trial), result)

    def log_trial_end(self, trial: Any, failed: bool = False) -> None:
        with self._storage:
            self._end(trial)

    def _end(self, trial: Any) -> None:
        for logger in (self._json, self._csv):
            logger.log_trial_end(_seen(trial))

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Ray pickles its callbacks into tuner.pkl, which is never read back


def _seen(trial: Any) -> _Trial:
    return _Trial(trial.config["folder"], trial.config)

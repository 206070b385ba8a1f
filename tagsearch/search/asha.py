"""Early stopping that is fair to every arm: one ASHA bracket set per arm and epoch budget.

One shared set of brackets starves arms whose curves rise late, and its state is lost when the driver dies. Here each
(arm, budget) has Ray's own asynchronous successive halving to itself, and every value it sees is first appended to a
log on disk; a new process replays the log and stands where the old one stood.

Source of the rule: Li et al. 2018, arXiv:1810.05934, as implemented by ray.tune.schedulers.AsyncHyperBandScheduler.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray.tune import experiment
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, TrialScheduler

from tagsearch.errors import RecordError
from tagsearch.files import append_line, read_bytes
from tagsearch.records import Trial, TrialSpec
from tagsearch.registry import Direction
from tagsearch.search.failures import Failures
from tagsearch.search.storage import StorageWatch
from tagsearch.study.schema import Asha

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RungValue:
    """What one trial scored after `epoch` epochs of its `budget`."""

    trial: str
    arm: str
    budget: int
    epoch: int
    value: float


def rung_value(spec: TrialSpec, row: Mapping[str, float], objective: str) -> RungValue:
    """`row`: of the trial's history."""
    epoch, value = int(row["epoch"]), row[objective]
    return RungValue(trial=spec.name, arm=spec.arm, budget=spec.epochs, epoch=epoch, value=value)


class Rungs:
    """Brackets of all arms. `see` logs a value, then says whether its trial is to be stopped."""

    def __init__(self, asha: Asha, *, direction: Direction, log: Path) -> None:
        self._asha = asha
        self._direction = direction
        self._log = log
        self._brackets: dict[tuple[str, int], AsyncHyperBandScheduler] = {}
        self._seen: dict[str, int] = {}
        self.stopped: set[str] = set()
        for value in read_log(log):
            self._decide(value)

    def recall(self, trials: Iterable[Trial], objective: str) -> None:
        """Log what ended trials scored at rungs of which the log knows nothing: they will not report it again."""
        n_missing = 0
        for trial in trials:
            for row in trial.history if trial.result is not None else ():
                value = rung_value(trial.spec, row, objective)
                n_missing += self._is_news(value)
                self.see(value)
        if n_missing:
            logger.warning("%s lacked %d values: taken from the histories of ended trials", self._log, n_missing)

    def see(self, value: RungValue) -> bool:
        """True if the trial is to be stopped. A value seen before (a trial continued from its checkpoint reports its
        earlier epochs again) changes nothing."""
        if self._is_news(value):
            append_line(self._log, json.dumps(vars(value)))
            self._decide(value)
        return value.trial in self.stopped

    def _is_news(self, value: RungValue) -> bool:
        return value.epoch > self._seen.get(value.trial, 0) and value.epoch in self._asha.rungs(value.budget)

    def _decide(self, value: RungValue) -> None:
        key = (value.arm, value.budget)
        if key not in self._brackets:
            self._brackets[key] = self._new_bracket(value.budget)
        bracket, trial = self._brackets[key], SimpleNamespace(trial_id=value.trial)
        if value.trial not in self._seen:
            bracket.on_trial_add(None, trial)
        self._seen[value.trial] = value.epoch
        if bracket.on_trial_result(None, trial, {"epoch": value.epoch, "value": value.value}) == TrialScheduler.STOP:
            self.stopped.add(value.trial)

    def _new_bracket(self, budget: int) -> AsyncHyperBandScheduler:
        return AsyncHyperBandScheduler(
            time_attr="epoch",
            metric="value",
            mode=self._direction,
            max_t=budget,
            grace_period=self._asha.grace_period,
            reduction_factor=self._asha.reduction_factor,
        )


def read_log(path: Path) -> list[RungValue]:
    """All values in the order they came. A torn last line (the driver was killed while writing it) is cut off: its
    trial reports that epoch again."""
    if not path.exists():
        return []
    lines = read_bytes(path).split(b"\n")[:-1]
    try:
        return [RungValue(**json.loads(line)) for line in lines]
    except (ValueError, TypeError) as error:
        raise RecordError(
            f"{path} is damaged: {error}; bring the old file back, or remove it: `tagsearch resume` makes it anew from "
            "the trials' histories"
        ) from error


class ArmScheduler(FIFOScheduler):  # type: ignore[misc]
    """Ray's scheduler of a phase: starts trials in the order proposed, stops those that `rungs` stops, gives up those
    that have failed too often.

    Without `rungs` (confirm phase) no trial is stopped that does not fail."""

    def __init__(self, rungs: Rungs | None, *, objective: str, failures: Failures, storage: StorageWatch) -> None:
        super().__init__()
        self._storage = storage
        self._rungs = rungs
        self._objective = objective
        self._failures = failures
        self._unfinished: dict[str, Any] = {}  # in the order proposed

    def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
        """New, or again after a failure."""
        self._unfinished[trial.trial_id] = trial
        if self._failures.gives_up(trial.config["name"]):
            tune_controller.stop_trial(trial)

    def on_trial_complete(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> None:
        self._unfinished.pop(trial.trial_id, None)

    def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
        self._unfinished.pop(trial.trial_id, None)
        errors = Path(trial.error_file).read_text(errors="replace")  # of all its failures under this driver
        name = trial.config["name"]
        self._failures.add(name, errors[errors.rfind("\nFailure # ") + 1 :])
        if trial.status == "PENDING" and not self._failures.gives_up(name):
            self._failures.dropped.add(name)  # its process died while it changed trials; Ray retries what is running

    def on_trial_remove(self, tune_controller: Any, trial: Any) -> None:
        self._unfinished.pop(trial.trial_id, None)

    def choose_trial_to_run(self, tune_controller: Any) -> Any:
        """The first that waits. Ray's own looks at every trial there ever was, and is asked several times a trial."""
        return next((trial for trial in self._unfinished.values() if trial.status == experiment.Trial.PENDING), None)

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        if self._rungs is None or result.get("done"):
            return str(TrialScheduler.CONTINUE)
        value = rung_value(TrialSpec(**trial.config["spec"]), result, self._objective)
        with self._storage:
            if self._rungs.see(value):
                return str(TrialScheduler.STOP)
        return str(TrialScheduler.CONTINUE)

"""The Ray actor that runs trials, one after the other in the same process.

Reusing the process saves seconds a trial (interpreter, torch, features). Ray ignores max_failures when `reset_config`
raises, so nothing that can fail happens there: the trial is opened in the first `step`, which is retried.
"""

import platform
import time
import traceback
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from ray import tune

from tagsearch.errors import StorageUnseenError
from tagsearch.files import write_text
from tagsearch.records import State, TrialSpec, read_result
from tagsearch.search.storage import storage_failure
from tagsearch.training.hang import limited

ERROR_FILE = "traceback.txt"  # Ray's own error.txt stays behind after a retry that succeeded
_MOUNT_WAIT_S = 60.0  # of a machine that has just joined; meanwhile Ray gives the trial to a process that gets free
STORAGE = "storage"  # in a trial's last report, which then is not its end: what the system said of the storage
TRAIN = "tagsearch.search.trainable:train"


def train(spec: TrialSpec, settings: Mapping[str, Any], folder: Path) -> Iterator[Mapping[str, float]]:
    """Rows of the trial, see training.loop; `settings` by model, as each has its own features."""
    from tagsearch.training.devices import use_one_thread
    from tagsearch.training.loop import run_trial
    from tagsearch.training.settings import TrialSettings

    use_one_thread()
    return run_trial(spec, TrialSettings.from_json(settings[str(spec.config["model"])]), folder)


class TrialActor(tune.Trainable):  # type: ignore[misc]
    """config: name, folder, spec and settings of a trial (JSON-able), `function`, the "module:name" of what runs it:
    `train` below, or another with its signature, and `epoch_limit_s`, see training.hang, or None."""

    def setup(self, config: dict[str, Any]) -> None:
        self.reset_config(config)
        deadline = time.monotonic() + _MOUNT_WAIT_S
        while not Path(config["folder"]).is_dir() and time.monotonic() < deadline:
            time.sleep(1)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._rows: Iterator[Mapping[str, float]] | None = None
        self._last: Mapping[str, float] = {}
        self._trial = new_config
        self.config: dict[str, Any] = {}  # Ray would write it into every line of result.json; params.json has it
        return True

    def step(self) -> dict[str, Any]:
        folder = Path(self._trial["folder"])
        if not folder.is_dir():  # the driver has made it; here it would be made on a disk that nobody else sees
            storage = folder.parents[2]  # <storage>/<run>/<phase>/<trial>
            raise StorageUnseenError(f"machine {platform.node()} does not see {storage}; mount it there, too")
        try:
            with limited(folder, self._trial["epoch_limit_s"]):
                if self._rows is None:
                    self._rows = self._open(folder)
                row = next(self._rows, None)
        except Exception as error:
            if complaint := _storage_complaint(error, folder):
                return {**self._last, "done": True, STORAGE: complaint}
            raise
        if row is None:
            return {**self._last, "done": True, "state": _ended(folder)}
        self._last = {name: value for name, value in row.items() if value == value}  # TensorBoard draws no NaN
        return dict(self._last)

    def _open(self, folder: Path) -> Iterator[Mapping[str, float]]:
        module, _, name = self._trial["function"].partition(":")
        run = getattr(import_module(module), name)
        return iter(run(TrialSpec(**self._trial["spec"]), self._trial["settings"], folder))

    def cleanup(self) -> None:
        self._rows = None


def is_end(report: Mapping[str, Any]) -> bool:
    """Whether it is no epoch's: it says that the trial has ended, or that the storage has failed, beside what the last
    epoch's said."""
    return "state" in report or STORAGE in report


def _storage_complaint(error: Exception, folder: Path) -> str | None:
    """If the storage has failed, not the trial. Else the traceback is on disk."""
    run, words = folder.parent.parent, traceback.format_exc()
    if complaint := storage_failure(error, run):
        return complaint
    try:
        write_text(folder / ERROR_FILE, words)
    except OSError as unwritten:
        return storage_failure(unwritten, run)
    return None


def _ended(folder: Path) -> str:
    result = read_result(folder)
    return str(result.state if result else State.FAILED)

"""What Ray starts next: the planned trials in their order, continued where the trial folders say.

A tune trial is proposed at the moment a slot is free, so that it learns from all its arm's earlier trials; its folder
with trial.json exists before Ray hears of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher

from tagsearch.records import TrialSpec, write_spec
from tagsearch.search.storage import StorageWatch

Propose = Callable[[], TrialSpec]
Ended = Callable[[TrialSpec], None]


class PlannedSearcher(Searcher):  # type: ignore[misc]
    """Hands out `planned` in order. Each item makes its TrialSpec when it is asked.

    ended: called once when a trial is over, for whatever reason. Once `storage` has a complaint nothing more is handed
    out."""

    def __init__(
        self,
        planned: Sequence[Propose],
        *,
        folder: Path,
        config: Mapping[str, Any],
        ended: Ended,
        storage: StorageWatch,
    ) -> None:
        super().__init__(metric="score", mode="max")
        self._planned = list(planned)
        self._folder = folder
        self._config = dict(config)
        self._ended = ended
        self._storage = storage
        self._live: dict[str, TrialSpec] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        if not self._planned or self._storage.complaint:
            return str(Searcher.FINISHED)
        with self._storage:
            return self._next(trial_id)
        return str(Searcher.FINISHED)

    def _next(self, trial_id: str) -> dict[str, Any]:
        spec = self._planned.pop(0)()
        folder = self._folder / spec.name
        if not (folder / "trial.json").exists():
            write_spec(folder, spec)
        self._live[trial_id] = spec
        return {**self._config, "name": spec.name, "folder": str(folder), "spec": asdict(spec)}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        with self._storage:
            self._ended(self._live.pop(trial_id))

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Ray pickles the searcher into tuner.pkl, which is never read back

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing: a new process plans from the trial folders."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing, see save_to_dir."""

    def restore(self, checkpoint_path: str) -> None:
        raise AssertionError("a run is planned from its trial folders")

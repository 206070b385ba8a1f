"""Trials as they are found on disk. What is damaged is named, with the way on; nothing is unpickled."""

import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagsearch.errors import RecordError
from tagsearch.files import array_of, read_array, read_bytes, read_json
from tagsearch.readings import Reading, read_reads
from tagsearch.records.corpus_table import Split
from tagsearch.records.results import FINAL, Phase, State, TrialResult, TrialSpec

log = logging.getLogger(__name__)

HISTORY_FILE = "history.json"
PER_TAG_FILE = "per_tag.npz"
SCORES_FILE = "scores.npz"
DRAWS_FILE = "draws.npz"


@dataclass(frozen=True, kw_only=True)
class Draws:
    """What a trial's sampler drew in all its epochs. `clips`: (n_train,), rows as CorpusTable.rows("train"); `tags`:
    (n_tags,), draws of a clip that has the tag."""

    clips: npt.NDArray[np.int32]
    tags: npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A trial as found on disk. `result` is None while it has not ended."""

    folder: Path
    spec: TrialSpec
    result: TrialResult | None
    history: tuple[Mapping[str, float], ...]

    @property
    def state(self) -> State:
        if self.result is not None:
            return self.result.state
        return State.RUNNING if self.history else State.PENDING

    def scores(self, split: Split, checkpoint: str = FINAL) -> npt.NDArray[np.float32]:
        """Logits (n_clips of the split, n_tags). Raises RecordError if they are missing or damaged, or are not those of
        which the record was made."""
        path, name = self.folder / SCORES_FILE, f"{split}/{checkpoint}"
        with _way_on(self.folder):
            content = read_bytes(path)
            recorded = self.result.scores_sha256 if self.result else ""
            if recorded and hashlib.sha256(content).hexdigest() != recorded:
                raise RecordError(f"{path} was changed after the trial's record was written")
            return array_of(content, name, path)

    def per_tag(self, metric: str) -> npt.NDArray[np.float32]:
        """Validation values (n_tags,) of the chosen epoch. Raises RecordError if they are missing or damaged."""
        assert self.result is not None
        assert self.result.best_epoch is not None
        path = self.folder / PER_TAG_FILE
        with _way_on(self.folder):
            values = read_array(path, metric)
            if values.ndim != 2 or len(values) != self.result.epochs:
                raise RecordError(f"{path} is damaged: it holds no row for each of {self.result.epochs} epochs")
            return np.asarray(values[self.result.best_epoch - 1], np.float32)

    def reads(self) -> tuple[Reading, ...]:
        """Raises RecordError if the ledger is damaged."""
        return read_reads(self.folder)

    def draws(self) -> Draws:
        """Raises RecordError if they are missing or damaged."""
        path = self.folder / DRAWS_FILE
        with _way_on(self.folder):
            return Draws(clips=read_array(path, "clips"), tags=read_array(path, "tags"))


def read_spec(folder: Path) -> TrialSpec:
    """Raises RecordError if it is missing or damaged."""
    path = folder / "trial.json"
    with _way_on(folder):
        content = read_json(path)
        try:
            spec = TrialSpec(**content)
            assert spec.name
        except (TypeError, ValueError) as error:
            raise RecordError(f"{path} is damaged: {error}") from error
    return spec


def read_result(folder: Path) -> TrialResult | None:
    """None if the trial has not ended. Raises RecordError if its record is damaged."""
    path = folder / "record.json"
    if not path.exists():
        return None
    with _way_on(folder):
        content = read_json(path)
        try:
            return TrialResult(**{**content, "state": State(content["state"])})
        except (TypeError, ValueError, KeyError) as error:
            raise RecordError(f"{path} is damaged: {error!r}") from error


def read_history(folder: Path) -> tuple[Mapping[str, float], ...]:
    """Empty if there is none. Raises RecordError if it is damaged."""
    path = folder / HISTORY_FILE
    rows = read_json(path) if path.exists() else []
    if not isinstance(rows, list) or any(not isinstance(row, dict) for row in rows):
        raise RecordError(f"{path} is damaged: it is no list of epochs")
    if [row.get("epoch") for row in rows] != list(range(1, len(rows) + 1)):
        raise RecordError(f"{path} is damaged: its epochs do not count from 1")
    return tuple(rows)


def history_so_far(folder: Path) -> tuple[Mapping[str, float], ...]:
    """Of a trial that has not ended: a damaged file stands for none, since its checkpoint holds the history too."""
    try:
        return read_history(folder)
    except RecordError as error:
        log.warning("%s; the trial has not ended: it goes on from its checkpoint, if there is one", error)
        return ()


def read_trial(folder: Path) -> Trial:
    spec, result = read_spec(folder), read_result(folder)
    if result is None:
        return Trial(folder=folder, spec=spec, result=None, history=history_so_far(folder))
    with _way_on(folder):
        history = read_history(folder)
        if len(history) != result.epochs:
            found = f"{len(history)} of the {result.epochs} epochs in its record"
            raise RecordError(f"{folder / HISTORY_FILE} is missing or damaged: it holds {found}")
    return Trial(folder=folder, spec=spec, result=result, history=history)


def read_trials(run: Path, phase: Phase) -> Iterator[Trial]:
    """All trials of a phase, in the order of their folder names. Raises RecordError for one that is damaged, or whose
    folder is not called like it: a copy would count twice, and a trial whose arm or settings were changed is
    another's."""
    for folder in sorted((run / phase).glob("*/")):
        if not any((folder / name).exists() for name in ("trial.json", "record.json", HISTORY_FILE)):
            continue
        trial = read_trial(folder)
        if trial.spec.name != folder.name:
            raise RecordError(
                f"{folder} holds the trial {trial.spec.name}: it was copied, renamed or changed; give it back its name "
                "and content, or move it out of the run"
            )
        yield trial


@contextmanager
def _way_on(folder: Path) -> Iterator[None]:
    """Adds to what is wrong with a file of a trial what to do about it."""
    try:
        yield
    except RecordError as error:
        is_over = (folder.parent / "chosen.json").exists()  # the tune phase
        then = "the run goes on without that trial" if is_over else "`tagsearch resume` trains that trial again"
        raise RecordError(f"{error}; bring the old file back, or move the trial's folder away: {then}") from error


def is_run(folder: Path) -> bool:
    return (folder / "resolved.yaml").is_file()


def list_runs(storage: Path) -> list[Path]:
    """Run folders under `storage`, by when they were begun, oldest first."""
    return sorted(
        (folder for folder in storage.glob("*") if is_run(folder)),
        key=lambda folder: ((folder / "resolved.yaml").stat().st_mtime_ns, folder.name),  # written once
    )

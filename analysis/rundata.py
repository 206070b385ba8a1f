"""A run folder as frames. Reads through tagsearch.records only: nothing is unpickled, neither ray nor torch is needed.

Scores are large and stay on disk: `Trial.scores` reads one trial's when asked. Frames:

    trials   one row a trial: phase, arm, trial, seed, index, state, the fields of its result, and taken_from, the run
             that it was taken over from, "" for a trial that was trained in this one
    epochs   one row an epoch: phase, arm, trial, seed, then the columns of history.json
    tags     one row a tag: tag, n_train, n_valid, n_test (clips that have it)
    per_tag  one row a trial and tag: phase, arm, trial, tag, roc_auc, pr_auc on validation, at the trial's best epoch

Of several runs combined, trials, epochs and per_tag begin with `run`, the name of the trial's own run folder.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tagsearch.errors import RecordError
from tagsearch.records import SPLITS, CorpusTable, Trial, is_run, read_corpus, read_trials
from tagsearch.study.adopted import read_adopted
from tagsearch.study.extension import Extension, read_extension, seeds_of
from tagsearch.study.lock import read_lock
from tagsearch.study.schema import METRICS, Study


@dataclass(frozen=True, kw_only=True)
class Pooled:
    """What a combination of runs was made of, see `combining`.

    planned: seeds of each arm, as the combination numbers them; is_one_study: the runs differ in nothing but their
    seeds; notes: what a reader of any table made from it must know, a sentence each."""

    runs: Mapping[str, "RunData"]  # by a name that no other has
    planned: Mapping[str, tuple[int, ...]]
    is_one_study: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RunData:
    """All that one run left, scores excepted; or several runs combined, with `pooled` and without a lock."""

    folder: Path
    study: Study
    corpus: CorpusTable
    lock: Mapping[str, Any] | None  # what was registered before the run, see tagsearch.study.lock
    extension: Extension | None = None  # its second look, see tagsearch.study.extension
    tune: tuple[Trial, ...]
    confirm: tuple[Trial, ...]
    pooled: Pooled | None = None

    @property
    def folders(self) -> tuple[Path, ...]:
        """Of the runs that this is made of; their corpus is the same."""
        return tuple(run.folder for run in self.pooled.runs.values()) if self.pooled else (self.folder,)

    def planned_seeds(self, arm: str) -> tuple[int, ...]:
        """Of the arm's confirm trials."""
        return self.confirm_seeds if self.pooled is None else self.pooled.planned.get(arm, ())

    @property
    def confirm_seeds(self) -> tuple[int, ...]:
        """The seeds every arm is to have: the planned ones, and those of the extension."""
        return seeds_of(self.study, self.extension)

    @cached_property
    def all_trials(self) -> tuple[Trial, ...]:
        return self.tune + self.confirm

    @cached_property
    def trials(self) -> pd.DataFrame:
        rows = [self._identity(trial) | _outcome(trial) for trial in self.all_trials]
        return pd.DataFrame(rows, columns=[*self._run_column, *_TRIAL_COLUMNS])

    @cached_property
    def epochs(self) -> pd.DataFrame:
        rows = [self._identity(trial) | dict(row) for trial in self.all_trials for row in trial.history]
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*self._run_column, *_IDENTITY, "epoch"])

    @cached_property
    def tags(self) -> pd.DataFrame:
        counts = {f"n_{split}": self.corpus.labels[self.corpus.rows(split)].sum(axis=0, dtype=int) for split in SPLITS}
        return pd.DataFrame({"tag": self.corpus.tags} | counts)

    @cached_property
    def per_tag(self) -> pd.DataFrame:
        frames = list(self._per_tag_frames())
        columns = [*self._run_column, *_IDENTITY, "tag", *METRICS]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)

    @property
    def _run_column(self) -> tuple[str, ...]:
        return ("run",) if self.pooled else ()

    def _identity(self, trial: Trial) -> dict[str, object]:
        """`trial` is its folder's name. A combination may number seeds anew, so it names the run too."""
        run = {"run": trial.folder.parents[1].name} if self.pooled else {}
        spec = trial.spec
        return run | {"phase": spec.phase, "arm": spec.arm, "trial": trial.folder.name, "seed": spec.seed}

    def _per_tag_frames(self) -> Iterator[pd.DataFrame]:
        for trial in self.all_trials:
            if trial.result is None or trial.result.best_epoch is None:
                continue
            scores = {metric: trial.per_tag(metric) for metric in METRICS}
            yield pd.DataFrame(self._identity(trial) | {"tag": np.array(self.corpus.tags)} | scores)


def load(run: Path | str) -> RunData:
    """Read a run folder. Raises RecordError if it is none, or if its records are damaged."""
    folder = Path(run)
    if not is_run(folder):
        raise RecordError(f"{folder} is no run folder: it holds no resolved.yaml; `tagsearch ls` lists the runs")
    from tagsearch.study.parse import read_resolved  # the only place that needs the YAML reader

    return gather(folder, read_resolved(folder))


def gather(folder: Path, study: Study) -> RunData:
    """Read everything but the study, which the caller has."""
    return RunData(
        folder=folder,
        study=study,
        corpus=read_corpus(folder),
        lock=read_lock(folder),
        extension=read_extension(folder),
        tune=tuple(read_trials(folder, "tune")),
        confirm=tuple(read_trials(folder, "confirm")),
    )


_RESULT_COLUMNS = ("stop_reason", "epochs", "seconds", "clips_drawn", "best_epoch", "best", "last", "n_retries")
_IDENTITY = ("phase", "arm", "trial", "seed")
_TRIAL_COLUMNS = (*_IDENTITY, "index", "state", *_RESULT_COLUMNS, "taken_from")


def _outcome(trial: Trial) -> dict[str, object]:
    result = asdict(trial.result) if trial.result else {"epochs": len(trial.history)}
    row = {"index": trial.spec.index, "state": str(trial.state)}
    return row | {name: result.get(name) for name in _RESULT_COLUMNS} | {"taken_from": taken_from(trial)}


def taken_from(trial: Trial) -> str:
    """Name of the run that a trial was taken over from; empty if of none."""
    try:
        adopted = read_adopted(trial.folder)
    except RecordError:
        return "not known"
    return adopted.run if adopted else ""

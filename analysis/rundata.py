"""A run folder as frames. Reads through tagsearch.records only: nothing is unpickled, neither ray nor torch is needed.

Scores are large and stay on disk: `Trial.scores` reads one trial's when asked. Frames:

    trials   one row a trial: phase, arm, trial, seed, index, state, and the fields of its result
    epochs   one row an epoch: phase, arm, trial, seed, then the columns of history.json
    tags     one row a tag: tag, n_train, n_valid, n_test (clips that have it)
    per_tag  one row a trial and tag: phase, arm, trial, tag, roc_auc, pr_auc on validation, at the trial's best epoch
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tagsearch.errors import RecordError
from tagsearch.files import read_array
from tagsearch.records import SPLITS, CorpusTable, Trial, is_run, read_corpus, read_trials
from tagsearch.study.extension import Extension, read_extension, seeds_of
from tagsearch.study.lock import read_lock
from tagsearch.study.schema import METRICS, Study


@dataclass(frozen=True, kw_only=True)
class RunData:
    """All that one run left, scores excepted."""

    folder: Path
    study: Study
    corpus: CorpusTable
    lock: Mapping[str, Any] | None  # what was registered before the run, see tagsearch.study.lock
    extension: Extension | None = None  # its second look, see tagsearch.study.extension
    tune: tuple[Trial, ...]
    confirm: tuple[Trial, ...]

    @property
    def confirm_seeds(self) -> tuple[int, ...]:
        """The seeds every arm is to have: the planned ones, and those of the extension."""
        return seeds_of(self.study, self.extension)

    @cached_property
    def all_trials(self) -> tuple[Trial, ...]:
        return self.tune + self.confirm

    @cached_property
    def trials(self) -> pd.DataFrame:
        return pd.DataFrame([_trial_row(trial) for trial in self.all_trials], columns=_TRIAL_COLUMNS)

    @cached_property
    def epochs(self) -> pd.DataFrame:
        rows = [_identity(trial) | dict(row) for trial in self.all_trials for row in trial.history]
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=["phase", "arm", "trial", "seed", "epoch"])

    @cached_property
    def tags(self) -> pd.DataFrame:
        counts = {f"n_{split}": self.corpus.labels[self.corpus.rows(split)].sum(axis=0, dtype=int) for split in SPLITS}
        return pd.DataFrame({"tag": self.corpus.tags} | counts)

    @cached_property
    def per_tag(self) -> pd.DataFrame:
        frames = list(self._per_tag_frames())
        columns = ["phase", "arm", "trial", "seed", "tag", *METRICS]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)

    def _per_tag_frames(self) -> Iterator[pd.DataFrame]:
        for trial in self.all_trials:
            if trial.result is None or trial.result.best_epoch is None:
                continue
            scores = {m: read_array(trial.folder / "per_tag.npz", m)[trial.result.best_epoch - 1] for m in METRICS}
            yield pd.DataFrame(_identity(trial) | {"tag": np.array(self.corpus.tags)} | scores)


def load(run: Path | str) -> RunData:
    """Read a run folder. Raises RecordError if it is none, or if its records are damaged."""
    folder = Path(run)
    if not is_run(folder):
        raise RecordError(f"{folder} is no run folder: it holds no resolved.yaml; `tagsearch ls` lists the runs")
    from tagsearch.study.parse import read_study  # the only place that needs the YAML reader

    return gather(folder, read_study(folder / "resolved.yaml"))


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


def _identity(trial: Trial) -> dict[str, object]:
    spec = trial.spec
    return {"phase": spec.phase, "arm": spec.arm, "trial": spec.name, "seed": spec.seed}


_RESULT_COLUMNS = ("stop_reason", "epochs", "seconds", "clips_drawn", "best_epoch", "best", "last", "n_retries")
_TRIAL_COLUMNS = ["phase", "arm", "trial", "seed", "index", "state", *_RESULT_COLUMNS]


def _trial_row(trial: Trial) -> dict[str, object]:
    result = asdict(trial.result) if trial.result else {"epochs": len(trial.history)}
    row = _identity(trial) | {"index": trial.spec.index, "state": str(trial.state)}
    return row | {name: result.get(name) for name in _RESULT_COLUMNS}

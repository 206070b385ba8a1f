"""What a run leaves on disk: written by training and search, read by analysis. Needs neither torch nor ray.

Layout of a run folder (every file is written atomically; nothing here is ever unpickled):

    study.yaml  resolved.yaml  lock.json  environment.json  corpus.npz  trials.csv  report/
    extension.json how many seeds the run was extended to, if it was, see tagsearch.study.extension
    reuse.json     whose trials it takes over, if it does, see tagsearch.study.adopted
    plan.json      what was predicted before the start: trials, epochs, seconds, disk, smallest effects
    bad_files.csv  clips that were left out, if any: path and reason
    excerpts/      a few seconds of test audio for every tag, see tagsearch.excerpts
    tune/<trial>/  confirm/<trial>/
        trial.json     what was to be run (TrialSpec), written before it starts
        history.json   one row an epoch (see HISTORY_COLUMNS)
        per_tag.npz    roc_auc, pr_auc: float32 (n_epochs, n_tags), validation, NaN where a tag is undefined
        draws.npz      clips: int32 (n_train,), how often each training clip was drawn so far; tags: int64 (n_tags,),
                       how often each tag came with them
        record.json    how it ended (TrialResult); its presence means: finished, never to be redone
        trained_by.jsonl  which code, torch and device trained it, see tagsearch.study.trained_by
        adopted.json   if it was taken over from another run: which, see tagsearch.study.adopted
        reads.jsonl    confirm only: which checkpoints met the test split, see tagsearch.readings
        scores.npz     confirm only: float32 logits (n_clips, n_tags) as "<split>/<checkpoint>", rows as in corpus.npz

Conventions: seconds are wall seconds; epochs count from 1; ROC AUC and PR AUC (average precision) are fractions.
"""

import hashlib
import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tagsearch.errors import RecordError
from tagsearch.files import (
    array_of,
    npz_bytes,
    open_npz,
    read_array,
    read_bytes,
    read_json,
    write_bytes,
    write_json,
    write_npz,
)
from tagsearch.readings import Reading, read_reads
from tagsearch.registry import OBJECTIVES
from tagsearch.registry import Scalar as Scalar

log = logging.getLogger(__name__)

Config = Mapping[str, Scalar]  # flat: "model", "model.width", "lr", ...
Phase = Literal["tune", "confirm"]
Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")
SCORES_FILE = "scores.npz"
DRAWS_FILE = "draws.npz"
FINAL = "final"  # name of the checkpoint that the study's checkpoint rule chose

HISTORY_COLUMNS = (
    "epoch",
    "train/loss",
    "valid/loss",
    "valid/roc_auc",
    "valid/pr_auc",
    "valid/n_undefined_tags",
    "lr",
    "clips_drawn",  # training chunks drawn in this epoch
    "audio_seconds",  # of audio in them; a clip that was repeated to fill its chunk counts as often as it is heard
    "train_seconds",  # in training steps
    "seconds",  # the whole epoch with its validation
)


MEASURES = (  # of a confirm trial's final checkpoint, see training.measures
    "train_bce",  # mean binary cross-entropy over as many training clips as there are validation clips
    "valid_bce",
    "train_pr_auc",  # macro, over the same clips
    "valid_pr_auc",
    "silhouette_before",  # how far tags are separated in the clips' embeddings, before training and after it
    "silhouette_after",
)


class State(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"  # ran to its full budget, or to the study's own stop rule
    STOPPED = "STOPPED"  # by ASHA
    DIVERGED = "DIVERGED"  # NaN or infinity: a result without a score
    FAILED = "FAILED"  # an error: missing data

    @property
    def is_final(self) -> bool:
        return self not in (State.PENDING, State.RUNNING)


@dataclass(frozen=True, kw_only=True)
class TrialSpec:
    """One training run to be done. `index` is its place among its arm's trials of the phase; `proposal` holds the
    values the search chose for the tunables (they are in `config` too)."""

    phase: Phase
    arm: str
    index: int
    seed: int
    config: Config
    proposal: Config = field(default_factory=dict)

    @property
    def name(self) -> str:
        content = json.dumps([self.phase, self.index, dict(self.config)], sort_keys=True)
        return f"{self.arm}-{hashlib.sha256(content.encode()).hexdigest()[:8]}-s{self.seed}"

    @property
    def epochs(self) -> int:
        return int(self.config["epochs"])


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """How a trial ended. `best` and `last` are objective values; None where there is no score."""

    state: State
    stop_reason: str = ""  # "budget", "asha", "patience", "min_lr", "nan in train/loss", ...
    epochs: int = 0
    seconds: float = 0.0
    best_epoch: int | None = None
    best: float | None = None
    last: float | None = None
    clips_drawn: int = 0
    audio_seconds: float = 0.0
    n_retries: int = 0
    device: str = ""
    tagsearch: str = ""  # the version that trained it
    checkpoints: Mapping[str, int] = field(default_factory=dict)  # checkpoint name -> epoch, as scored in scores.npz
    weights_sha256: Mapping[str, str] = field(default_factory=dict)  # checkpoint name -> hash of its weights file
    scores_sha256: str = ""  # hash of scores.npz; empty where an older tagsearch took none
    measures: Mapping[str, float] = field(default_factory=dict)  # names of MEASURES; confirm only, what is defined


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
        path = self.folder / "per_tag.npz"
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


@dataclass(frozen=True, kw_only=True)
class CorpusTable:
    """The clips of a corpus, one row each, and their labels. Rows are sorted by clip id.

    labels: uint8 (n_clips, n_tags); splits: index into SPLITS; songs, albums, artists: integer ids, the clusters of
    the statistics; paths: relative to the corpus folder; fingerprint: hash of what the labels and audio are; notes:
    what a reader of any table made from it must know, a sentence each (tags merged, clips left out, ...)."""

    name: str
    fingerprint: str
    tags: tuple[str, ...]
    clip_ids: npt.NDArray[np.int64]
    paths: npt.NDArray[np.str_]
    songs: npt.NDArray[np.int32]
    albums: npt.NDArray[np.int32]
    artists: npt.NDArray[np.int32]
    splits: npt.NDArray[np.int8]
    labels: npt.NDArray[np.uint8]
    notes: tuple[str, ...] = ()

    def rows(self, split: Split) -> npt.NDArray[np.int64]:
        """Row numbers of the split's clips, in order."""
        return np.flatnonzero(self.splits == SPLITS.index(split))

    @property
    def train_counts(self) -> npt.NDArray[np.int64]:
        """Positives per tag in the training split."""
        counts: npt.NDArray[np.int64] = self.labels[self.rows("train")].sum(axis=0, dtype=np.int64)
        return counts

    def taken(self, rows: npt.NDArray[np.int64]) -> "CorpusTable":
        """Those rows only, in that order. Fingerprint and notes are still the whole table's."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _CORPUS_ARRAYS})

    def save(self, path: Path) -> None:
        words = {"tags": np.array(self.tags, dtype=np.str_), "notes": np.array(self.notes, dtype=np.str_)}
        head = {"name": self.name, "fingerprint": self.fingerprint, **words}
        write_npz(path, head | {name: getattr(self, name) for name in _CORPUS_ARRAYS})

    @classmethod
    def load(cls, path: Path) -> "CorpusTable":
        with open_npz(path) as stored:
            missing = {"name", "fingerprint", "tags", "notes", *_CORPUS_ARRAYS} - set(stored.files)
            if missing:
                raise RecordError(f"{path} lacks {', '.join(sorted(missing))}: another version of tagsearch wrote it")
            arrays: dict[str, Any] = {name: stored[name] for name in _CORPUS_ARRAYS}
            tags, notes = (tuple(map(str, stored[name])) for name in ("tags", "notes"))
            return cls(
                name=str(stored["name"]), fingerprint=str(stored["fingerprint"]), tags=tags, notes=notes, **arrays
            )


_CORPUS_ARRAYS = ("clip_ids", "paths", "songs", "albums", "artists", "splits", "labels")


def chosen_epoch(history: Sequence[Mapping[str, float]], *, objective: str, checkpoint: str) -> int:
    """The epoch whose weights are the trial's: under "best" the first with the best objective, under "last" the last.

    `history` must not be empty."""
    if checkpoint == "last":
        return int(history[-1]["epoch"])
    sign = 1 if OBJECTIVES[objective] == "max" else -1
    return int(max(history, key=lambda row: sign * row[objective])["epoch"])


def result_from_history(
    history: Sequence[Mapping[str, float]],
    *,
    objective: str,
    checkpoint: str,
    state: State,
    stop_reason: str,
    **facts: Any,
) -> TrialResult:
    """The result that a trial's history amounts to. A DIVERGED or FAILED trial has no score, nor has an empty history.

    `facts`: further fields of TrialResult (device, n_retries, ...)."""
    scored = bool(history) and state in (State.COMPLETED, State.STOPPED)
    best_epoch = chosen_epoch(history, objective=objective, checkpoint=checkpoint) if scored else None
    return TrialResult(
        state=state,
        stop_reason=stop_reason,
        epochs=len(history),
        seconds=math.fsum(row["seconds"] for row in history),
        best_epoch=best_epoch,
        best=None if best_epoch is None else history[best_epoch - 1][objective],
        last=history[-1][objective] if scored else None,
        clips_drawn=int(sum(row["clips_drawn"] for row in history)),
        audio_seconds=math.fsum(row["audio_seconds"] for row in history),
        **facts,
    )


# --- writing: all or nothing -----------------------------------------------------------------------------------------


def write_spec(folder: Path, spec: TrialSpec) -> None:
    write_json(folder / "trial.json", asdict(spec), durable=True)


def write_result(folder: Path, result: TrialResult) -> None:
    """The last file a trial writes: from here on it is never redone."""
    write_json(folder / "record.json", asdict(result), durable=True)


def write_history(folder: Path, rows: Sequence[Mapping[str, float]], per_tag: Mapping[str, npt.ArrayLike]) -> None:
    write_json(folder / "history.json", [dict(row) for row in rows])
    write_npz(folder / "per_tag.npz", per_tag)


def write_scores(folder: Path, scores: Mapping[str, npt.ArrayLike]) -> str:
    """`scores`: "<split>/<checkpoint>" -> logits. Returns the hash of the file, for the record."""
    content = npz_bytes(scores)
    write_bytes(folder / SCORES_FILE, content, durable=True)
    return hashlib.sha256(content).hexdigest()


def write_draws(folder: Path, clips: npt.NDArray[np.int64], labels: npt.NDArray[np.uint8]) -> None:
    """`clips`: draws of each training clip; `labels`: theirs, (n_train, n_tags)."""
    write_npz(folder / DRAWS_FILE, {"clips": clips.astype(np.int32), "tags": clips @ labels})


# --- reading ---------------------------------------------------------------------------------------------------------


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
    path = folder / "history.json"
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
            raise RecordError(f"{folder / 'history.json'} is missing or damaged: it holds {found}")
    return Trial(folder=folder, spec=spec, result=result, history=history)


def read_trials(run: Path, phase: Phase) -> Iterator[Trial]:
    """All trials of a phase, in the order of their folder names. Raises RecordError for one that is damaged, or whose
    folder is not called like it: a copy would count twice, and a trial whose arm or settings were changed is
    another's."""
    for folder in sorted((run / phase).glob("*/")):
        if not any((folder / name).exists() for name in ("trial.json", "record.json", "history.json")):
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


def read_corpus(run: Path) -> CorpusTable:
    """Raises RecordError if it is missing or damaged."""
    try:
        return CorpusTable.load(run / "corpus.npz")
    except RecordError as error:
        raise RecordError(f"{error}; it holds the labels that the trials were scored by: bring it back") from error


def is_run(folder: Path) -> bool:
    return (folder / "resolved.yaml").is_file()


def list_runs(storage: Path) -> list[Path]:
    """Run folders under `storage`, by when they were begun, oldest first."""
    return sorted(
        (folder for folder in storage.glob("*") if is_run(folder)),
        key=lambda folder: ((folder / "resolved.yaml").stat().st_mtime_ns, folder.name),  # written once
    )

"""Writing of trials' files: all or nothing."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagsearch.files import npz_bytes, to_disk, write_bytes, write_json, write_npz
from tagsearch.records.results import TrialResult, TrialSpec
from tagsearch.records.trials import DRAWS_FILE, HISTORY_FILE, PER_TAG_FILE, SCORES_FILE


def write_spec(folder: Path, spec: TrialSpec) -> None:
    write_json(folder / "trial.json", asdict(spec), durable=True)


def write_result(folder: Path, result: TrialResult) -> None:
    """The last file a trial writes: from here on it is never redone. So the disk must have what is read with it, which
    until then a checkpoint stood for."""
    for name in (HISTORY_FILE, PER_TAG_FILE, DRAWS_FILE):
        with suppress(FileNotFoundError):  # of a trial without an epoch
            to_disk(folder / name)
    write_json(folder / "record.json", asdict(result), durable=True)


def write_history(folder: Path, rows: Sequence[Mapping[str, float]], per_tag: Mapping[str, npt.ArrayLike]) -> None:
    write_json(folder / HISTORY_FILE, [dict(row) for row in rows])
    write_npz(folder / PER_TAG_FILE, per_tag)


def write_scores(folder: Path, scores: Mapping[str, npt.ArrayLike]) -> str:
    """`scores`: "<split>/<checkpoint>" -> logits. Returns the hash of the file, for the record."""
    content = npz_bytes(scores)
    write_bytes(folder / SCORES_FILE, content, durable=True)
    return hashlib.sha256(content).hexdigest()


def write_draws(folder: Path, clips: npt.NDArray[np.int64], labels: npt.NDArray[np.uint8]) -> None:
    """`clips`: draws of each training clip; `labels`: theirs, (n_train, n_tags)."""
    write_npz(folder / DRAWS_FILE, {"clips": clips.astype(np.int32), "tags": clips @ labels})

"""Trials that a run has taken over from an earlier one instead of training them: what is written down of it.

    reuse.json      in the run folder, before its first trial: from which run, and what had been registered there
    adopted.json    in the folder of a trial that was taken over: from which run, and the hash of its record

The scores of such a trial were known when the run that took it over was registered; what a verdict may still claim of
them is the analysis's to say.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tagsearch.errors import RecordError
from tagsearch.files import read_bytes, read_json, write_json
from tagsearch.readings import ADOPTED_FILE
from tagsearch.study.extension import EXTENSION_FILE
from tagsearch.study.lock import read_lock

REUSE_FILE = "reuse.json"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A run that trials come from. `lock`: what was registered there, empty if nothing was; `extended`: whether its
    scores were a second look already."""

    run: str  # its name
    folder: str  # absolute
    lock: Mapping[str, Any] = field(default_factory=dict)
    extended: bool = False


@dataclass(frozen=True, kw_only=True)
class Adopted:
    run: str  # name of the run that the trial was taken from
    record_sha256: str


def write_reuse(run: Path, source: Path) -> None:
    """To be called before `run` has a trial. The run that `source` itself took trials from is an origin, too."""
    lock = dict(read_lock(source) or {})
    extended = (source / EXTENSION_FILE).exists()
    origin = Origin(run=source.name, folder=str(source.resolve()), lock=lock, extended=extended)
    content = [asdict(one) for one in (origin, *read_reuse(source))]
    write_json(run / REUSE_FILE, {"origins": content}, durable=True)


def read_reuse(run: Path) -> tuple[Origin, ...]:
    """Whose trials the run takes over: the run that it was given, then those that had given to that one; empty if it
    takes none. Raises RecordError if the file is damaged."""
    path = run / REUSE_FILE
    if not path.exists():
        return ()
    try:
        return tuple(Origin(**one) for one in read_json(path)["origins"])
    except (TypeError, KeyError) as error:
        raise RecordError(f"{path} is damaged: {error}") from error


def write_adopted(trial: Path, *, run: str) -> None:
    adopted = Adopted(run=run, record_sha256=record_sha256(trial))
    write_json(trial / ADOPTED_FILE, asdict(adopted), durable=True)


def read_adopted(trial: Path) -> Adopted | None:
    """None for a trial that was trained in its own run. Raises RecordError if the file is damaged."""
    path = trial / ADOPTED_FILE
    if not path.exists():
        return None
    try:
        return Adopted(**read_json(path))
    except TypeError as error:
        raise RecordError(f"{path} is damaged: {error}") from error


def complaint(trial: Path, origins: Sequence[Origin]) -> str:
    """What is wrong with a trial that was taken over, as a clause; empty if nothing is. Raises RecordError if it cannot
    be told."""
    adopted = read_adopted(trial)
    if adopted is None:
        return ""
    if adopted.run not in [origin.run for origin in origins]:
        return f"said to be taken over from {adopted.run}, which the run did not name before it began"
    if adopted.record_sha256 != record_sha256(trial):
        return f"not what was taken over from {adopted.run}"
    return ""


def record_sha256(trial: Path) -> str:
    return hashlib.sha256(read_bytes(trial / "record.json")).hexdigest()

"""The run folder: made before the first trial, taken by one process at a time, and its summary files.

See tagsearch.records for the layout.
"""

import csv
import io
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock, Timeout

from tagsearch.errors import RecordError, UsageError
from tagsearch.files import links_in, read_json, write_json, write_text
from tagsearch.records import CorpusTable, Trial, is_run, list_runs, read_corpus, read_trials
from tagsearch.search.redaction import redacted
from tagsearch.search.signals import Interruption, stopped
from tagsearch.study.adopted import write_reuse
from tagsearch.study.extension import Extension, read_extension, write_extension
from tagsearch.study.fields import MAX_NAME, NAME
from tagsearch.study.lock import (
    LOCK_FILE,
    VERSION,
    changes,
    earlier_runs,
    is_intact,
    make_lock,
    read_lock,
    registered,
)
from tagsearch.study.plan import Plan
from tagsearch.study.plan_file import PLAN_FILE, plan_record
from tagsearch.study.resolved import write_resolved
from tagsearch.study.schema import Study

log = logging.getLogger(__name__)

PLANNED_FILE = Path("confirm/planned.json")  # names of the confirm phase's trials; written when that phase begins
FOLDER_LINE = "run folder: "  # what a run prints when its folder is there
NOT_RUNS = ("cache", "inspect")  # what else lies in a storage
_FIRST_FILES = (".lock", "study.yaml", "corpus.npz", LOCK_FILE, "environment.json", PLAN_FILE)  # before resolved.yaml
_PACKAGES = ("torch", "torchaudio", "ray", "optuna", "numpy", "scikit-learn", "scipy", "soundfile")
_TRIAL_COLUMNS = (
    "phase", "arm", "index", "seed", "state", "stop_reason", "epochs", "seconds", "best_epoch", "best", "last",
    "n_retries", "trial",
)  # fmt: skip


def new_run_folder(study: Study, *, storage: Path, name: str | None) -> Path:
    """A new folder in `storage`: `name`, else <study>-<UTC time>. Without a name no two processes get the same one; of
    two with the same name `taken` refuses one. Raises UsageError if `name` is taken, or could lie elsewhere."""
    if name is not None:
        check_name(name)
        check_new(storage / name)
        (storage / name).mkdir(parents=True, exist_ok=True)
        return storage / name
    fresh = new_run_name(study)
    return next(storage / each for each in (fresh, *(f"{fresh}-{k}" for k in range(2, 100))) if _made(storage / each))


def _made(folder: Path) -> bool:
    """By this process; False if it was there."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def check_new(folder: Path) -> None:
    """Raises UsageError if the folder holds anything but what a process left that was killed before it had begun."""
    if folder.exists() and (folder.is_file() or any(_is_begun(path) for path in folder.iterdir())):
        raise UsageError(f"--name {folder.name}: {folder} exists; choose another name or `tagsearch resume` it")


def _is_begun(path: Path) -> bool:
    """Whether a file in a run's folder is there only since the run has begun."""
    return path.name not in _FIRST_FILES and not path.name.endswith(".tmp")


def check_name(name: str) -> None:
    """Raises UsageError if a run cannot be called so, or would lie outside its storage."""
    if not NAME.fullmatch(name) or len(name) > MAX_NAME or name in NOT_RUNS:
        raise UsageError(
            f"--name {name!r}: a run is a folder in the storage, called with letters, digits and _ . = + - (at most "
            f"{MAX_NAME}, not one of . = + - first) and not {' or '.join(NOT_RUNS)}; choose another name"
        )


def new_run_name(study: Study) -> str:
    """<study>-<UTC time>"""
    return f"{study.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def open_run(
    folder: Path,
    study: Study,
    table: CorpusTable,
    *,
    device: str,
    plan: Plan | None = None,
    reuse: Path | None = None,
) -> None:
    """Write what has to be there before the first trial, unless it is there. resolved.yaml comes last: it makes the
    folder a run, so that no run is without its registration. `plan`: what was predicted, if anything was; `reuse`: a
    run whose trials are taken over.

    Raises UsageError if the run was begun with another corpus or study, or if trials are there for which nothing
    was."""
    if is_run(folder):
        begun_with = read_corpus(folder).fingerprint
        if begun_with != table.fingerprint:
            raise UsageError(
                f"the corpus has changed since {folder} was begun ({begun_with[:12]}, now {table.fingerprint[:12]}); "
                "bring the old one back, or start a new run"
            )
        _check_registered(folder, study)
        return
    if begun := next(folder.glob("*/*/trial.json"), None):
        raise UsageError(
            f"{folder} holds trials ({begun.parent.name}) but no resolved.yaml, and what is written after the first "
            "trial is no registration; bring the file back, or start a new run"
        )
    write_text(folder / "study.yaml", study.source)
    table.save(folder / "corpus.npz")
    lock = make_lock(study, table)
    earlier = earlier_runs(folder, lock["content"])
    write_json(folder / LOCK_FILE, registered(lock, earlier=earlier), durable=True)
    if reuse is not None:
        write_reuse(folder, reuse)
    write_json(folder / "environment.json", _environment(table, device=device))
    if plan is not None:
        write_json(folder / PLAN_FILE, plan_record(plan))
    write_text(folder / "resolved.yaml", write_resolved(study), durable=True)


def _check_registered(folder: Path, study: Study) -> None:
    """Raises UsageError if the study, as resolved.yaml gives it, is not the one that was registered."""
    lock = read_lock(folder)
    if lock is None or not is_intact(lock):
        log.warning("%s is missing or damaged: verdicts are exploratory without it; bring it back", folder / LOCK_FILE)
        return
    if lock.get("version") != VERSION:
        return  # the report tells
    if changed := changes(lock, study, read_corpus(folder)):
        raise UsageError(
            f"{folder / 'resolved.yaml'} is not the study that was registered in {LOCK_FILE} (changed: "
            f"{', '.join(changed)}), and a run goes on as it began; bring the old file back, or start a new run"
        )


def check_extendable(folder: Path) -> None:
    """Raises UsageError unless the run is finished and was not extended before."""
    extension = read_extension(folder)
    if extension is not None:
        raise UsageError(
            f"{folder} was extended to {extension.seeds} seeds already ({extension.time}), and a run is extended once; "
            "for more seeds start a new run"
        )
    if not is_finished(folder):
        raise UsageError(
            f"{folder} is unfinished: only a finished run can be extended; go on with `tagsearch resume {folder}` first"
        )


def extend(folder: Path, extension: Extension) -> None:
    """Give a finished run more seeds; they are missing until `execute` has run them."""
    check_extendable(folder)
    (
        folder / PLANNED_FILE
    ).unlink()  # its confirm phase begins again; first, as killed in between it must not look done
    write_extension(folder, extension)


def is_finished(folder: Path) -> bool:
    """Whether every planned trial of the confirm phase has ended."""
    planned = folder / PLANNED_FILE
    if not planned.exists():
        return False
    try:
        names = read_json(planned)
    except RecordError as error:
        names, complaint = None, str(error)
    else:
        complaint = f"{planned} is damaged: it is no list of trials"
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        log.warning("%s; `tagsearch resume %s` writes it anew", complaint, folder)
        return False
    return all((planned.parent / name / "record.json").exists() for name in names)


@contextmanager
def taken(folder: Path) -> Iterator[None]:
    """This process alone writes to the run, whose folder is made if there is none; what killed ones left half written
    is removed. Raises UsageError if another one does, or if it would write through a link into something else."""
    folder.mkdir(parents=True, exist_ok=True)
    if link := next(links_in(folder), None):
        raise UsageError(f"{link} is a link, and a run writes into its own folder alone; move the link away")
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UsageError(
            f"{folder} is being run by another process; watch it with `tagsearch status {folder}`"
        ) from error
    try:
        for left in folder.rglob(".*.tmp"):
            if left.parent.name != "report":  # `summarize` may be writing it just now
                left.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


@contextmanager
def resumable(folder: Path | None) -> Iterator[None]:
    """A signal becomes the error that says how to go on with the run, if there is one. Raises StoppedError."""
    try:
        yield
    except Interruption as interruption:
        what = "nothing was started; what is prepared of the data is kept"
        if folder is not None and is_run(folder):
            what = f"what is finished is kept; go on with `tagsearch resume {folder}`"
        raise stopped(interruption.number, what) from interruption


def is_taken(folder: Path) -> bool:
    try:
        with FileLock(folder / ".lock", timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # somebody else's run, or on a disk, that we can only read
        return False


def find_run(argument: str | None, *, storage: Path) -> Path:
    """The run folder called `argument` (a path, or a name under `storage`); the latest one without it.

    Raises UsageError if there is none."""
    if argument is not None:
        for folder in (Path(argument), storage / argument):
            if is_run(folder):
                return folder
        raise UsageError(f"{argument} is no run folder (none has resolved.yaml); `tagsearch ls` lists the runs")
    runs = list_runs(storage)
    if not runs:
        raise UsageError(f"no runs under {storage}; start one with `tagsearch run`")
    return runs[-1]


def write_trials_csv(folder: Path) -> None:
    buffer = io.StringIO()
    rows = csv.DictWriter(buffer, _TRIAL_COLUMNS)
    rows.writeheader()
    for phase in ("tune", "confirm"):
        rows.writerows(_trial_row(trial) for trial in read_trials(folder, phase))
    write_text(folder / "trials.csv", buffer.getvalue())


def _trial_row(trial: Trial) -> dict[str, object]:
    facts: dict[str, object] = {**vars(trial.spec), "state": str(trial.state), "trial": trial.spec.name}
    if trial.result is not None:
        facts |= {**vars(trial.result), "state": str(trial.state)}
    return {column: facts.get(column) for column in _TRIAL_COLUMNS}


def _environment(table: CorpusTable, *, device: str) -> dict[str, object]:
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": redacted(sys.argv),
        "tagsearch": version("tagsearch"),
        "git": _git_state(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "platform": platform.platform(),
        "n_cpus": os.cpu_count(),
        "device": device,
        "corpus": {"name": table.name, "fingerprint": table.fingerprint},
    }


def _git_state() -> dict[str, object] | None:
    """Commit of the checkout that tagsearch runs from; None outside a checkout."""
    here = Path(__file__).parent
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        changes = subprocess.run(["git", "status", "--porcelain"], cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return {"commit": commit.stdout.strip(), "dirty": bool(changes.stdout.strip())}

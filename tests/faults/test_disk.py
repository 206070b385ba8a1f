"""A disk that is full or closed to writing: the run stops in one line, and goes on as if nothing had been when there is
space again."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tagsearch import files
from tagsearch.errors import StorageError, UsageError
from tagsearch.files import append_line, write_json
from tagsearch.records import State, read_trials
from tagsearch.search.run_folder import is_finished
from tagsearch.search.storage import check_writable, storage_errors, storage_failure
from tagsearch.search.tensorboard import RecordWriter, TensorBoard
from tests.faults import in_process
from tests.faults.conftest import Note
from tests.faults.driver import ONE_AT_A_TIME, Loss, behave, finish, finished, loss, outcome, wait_for
from tests.faults.in_process import begin, resume, whole_run
from tests.faults.small_disk import SmallDisk, why_not


def full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# --- what is a fault of the storage ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_full_or_closed_disk_is_a_fault_of_the_storage_wherever_it_shows(number: int, tmp_path: Path) -> None:
    error = RuntimeError("while saving")
    error.__cause__ = OSError(number, os.strerror(number))
    assert storage_failure(error, tmp_path) == os.strerror(number)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_permission_that_is_lacking_is_one_only_in_the_storage(number: int, tmp_path: Path) -> None:
    inside = OSError(number, "no", str(tmp_path / "confirm" / "x" / "history.json"))
    assert storage_failure(inside, tmp_path) == f"no ({inside.filename})"
    assert storage_failure(OSError(number, "no", "/data/audio.mp3"), tmp_path) is None
    assert storage_failure(OSError(number, "no"), tmp_path) is None


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN])
def test_a_disk_or_mount_that_is_gone_is_one_unless_the_file_is_elsewhere(number: int, tmp_path: Path) -> None:
    inside = OSError(number, "gone", str(tmp_path / "confirm" / "x" / "history.json"))
    assert storage_failure(inside, tmp_path) == f"gone ({inside.filename})"
    assert storage_failure(OSError(number, "gone"), tmp_path) == "gone"
    assert storage_failure(OSError(number, "gone", "/data/audio.mp3"), tmp_path) is None


@pytest.mark.parametrize("error", [RuntimeError("nan"), OSError(errno.ENOENT, "gone"), MemoryError()])
def test_what_else_fails_is_no_fault_of_the_storage(error: Exception, tmp_path: Path) -> None:
    assert storage_failure(error, tmp_path) is None
    with pytest.raises(type(error)), storage_errors(tmp_path, way_on="free space"):
        raise error


def test_what_fails_while_a_full_disk_is_being_told_does_not_hide_it(tmp_path: Path) -> None:
    def run() -> None:
        with storage_errors(tmp_path, way_on=""):
            try:
                raise StorageError("three trials are unfinished")
            finally:
                raise full()

    with pytest.raises(StorageError, match=r"^three trials are unfinished$"):
        run()


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_that_does_not_fit_leaves_the_old_one_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(tmp_path / "a.json", "old")

    def fsync(descriptor: int) -> None:
        raise full()

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        write_json(tmp_path / "a.json", "new", durable=True)
    assert [path.read_text() for path in tmp_path.iterdir()] == ['"old"\n']


def test_a_line_that_does_not_fit_leaves_the_log_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_line(tmp_path / "log", "first")

    def fsync(descriptor: int) -> None:
        raise full()

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", fsync)
        with pytest.raises(OSError, match="No space left"):
            append_line(tmp_path / "log", "second")
    append_line(tmp_path / "log", "third")
    assert (tmp_path / "log").read_text() == "first\nthird\n"


# --- a run, at every kind of write -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_run(tmp_path_factory.mktemp("whole") / "run")


def fail_at(patch: pytest.MonkeyPatch, name: str, nth: int, *, once: bool = False) -> None:
    """The n-th write of a file called `name` fails, and every write of any file after it, unless `once`."""
    n_left, plain = [nth], files.write_bytes

    def write_bytes(path: Path, content: bytes, *, durable: bool = False) -> None:
        n_left[0] -= path.name == name
        if n_left[0] == 0 or (n_left[0] < 0 and not once):
            n_left[0] -= 1
            raise full()
        plain(path, content, durable=durable)

    line = files.append_line

    def append(path: Path, text: str) -> None:
        n_left[0] -= path.name == name
        if n_left[0] <= 0:
            raise full()
        line(path, text)

    for module in ("tagsearch.files", "tagsearch.records.writing"):
        patch.setattr(f"{module}.write_bytes", write_bytes)
    for module in ("tagsearch.search.asha", "tagsearch.readings"):
        patch.setattr(f"{module}.append_line", append)


WRITES = [
    *(("trial.json", n) for n in (1, 9)),
    *(("history.json", n) for n in (12, 60)),
    ("per_tag.npz", 13),
    *(("record.json", n) for n in (1, 2, 8, 14)),
    ("rungs.jsonl", 4),
    ("scores.npz", 3),
    ("reads.jsonl", 1),
    ("chosen.json", 1),
    ("planned.json", 1),
    ("trials.csv", 1),
]


@pytest.mark.parametrize(("name", "nth"), WRITES)
def test_a_run_whose_disk_fails_at_a_write_goes_on_as_if_undisturbed(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, nth: int
) -> None:
    run = tmp_path / "run"
    begin(run)
    with monkeypatch.context() as patch:
        fail_at(patch, name, nth)
        with pytest.raises(StorageError, match="No space left"):
            resume(run, patch)
    before = finished(run)
    assert all(trial.state is not State.FAILED for phase in ("tune", "confirm") for trial in read_trials(run, phase))
    resume(run, monkeypatch)
    assert is_finished(run)
    for phase in ("tune", "confirm"):
        assert outcome(run, phase) == outcome(whole, phase)
    assert loss(run, before).n_redone == 0


def test_a_trial_that_met_a_full_disk_has_not_failed_though_its_record_would_fit_again(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    begin(run)
    with monkeypatch.context() as patch:
        fail_at(patch, "history.json", 12, once=True)
        with pytest.raises(StorageError, match="No space left"):
            resume(run, patch)
    assert [trial.state for trial in read_trials(run, "tune") if trial.state is State.FAILED] == []
    resume(run, monkeypatch)
    assert outcome(run, "confirm") == outcome(whole, "confirm")


def test_a_trial_that_fails_by_itself_on_a_full_disk_is_unfinished_too(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    begin(run)

    def quality(*arguments: Any) -> float:
        raise RuntimeError("of its own")

    with monkeypatch.context() as patch:
        patch.setattr(in_process, "quality", quality)
        fail_at(patch, "traceback.txt", 1)
        with pytest.raises(StorageError, match="No space left"):
            resume(run, patch)
    assert not list(run.rglob("record.json"))
    resume(run, monkeypatch)
    assert outcome(run, "confirm") == outcome(whole, "confirm")


def test_curves_that_cannot_be_written_stop_a_run_and_never_block_it(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    begin(run)

    def flush(writer: RecordWriter) -> None:
        raise full()

    with monkeypatch.context() as patch:
        patch.setattr(RecordWriter, "flush", flush)
        with pytest.raises(StorageError, match="No space left"):
            resume(run, patch, observers=[TensorBoard(run)])
    resume(run, monkeypatch, observers=[TensorBoard(run)])
    assert outcome(run, "confirm") == outcome(whole, "confirm")


# --- a real small disk -----------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    disk = SmallDisk(tmp_path, megabytes=6)
    yield disk
    disk.end()


def run_until(disk: SmallDisk, ready: Callable[[Path], bool], then: Callable[[], None]) -> tuple[int, str]:
    """A run that meets something."""
    process: subprocess.Popen[str] = disk.start("run", **ONE_AT_A_TIME)
    wait_for(lambda: ready(disk.seen / "run"), process)
    then()
    output, _ = process.communicate(timeout=240)
    return process.returncode, output


def records(phase: str, n: int) -> Callable[[Path], bool]:
    return lambda run: len(list(run.glob(f"{phase}/*/record.json"))) >= n


@pytest.mark.slow
@pytest.mark.timeout(900)  # five drivers, one after the other
def test_a_run_whose_disk_fills_up_and_closes_goes_on_as_if_undisturbed(
    disk: SmallDisk, tmp_path_factory: pytest.TempPathFactory, note: Note
) -> None:
    undisturbed = tmp_path_factory.mktemp("undisturbed") / "run"
    assert finish(undisturbed, **ONE_AT_A_TIME)[0] == 0
    run = disk.seen / "run"
    behave(run, seconds=0.1)
    losses = []
    for ready, fault, mend, said in (
        (records("tune", 3), disk.fill, disk.free, "No space left on device"),
        (records("confirm", 1), disk.fill, disk.free, "No space left on device"),
        (records("confirm", 3), lambda: disk.close_to_writing("run"), lambda: disk.open_to_writing("run"), "Read-only"),
    ):
        code, output = run_until(disk, ready, fault)
        assert code == 1, output
        assert output.startswith("StorageError: ")
        assert said in output
        assert f"go on with `tagsearch resume {disk.at / 'run'}`" in output
        assert len(output.splitlines()) == 1, output
        assert not list(run.rglob("traceback.txt"))
        losses.append(finished(run))
        mend()
    process = disk.start("run", **ONE_AT_A_TIME)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    for phase in ("tune", "confirm"):
        assert outcome(run, phase) == outcome(undisturbed, phase)
    whole_loss = [loss(run, before) for before in losses]
    assert [one.n_redone for one in whole_loss] == [0, 0, 0]
    stops = "the run stops in one line, no trial is FAILED; with space again `resume` ends as an undisturbed run"
    faults = ("disk full in the tune phase", "disk full in the confirm phase", "disk closed to writing (read-only)")
    for fault, one in zip(faults, whole_loss, strict=True):
        note(fault, stops, code=1, loss=Loss(n_finished=one.n_finished, n_redone=0, n_epochs_twice=one.n_epochs_twice))


@pytest.mark.slow
def test_a_full_disk_is_refused_before_anything_starts(disk: SmallDisk, note: Note) -> None:
    disk.fill()
    with pytest.raises(UsageError, match="must be writable: No space left on device"):
        check_writable(disk.seen)
    disk.free()
    assert check_writable(disk.seen) > 0
    note("disk full before the start", "refused in one line", code=2)
    note("disk full while features are computed", "one line; what is computed is kept", code=2)
    note("disk full while a report is written", "one line; the earlier report stays whole", code=1)

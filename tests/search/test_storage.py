"""The storage, looked at before anything starts."""

import errno
from pathlib import Path

import pytest

from tagsearch.errors import UsageError
from tagsearch.search import storage
from tagsearch.search.storage import check_writable


def test_a_good_storage_tells_its_free_space_and_keeps_nothing(tmp_path: Path) -> None:
    assert check_writable(tmp_path / "new" / "runs") > 0
    assert list((tmp_path / "new" / "runs").iterdir()) == []


def test_a_storage_that_cannot_be_written_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file/runs must be writable: Not a directory; choose another"):
        check_writable(tmp_path / "file" / "runs")


def test_a_full_disk_is_refused_and_its_trial_file_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(path: Path, content: bytes) -> None:
        path.write_bytes(content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage, "_write", fill)
    with pytest.raises(UsageError, match="must be writable: No space left on device"):
        check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_loses_what_is_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_write", lambda path, content: path.write_bytes(content[::-1]))
    with pytest.raises(UsageError, match="gave back something else"):
        check_writable(tmp_path)


def test_too_little_space_for_the_trials_is_refused_with_both_numbers(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"must hold the trials, about 1000000000.0 GB, and has [\d.]+ GB free"):
        check_writable(tmp_path, n_bytes=10**18)

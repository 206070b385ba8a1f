"""Ray's own files of a trial, written as it reports."""

import csv
import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.logger import JsonLoggerCallback

from tagsearch.search.ray_files import RayFiles
from tagsearch.search.storage import StorageWatch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bce-0-s1").mkdir()
    return tmp_path / "bce-0-s1"


@pytest.fixture
def watch(tmp_path: Path) -> StorageWatch:
    return StorageWatch(tmp_path)


@pytest.fixture
def files(watch: StorageWatch) -> RayFiles:
    return RayFiles(watch)


def trial(folder: Path) -> Any:
    return SimpleNamespace(config={"folder": str(folder), "lr": 0.1})


def epochs(folder: Path) -> tuple[list[int], list[int]]:
    reports = [json.loads(line)["epoch"] for line in (folder / "result.json").read_text().splitlines()]
    rows = [int(row["epoch"]) for row in csv.DictReader((folder / "progress.csv").read_text().splitlines())]
    return reports, rows


def test_reports_are_on_disk_while_the_trial_runs(folder: Path, files: RayFiles) -> None:
    one = trial(folder)
    files.log_trial_start(one)
    assert json.loads((folder / "params.json").read_text())["lr"] == 0.1
    files.log_trial_result(1, one, {"epoch": 1})
    assert epochs(folder) == ([1], [1])
    files.log_trial_result(2, one, {"epoch": 2})
    assert epochs(folder) == ([1, 2], [1, 2])
    files.log_trial_end(one)
    assert epochs(folder) == ([1, 2], [1, 2])


@pytest.mark.parametrize("end", [{"state": "COMPLETED"}, {"storage": "No space left on device"}])
def test_the_report_of_a_trials_end_is_no_row_of_its_table(
    folder: Path, files: RayFiles, end: dict[str, object]
) -> None:
    one = trial(folder)
    files.log_trial_start(one)
    files.log_trial_result(1, one, {"epoch": 1})
    files.log_trial_result(2, one, {"epoch": 1, "done": True, **end})
    files.log_trial_end(one)
    assert epochs(folder) == ([1, 1], [1])


@pytest.mark.parametrize("how", ["retried", "resumed"])
def test_a_trial_that_goes_on_has_every_epoch_once(
    folder: Path, files: RayFiles, watch: StorageWatch, how: str
) -> None:
    one = trial(folder)
    files.log_trial_start(one)
    files.log_trial_result(1, one, {"epoch": 1})
    if how == "resumed":  # by another driver
        files.log_trial_end(one)
        files, one = RayFiles(watch), trial(folder)
    files.log_trial_start(one)
    for epoch in (1, 2):
        files.log_trial_result(epoch, one, {"epoch": epoch})
    files.log_trial_end(one)
    assert epochs(folder) == ([1, 2], [1, 2])


def test_files_that_cannot_be_written_are_the_storages_fault(
    folder: Path, files: RayFiles, watch: StorageWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    one = trial(folder)
    files.log_trial_start(one)
    with monkeypatch.context() as patch:
        patch.setattr(JsonLoggerCallback, "log_trial_result", fails)
        files.log_trial_result(1, one, {"epoch": 1})
    assert "No space left" in watch.complaint
    files.log_trial_end(one)

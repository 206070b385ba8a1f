"""kill -9 in each kind of write of the driver and of a trial's process, before, in and after it: what the next process
finds and makes of it. No Ray; whole runs are killed in test_driver.py."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from analysis.report.report_files import write_files
from tagsearch.errors import UsageError
from tagsearch.files import write_json
from tagsearch.readings import note_read, read_reads, second_readings
from tagsearch.records import State, is_run, read_corpus, read_result, write_result, write_spec
from tagsearch.search.run_folder import PLANNED_FILE, extend, is_finished, open_run, taken
from tagsearch.search.tensorboard import TensorBoard, add_figures
from tagsearch.study.extension import Extension, read_extension
from tagsearch.study.lock import is_intact, read_lock
from tagsearch.study.parse import read_study
from tagsearch.training.loop import run_trial
from tagsearch.training.settings import TrialSettings
from tests.fake_run import FakeRun
from tests.fake_trial import specs, tiny_study
from tests.fake_trial_setup import make_settings, make_spec, outcome
from tests.faults import dying
from tests.faults.conftest import Note
from tests.faults.dying import MOMENTS, killed

EVERY_MOMENT = pytest.mark.parametrize("moment", MOMENTS)
EXTENSION = Extension(seeds=5, as_declared=False, time="2026-01-01T00:00:00+00:00")


def leftovers(folder: Path) -> list[Path]:
    return list(folder.rglob("*.tmp"))


@EVERY_MOMENT
@pytest.mark.parametrize(
    "name", ["study.yaml", "corpus.npz", "lock.json", "environment.json", "plan.json", "resolved.yaml"]
)
def test_a_run_killed_while_it_begins_begins_again_under_its_name(
    name: str, moment: str, tmp_path: Path, note: Note
) -> None:
    folder = tmp_path / "run"
    killed(dying.begin_run_and_die, folder, name, moment)
    had_begun = is_run(folder)
    assert had_begun == (name == "resolved.yaml" and moment == "after")
    if had_begun:
        with pytest.raises(UsageError, match=r"exists; .*`tagsearch resume` it"):
            dying.begin_run(folder)
        with taken(folder):
            open_run(folder, read_study(folder / "resolved.yaml"), dying.TABLE, device="cpu")
    else:
        dying.begin_run(folder)
    assert {path.name for path in folder.iterdir()} == {
        *(".lock", "study.yaml", "corpus.npz", "lock.json", "environment.json", "plan.json", "resolved.yaml")
    }
    lock = read_lock(folder)
    assert lock is not None
    assert is_intact(lock)
    assert read_corpus(folder).fingerprint == dying.TABLE.fingerprint
    assert read_study(folder / "resolved.yaml").confirm_arms == ("bce", "focal")
    note("kill -9 of the driver at any write of a beginning run", "`run --name` begins anew, or `resume` goes on")


@EVERY_MOMENT
@pytest.mark.parametrize("name", ["trial.json", "record.json", "chosen.json", "planned.json", "trials.csv"])
def test_a_file_that_is_killed_in_its_write_is_the_old_one_or_the_new_one(
    name: str, moment: str, tmp_path: Path
) -> None:
    write_json(tmp_path / name, {"old": 1})
    killed(dying.write_json_and_die, tmp_path / name, moment)
    content = json.loads((tmp_path / name).read_text())
    assert content == ({"new": "x" * 1000} if moment == "after" else {"old": 1})
    with taken(tmp_path):
        assert not leftovers(tmp_path)


def test_a_record_is_not_on_disk_before_the_files_that_are_read_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cut of power may lose a file that was not waited for, whatever came after it."""
    waited: list[str] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        waited.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    settings = make_settings(tmp_path)
    monkeypatch.setattr(os, "fsync", noting)
    for _ in run_trial(make_spec(phase="tune", epochs=1), settings, tmp_path / "trial"):
        waited.clear()
    *before, record = waited
    assert record.startswith(".record.json.")
    assert set(before) == {"history.json", "per_tag.npz", "draws.npz"}


@EVERY_MOMENT
def test_a_run_killed_while_it_is_extended_is_extended_or_not(moment: str, tmp_path: Path, note: Note) -> None:
    planned = specs(tiny_study(), 3, epochs=1)
    for spec in planned:
        write_spec(tmp_path / "confirm" / spec.name, spec)
        write_result(tmp_path / "confirm" / spec.name, dying_result())
    write_json(tmp_path / PLANNED_FILE, [spec.name for spec in planned])
    killed(dying.extend_and_die, tmp_path, "extension.json", moment)
    assert (read_extension(tmp_path) is not None) == (moment == "after")
    assert not is_finished(tmp_path)  # as `resume` has something to do, if only to see that it has not
    write_json(tmp_path / PLANNED_FILE, [spec.name for spec in planned])  # as `resume` does
    if moment != "after":
        extend(tmp_path, EXTENSION)
    assert read_extension(tmp_path) == EXTENSION
    note("kill -9 of the driver at the write of extension.json", "the run is extended or not; `resume` goes on")


def dying_result() -> Any:
    from tagsearch.records import TrialResult

    return TrialResult(state=State.COMPLETED)


@EVERY_MOMENT
def test_a_ledger_that_is_killed_in_its_write_holds_the_reading_or_not(moment: str, tmp_path: Path, note: Note) -> None:
    note_read(tmp_path, split="test", checkpoint="epoch1", weights_sha256="1" * 64)
    killed(dying.note_reading_and_die, tmp_path, moment)
    assert len(read_reads(tmp_path)) == (2 if moment == "after" else 1)
    note_read(tmp_path, split="test", checkpoint="final", weights_sha256="0" * 64)
    assert [reading.checkpoint for reading in read_reads(tmp_path)][-1] == "final"
    assert second_readings(read_reads(tmp_path)) == ()
    note("kill -9 at a line of reads.jsonl, the ledger of the test split", "no second reading is counted")


@EVERY_MOMENT
@pytest.mark.parametrize("name", ["files.json", "index.html", "tables.tex"])
def test_a_report_that_is_killed_in_its_write_is_written_anew(name: str, moment: str, tmp_path: Path) -> None:
    old = {"index.html": b"old page", "old.csv": b"1", "tables.tex": b"old"}
    new = {"index.html": b"new page", "new.csv": b"2", "tables.tex": b"new"}
    write_files(tmp_path, old)
    killed(dying.write_report_and_die, tmp_path, new, name, moment)
    write_files(tmp_path, new)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.name in new} == new
    assert not (tmp_path / "old.csv").exists()


def test_events_that_end_in_half_a_record_are_continued(tmp_path: Path, note: Note) -> None:
    (spec,) = specs(tiny_study(), 1, epochs=2)
    killed(dying.watch_and_die, tmp_path, spec, {"epoch": 1, "valid/pr_auc": 0.25})
    board = TensorBoard(tmp_path)
    board.trial_started(spec)
    for epoch, value in ((1, 0.25), (2, 0.5)):
        board.epoch_done(spec, {"epoch": epoch, "valid/pr_auc": value})
    board.trial_ended(spec, dataclasses.replace(dying_result(), best=0.5))
    scalars = EventAccumulator(str(tmp_path / "confirm" / spec.name)).Reload().Scalars("valid/pr_auc")
    assert [(event.step, event.value) for event in scalars] == [(1, 0.25), (2, 0.5)]
    note("kill -9 of the driver in a record of TensorBoard events", "the curve is whole after `resume`")


def test_figures_that_were_half_drawn_are_drawn_again(tmp_path: Path, note: Note) -> None:
    from matplotlib.figure import Figure

    FakeRun(signals={"bce": 1.0}, n_clips=60, n_artists=10, seeds=1, tuned=False).write(tmp_path)
    killed(dying.draw_and_die, tmp_path)
    add_figures(tmp_path, lambda run, trial: {"first": Figure(), "second": Figure()})
    (folder,) = {path.parent for path in tmp_path.glob("confirm/*/events.*.figures")}
    assert EventAccumulator(str(folder)).Reload().Tags()["images"] == ["first", "second"]
    assert len(list(folder.glob("events.*"))) == 1
    note("kill -9 of the driver between two figures", "they are drawn anew")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> TrialSettings:
    return dataclasses.replace(make_settings(tmp_path_factory.mktemp("corpus")), snapshots=(1,))


@pytest.fixture(scope="module")
def undisturbed(settings: TrialSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    list(run_trial(make_spec(epochs=2), settings, folder))
    return folder


@pytest.mark.parametrize("moment", ["torn", "after"])
@pytest.mark.parametrize(
    "name",
    [
        *("checkpoint.pt", "checkpoint-previous.pt", "history.json", "per_tag.npz", "draws.npz", "weights-epoch1.pt"),
        *("weights-final.pt", "reads.jsonl", "scores.npz", "record.json"),
    ],
)
def test_a_trial_killed_in_a_write_ends_as_if_undisturbed(
    name: str, moment: str, settings: TrialSettings, undisturbed: Path, tmp_path: Path, note: Note
) -> None:
    spec = make_spec(epochs=2)
    killed(dying.train_and_die, spec, settings, tmp_path, name, moment)
    ended = read_result(tmp_path)
    assert (ended is not None) == ((name, moment) == ("record.json", "after"))
    if ended is None:
        list(run_trial(spec, settings, tmp_path))
    assert outcome(tmp_path) == outcome(undisturbed)
    ours, other = read_result(tmp_path), read_result(undisturbed)
    assert ours is not None
    assert other is not None
    assert ours.weights_sha256 == other.weights_sha256
    assert second_readings(read_reads(tmp_path)) == ()
    note("kill -9 of a trial's process at any of its writes", "its retry ends in the same scores bit for bit")

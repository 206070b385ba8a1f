"""The run folder: begun once, taken by one process at a time, found by name."""

import csv
import errno
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock

from tagsearch.errors import UsageError
from tagsearch.files import write_json
from tagsearch.readings import note_read
from tagsearch.records import State, TrialResult, is_run, read_corpus, write_history, write_result, write_spec
from tagsearch.search import run_folder
from tagsearch.search.run_folder import extend, find_run, is_taken, new_run_folder, open_run, taken, write_trials_csv
from tagsearch.search.status import describe, list_lines
from tagsearch.study.extension import Extension
from tagsearch.study.lock import is_intact, read_lock
from tagsearch.study.parse import read_study
from tagsearch.study.plan import predict
from tests.fake_corpus import make_table
from tests.fake_trial import specs, tiny_study

TABLE = make_table(n_train=4, n_valid=3, n_test=3)
STUDY = "study: mine\nfactors: {loss: [bce, focal]}\n"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(STUDY)
    folder = tmp_path / "runs" / "first"
    open_run(folder, read_study(tmp_path / "mine.yaml"), TABLE, device="cpu")
    return folder


def test_a_run_begins_with_the_study_as_given_and_resolved_its_lock_corpus_and_environment(run: Path) -> None:
    assert (run / "study.yaml").read_text() == STUDY
    assert read_study(run / "resolved.yaml").confirm_arms == ("bce", "focal")
    assert len(json.loads((run / "lock.json").read_text())["sha256"]) == 64
    assert read_corpus(run).fingerprint == TABLE.fingerprint
    environment = json.loads((run / "environment.json").read_text())
    assert environment["device"] == "cpu"
    assert environment["corpus"]["fingerprint"] == TABLE.fingerprint
    assert set(environment["packages"]) >= {"torch", "ray", "optuna"}


def test_a_folder_is_a_run_only_when_it_is_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY)
    study, folder = read_study(tmp_path / "mine.yaml"), tmp_path / "run"
    with monkeypatch.context() as killed:
        killed.setattr(run_folder, "registered", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            open_run(folder, study, TABLE, device="cpu")
    assert not is_run(folder)
    open_run(folder, study, TABLE, device="cpu")
    lock = read_lock(folder)
    assert lock is not None
    assert is_intact(lock)
    assert lock["earlier"] == []
    assert datetime.fromisoformat(lock["registered"]) <= datetime.now(UTC)


def test_nothing_is_registered_once_there_are_trials(run: Path) -> None:
    study, (spec,) = read_study(run / "resolved.yaml"), specs(tiny_study(), 1, epochs=3)
    write_spec(run / "tune" / spec.name, spec)
    (run / "resolved.yaml").unlink()
    (run / "lock.json").unlink()
    with pytest.raises(UsageError, match=r"holds trials .* but no resolved\.yaml"):
        open_run(run, study, TABLE, device="cpu")
    assert not (run / "lock.json").exists()


def test_a_run_that_goes_on_is_not_registered_again(run: Path) -> None:
    (run / "lock.json").unlink()
    open_run(run, read_study(run / "resolved.yaml"), TABLE, device="cpu")
    assert not (run / "lock.json").exists()


def test_a_run_remembers_the_earlier_ones_that_had_read_its_test_split(run: Path) -> None:
    study, storage = read_study(run / "resolved.yaml"), run.parent
    open_run(storage / "second", study, TABLE, device="cpu")  # the first one has read nothing yet
    note_read(run / "confirm" / "trial", split="test", checkpoint="final", weights_sha256="a")
    open_run(storage / "third", study, TABLE, device="cpu")
    open_run(storage / "second", study, TABLE, device="cpu")  # resumed
    locks = {name: read_lock(storage / name) or {} for name in ("second", "third")}
    assert {name: lock["earlier"] for name, lock in locks.items()} == {"second": [], "third": ["first"]}


# --- extension -------------------------------------------------------------------------------------------------------


@pytest.fixture
def finished(run: Path) -> Path:
    (spec,) = specs(tiny_study(), 1, epochs=3)
    write_spec(run / "confirm" / spec.name, spec)
    write_result(run / "confirm" / spec.name, TrialResult(state=State.COMPLETED))
    write_json(run / "confirm" / "planned.json", [spec.name])
    return run


@pytest.mark.parametrize(("as_declared", "words"), [(True, "as declared"), (False, "not as declared")])
def test_an_extended_run_is_unfinished_again_and_says_so(finished: Path, as_declared: bool, words: str) -> None:
    assert "first: finished" in describe(finished)
    extend(finished, Extension(seeds=9, as_declared=as_declared, time="now"))
    assert "first: interrupted" in describe(finished)
    assert f"extended to 9 seeds an arm, {words}" in describe(finished)


def test_a_run_is_extended_once(finished: Path) -> None:
    extend(finished, Extension(seeds=9, as_declared=True, time="2026-11-22"))
    with pytest.raises(UsageError, match=r"was extended to 9 seeds already \(2026-11-22\), .* start a new run"):
        extend(finished, Extension(seeds=12, as_declared=False, time="later"))


def test_an_unfinished_run_is_not_extended(finished: Path) -> None:
    write_json(finished / "confirm" / "planned.json", ["another-trial"])
    with pytest.raises(UsageError, match=r"is unfinished: only a finished run .* `tagsearch resume"):
        extend(finished, Extension(seeds=9, as_declared=True, time=""))
    assert not (finished / "extension.json").exists()


def test_a_run_keeps_the_plan_that_it_was_started_with(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(STUDY)
    study = read_study(tmp_path / "mine.yaml")
    plan = predict(study, n_slots=3)
    open_run(tmp_path / "first", study, TABLE, device="cpu", plan=plan)
    kept = json.loads((tmp_path / "first" / "plan.json").read_text())
    assert kept["n_slots"] == 3
    assert [(one["phase"], one["n_trials"], one["seconds"]) for one in kept["phases"]] == [
        (phase.phase, phase.n_trials, phase.seconds) for phase in plan.phases
    ]
    open_run(tmp_path / "first", study, TABLE, device="cpu", plan=predict(study, n_slots=1))
    assert json.loads((tmp_path / "first" / "plan.json").read_text())["n_slots"] == 3


def test_a_run_keeps_no_environment_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    (tmp_path / "mine.yaml").write_text(STUDY)
    study = read_study(tmp_path / "mine.yaml")
    open_run(tmp_path / "first", study, TABLE, device="cpu")
    assert (tmp_path / "first" / "environment.json").exists()
    assert not [file for file in (tmp_path / "first").iterdir() if b"hunter2" in file.read_bytes()]


def test_a_run_keeps_no_secret_that_was_typed_and_of_git_only_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ["tagsearch", "run", "mine.yaml", "--address", "ray://ada:hunter2@head", "--token", "hunter2"]
    monkeypatch.setattr(sys, "argv", [*typed, "key=hunter2", "--data", "folder=/home/ada/music"])
    (tmp_path / "mine.yaml").write_text(STUDY)
    folder = tmp_path / "first"
    open_run(folder, read_study(tmp_path / "mine.yaml"), TABLE, device="cpu")
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["command"] == [
        *("tagsearch", "run", "mine.yaml", "--address", "ray://***@head", "--token", "***", "key=***"),
        *("--data", "folder=/home/ada/music"),
    ]
    assert not [file for file in folder.iterdir() if b"hunter2" in file.read_bytes()]
    assert set(environment["git"] or ()) <= {"commit", "dirty"}


@pytest.mark.parametrize(
    "name", ["../x", "/tmp/x", "a/b", "..", ".hidden", "-y", "", "a\0b", "a\nb", "x" * 300, "cache"]
)
def test_a_run_lies_in_its_storage_under_a_name_of_its_own(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a run is a folder in the storage, called with") as refused:
        new_run_folder(tiny_study(), storage=tmp_path / "runs", name=name)
    assert "\n" not in str(refused.value)


def test_a_run_goes_on_with_its_own_corpus_only(run: Path) -> None:
    study = read_study(run / "resolved.yaml")
    open_run(run, study, TABLE, device="cpu")
    other = make_table(n_train=4, n_valid=3, n_test=3, seed=1)
    with pytest.raises(UsageError, match=r"the corpus has changed since .*first was begun"):
        open_run(run, study, other, device="cpu")


def test_names_of_new_runs_are_the_studys_and_never_taken(tmp_path: Path) -> None:
    study = tiny_study()
    first = new_run_folder(study, storage=tmp_path, name=None)
    assert first.name.startswith("tiny-20")
    assert new_run_folder(study, storage=tmp_path, name=None) != first
    (first / "trials.csv").touch()
    with pytest.raises(UsageError, match="exists; choose another name"):
        new_run_folder(study, storage=tmp_path, name=first.name)


def test_a_run_is_taken_by_one_process(run: Path) -> None:
    assert not is_taken(run)
    code = (
        f"from pathlib import Path; from tagsearch.search.run_folder import taken\nwith taken(Path({str(run)!r})): pass"
    )
    with taken(run):
        assert is_taken(run)
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert second.returncode == 1
    assert "is being run by another process" in second.stderr
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("name", ["ray.log", ".lock", "tune/trial/record.json", "confirm"])
def test_nothing_is_written_through_a_link_that_somebody_put_into_the_run(run: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "mine").write_text("precious")
    (run / name).parent.mkdir(parents=True, exist_ok=True)
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(tmp_path / "mine")
    with pytest.raises(UsageError, match=rf"{name} is a link, and a run writes into its own folder alone"), taken(run):
        raise AssertionError("it was taken")
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_run_on_a_disk_that_can_only_be_read_is_not_taken(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def acquire(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(FileLock, "acquire", acquire)
    assert not is_taken(run)
    assert "interrupted" in list_lines(run.parent)[0]


def test_a_run_is_found_by_path_by_name_and_as_the_latest(run: Path) -> None:
    storage = run.parent
    assert find_run(str(run), storage=Path("nowhere")) == run
    assert find_run("first", storage=storage) == run
    assert find_run(None, storage=storage) == run
    with pytest.raises(UsageError, match="second is no run folder"):
        find_run("second", storage=storage)
    with pytest.raises(UsageError, match="no runs under"):
        find_run(None, storage=storage / "empty")


def test_trials_are_listed_with_their_states(run: Path) -> None:
    done, begun = specs(tiny_study(), 2, epochs=3)
    for spec in (done, begun):
        write_spec(run / "confirm" / spec.name, spec)
    write_result(
        run / "confirm" / done.name, TrialResult(state=State.COMPLETED, stop_reason="budget", epochs=3, best=0.5)
    )
    write_history(run / "confirm" / done.name, [{"epoch": epoch} for epoch in (1, 2, 3)], {})
    write_history(run / "confirm" / begun.name, [{"epoch": 1}], {})
    write_trials_csv(run)
    with (run / "trials.csv").open() as file:
        rows = {row["trial"]: row for row in csv.DictReader(file)}
    assert (rows[done.name]["state"], rows[done.name]["best"], rows[done.name]["epochs"]) == ("COMPLETED", "0.5", "3")
    assert (rows[begun.name]["state"], rows[begun.name]["best"]) == ("RUNNING", "")
    assert "first: interrupted" in describe(run)
    assert "1 completed" in list_lines(run.parent)[0]


def test_the_latest_run_is_the_one_begun_last_whatever_was_written_since(run: Path) -> None:
    later = run.parent / "a-later-one"
    open_run(later, read_study(run / "resolved.yaml"), TABLE, device="cpu")
    (run / "report").mkdir()
    assert find_run(None, storage=run.parent) == later

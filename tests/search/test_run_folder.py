"""The run folder: begun once, taken by one process at a time, found by name."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tagsearch.errors import UsageError
from tagsearch.records import State, TrialResult, read_corpus, write_history, write_result, write_spec
from tagsearch.search.run_folder import find_run, is_taken, new_run_folder, open_run, taken, write_trials_csv
from tagsearch.search.status import describe, list_lines
from tagsearch.study.parse import read_study
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
    first.mkdir()
    assert new_run_folder(study, storage=tmp_path, name=None) != first
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

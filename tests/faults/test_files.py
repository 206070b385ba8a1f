"""Damaged and lost files: made anew, or named in a line with the way on; nothing finished is lost, no table is wrong.

What is allowed of a file that a verb meets: (a) it is made anew from what is there, (b) an error of one line that says
file, damage and way on, with nothing changed on disk, (c) at most the one unfinished trial is trained again.
"""

import dataclasses
import json
import logging
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import analysis
from tagsearch.data import builtin
from tagsearch.errors import CorpusError, RecordError, TagsearchError, UsageError
from tagsearch.records import read_trials
from tagsearch.search.asha import read_log
from tagsearch.search.run_folder import find_run, is_finished, open_run
from tagsearch.search.status import list_lines
from tagsearch.study.extension import Extension, write_extension
from tagsearch.study.parse import read_resolved
from tagsearch.training.loop import run_trial
from tagsearch.training.settings import TrialSettings
from tests import fake_trial_setup
from tests.fake_trial_setup import make_settings, make_spec
from tests.faults import in_process
from tests.faults.conftest import Note
from tests.faults.driver import outcome
from tests.faults.in_process import begin, resume, whole_run
from tests.test_builtin_make import make_tiny

Damage = Callable[[bytes], bytes | None]
WAY_ON = r"bring the old file back, or move the trial's folder away: (`tagsearch resume` trains that|the run goes on)"


def empty(content: bytes) -> bytes:
    return b""


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def garbage(content: bytes) -> bytes:
    return bytes(range(256))


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0x55]) + content[middle + 1 :]


def null(content: bytes) -> bytes:
    return b"null\n"


def mapping(content: bytes) -> bytes:
    return b"{}\n"


def sequence(content: bytes) -> bytes:
    return b"[]\n"


def lost(content: bytes) -> None:
    return None


BYTES: tuple[Damage, ...] = (empty, half, garbage, flipped)
JSON: tuple[Damage, ...] = (*BYTES, null, mapping, sequence)


def damage(file: Path, how: Damage) -> None:
    content = how(file.read_bytes())
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)


def tree(run: Path) -> dict[str, bytes]:
    """What is on disk, but for what says nothing of trials."""
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and path.name != "ray.log"
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return whole_run(tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In the tune phase: some trials have ended, one has not."""
    run = tmp_path_factory.mktemp("interrupted") / "run"
    begin(run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(in_process, "quality", _ends_after(40))
        with pytest.raises(KeyboardInterrupt):
            resume(run, patch)
    return run


def _ends_after(n_epochs: int) -> Callable[..., float]:
    left, plain = iter(range(n_epochs)), in_process.quality

    def quality(*arguments: Any) -> float:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return plain(*arguments)

    return quality


@dataclass
class Copy:
    """A run of one's own. `said`: what was logged."""

    run: Path
    patch: pytest.MonkeyPatch
    log: pytest.LogCaptureFixture

    def resume(self) -> None:
        with self.log.at_level(logging.WARNING):
            resume(self.run, self.patch)

    @property
    def said(self) -> str:
        return self.log.text

    def a(self, pattern: str) -> Path:
        return sorted(self.run.glob(pattern))[0]


@pytest.fixture
def copy(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Copy:
    shutil.copytree(whole, tmp_path / "run")
    return Copy(tmp_path / "run", monkeypatch, caplog)


@pytest.fixture
def cut(interrupted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Copy:
    shutil.copytree(interrupted, tmp_path / "run")
    return Copy(tmp_path / "run", monkeypatch, caplog)


def is_as(run: Path, whole: Path) -> bool:
    return all(outcome(run, phase) == outcome(whole, phase) for phase in ("tune", "confirm"))


# --- an ended trial --------------------------------------------------------------------------------------------------

ENDED = [
    *((name, how) for name in ("trial.json", "record.json", "history.json") for how in JSON),
    ("trial.json", lost),
    ("history.json", lost),
]


@pytest.mark.parametrize("phase", ["tune", "confirm"])
@pytest.mark.parametrize(("name", "how"), ENDED)
def test_what_is_wrong_with_an_ended_trial_is_named_with_the_way_on(
    copy: Copy, phase: str, name: str, how: Damage
) -> None:
    file = copy.a(f"{phase}/focal-*") / name
    damage(file, how)
    before = tree(copy.run)
    for verb in (copy.resume, lambda: analysis.load(copy.run)):
        with pytest.raises(RecordError, match=rf"({WAY_ON})|give it back its name and content, or move it") as error:
            verb()
        assert str(file.parent) in str(error.value)
        assert "\n" not in str(error.value)
    assert tree(copy.run) == before
    assert "damaged" in list_lines(copy.run.parent)[0]


def test_a_confirm_trial_that_was_moved_away_is_trained_again_and_no_other(copy: Copy, whole: Path, note: Note) -> None:
    folder = copy.a("confirm/focal-*")
    (folder / "record.json").write_text("")
    folder.rename(copy.run.parent / "away")
    records = {path: path.stat().st_mtime_ns for path in copy.run.glob("*/*/record.json")}
    copy.resume()
    assert is_as(copy.run, whole)
    assert {path: path.stat().st_mtime_ns for path in records} == records
    note(
        "damaged or lost trial.json, record.json or history.json of an ended trial",
        "one line with file and way on, nothing changed; moved away, `resume` trains that trial again",
        code=1,
    )


def test_a_trial_whose_record_is_lost_counts_as_unfinished_and_is_ended_again(copy: Copy, whole: Path) -> None:
    (copy.a("confirm/focal-*") / "record.json").unlink()
    assert not is_finished(copy.run)
    copy.resume()
    assert is_as(copy.run, whole)
    assert "has no checkpoint: its epochs are trained again" in copy.said


def test_a_tune_trial_whose_record_is_lost_after_the_choice_is_told(copy: Copy, whole: Path) -> None:
    (copy.a("tune/focal-*") / "record.json").unlink()
    copy.resume()
    assert "has no record.json, and the tune phase is over" in copy.said
    assert outcome(copy.run, "confirm") == outcome(whole, "confirm")


@pytest.mark.parametrize("how", [*BYTES, lost])
@pytest.mark.parametrize("name", ["per_tag.npz", "draws.npz", "scores.npz", "reads.jsonl"])
def test_what_only_the_report_needs_of_a_trial_stops_no_resume(copy: Copy, whole: Path, name: str, how: Damage) -> None:
    damage(copy.a("confirm/focal-*") / name, how)
    copy.resume()
    assert is_as(copy.run, whole)


@pytest.mark.parametrize("how", [*BYTES, lost])
def test_values_that_cannot_be_read_are_named_with_the_way_on(copy: Copy, how: Damage) -> None:
    folder = copy.a("confirm/focal-*")
    for name in ("per_tag.npz", "draws.npz", "scores.npz"):
        damage(folder / name, how)
    (trial,) = (trial for trial in read_trials(copy.run, "confirm") if trial.folder == folder)
    for read in (lambda: trial.per_tag("pr_auc"), trial.draws, lambda: trial.scores("test")):
        with pytest.raises(RecordError, match=WAY_ON):
            read()


def test_per_tag_values_of_fewer_epochs_are_refused(copy: Copy) -> None:
    trials = {len(trial.history): trial for trial in read_trials(copy.run, "tune")}
    shutil.copy(trials[1].folder / "per_tag.npz", trials[9].folder / "per_tag.npz")
    with pytest.raises(RecordError, match="it holds no row for each of 9 epochs"):
        trials[9].per_tag("pr_auc")


def test_scores_and_ledgers_that_are_damaged_are_told_in_the_summary(copy: Copy) -> None:
    for arm, name in (("focal", "scores.npz"), ("bce", "reads.jsonl")):
        damage(copy.a(f"confirm/{arm}-*") / name, garbage)
    table = analysis.summarize(analysis.load(copy.run)).render("table", width=200)
    assert re.search(r"focal +2/3", table)
    assert "a ledger cannot be read" in table


# --- a trial that has not ended --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [*JSON, lost])
def test_the_history_of_a_trial_that_goes_on_may_be_lost(cut: Copy, whole: Path, how: Damage) -> None:
    (unfinished,) = (trial for trial in read_trials(cut.run, "tune") if trial.result is None)
    damage(unfinished.folder / "history.json", how)
    cut.resume()
    assert is_as(cut.run, whole)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> TrialSettings:
    return make_settings(tmp_path_factory.mktemp("data"), snapshots=(1,))


@pytest.fixture(scope="module")
def undisturbed(settings: TrialSettings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    folder = tmp_path_factory.mktemp("undisturbed")
    list(run_trial(make_spec(), settings, folder))
    return fake_trial_setup.outcome(folder)


@pytest.mark.parametrize("name", ["history.json", "per_tag.npz", "draws.npz", "weights-epoch1.pt"])
@pytest.mark.parametrize("how", [half, lost])
def test_a_real_trial_goes_on_bit_for_bit_whatever_became_of_its_files(
    settings: TrialSettings,
    undisturbed: tuple[Any, ...],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    name: str,
    how: Damage,
) -> None:
    list(islice(run_trial(make_spec(), settings, tmp_path), 2))
    damage(tmp_path / name, how)
    list(run_trial(make_spec(), settings, tmp_path))
    assert fake_trial_setup.outcome(tmp_path) == undisturbed
    assert ("weights-epoch1.pt is missing or damaged" in caplog.text) == (name == "weights-epoch1.pt")
    assert ("the trial starts anew" in caplog.text) == (name == "weights-epoch1.pt")


def test_what_a_kill_left_half_written_goes_with_the_trials_end(
    settings: TrialSettings, tmp_path: Path, note: Note
) -> None:
    list(islice(run_trial(make_spec(), settings, tmp_path), 1))
    (tmp_path / ".checkpoint.pt.77.tmp").write_bytes(b"half")
    list(run_trial(make_spec(), settings, tmp_path))
    assert not list(tmp_path.glob(".*"))
    note("damaged or lost history.json, per_tag.npz or draws.npz of an unfinished trial", "goes on from its checkpoint")
    note("damaged checkpoint.pt", "goes on from the one before it, with a warning; without one the trial starts anew")
    note("damaged or lost weights of a snapshot of an unfinished trial", "that trial starts anew, with a warning")


# --- the state of a run ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [lost, empty, half])
def test_the_rungs_that_a_log_has_lost_are_taken_from_the_histories(cut: Copy, whole: Path, how: Damage) -> None:
    file = cut.run / "tune" / "rungs.jsonl"
    expected = {(seen.trial, seen.epoch, seen.value) for seen in read_log(whole / "tune" / "rungs.jsonl")}
    damage(file, how)
    cut.resume()
    assert re.search(r"rungs.jsonl lacked \d+ values: taken from the histories of ended trials", cut.said)
    assert is_as(cut.run, whole)
    assert {(seen.trial, seen.epoch, seen.value) for seen in read_log(file)} == expected


def test_a_garbled_log_of_rungs_is_named_and_made_anew_once_it_is_removed(cut: Copy, whole: Path) -> None:
    file = cut.run / "tune" / "rungs.jsonl"
    file.write_bytes(b"\xff\n" + file.read_bytes())
    with pytest.raises(RecordError, match=r"rungs\.jsonl is damaged: .*; bring the old file back, or remove it"):
        cut.resume()
    file.unlink()
    cut.resume()
    assert is_as(cut.run, whole)


@pytest.mark.parametrize("how", JSON)
def test_a_damaged_choice_is_named_and_made_anew_once_it_is_removed(copy: Copy, whole: Path, how: Damage) -> None:
    file = copy.run / "tune" / "chosen.json"
    before = file.read_bytes()
    damage(file, how)
    with pytest.raises(RecordError, match=r"chosen\.json is damaged: .*; bring the old file back, or remove it: "):
        copy.resume()
    file.unlink()
    copy.resume()
    assert file.read_bytes() == before
    assert is_as(copy.run, whole)


def test_a_choice_made_anew_that_is_another_is_refused(copy: Copy) -> None:
    file = copy.run / "tune" / "chosen.json"
    chosen = json.loads(file.read_text())
    for trial in read_trials(copy.run, "tune"):
        if dict(trial.spec.config) in chosen["focal"]:
            shutil.rmtree(trial.folder)
    file.unlink()
    copy.patch.setattr(in_process, "quality", lambda *_: 0.0)  # of the trial that takes its place
    with pytest.raises(RecordError, match=r"is no trial that the run plans: .*; bring tune/chosen\.json"):
        copy.resume()
    assert len(list(copy.run.glob("confirm/*/record.json"))) == 6


@pytest.mark.parametrize("how", [*JSON, lost])
def test_the_list_of_planned_trials_is_written_anew(copy: Copy, whole: Path, how: Damage) -> None:
    file = copy.run / "confirm" / "planned.json"
    before = file.read_bytes()
    damage(file, how)
    with copy.log.at_level(logging.WARNING):
        assert not is_finished(copy.run)
    assert how is lost or "planned.json is damaged" in copy.said
    copy.resume()
    assert file.read_bytes() == before
    assert is_as(copy.run, whole)


@pytest.mark.parametrize("how", [*JSON, lost])
def test_an_extension_that_is_damaged_or_lost_after_its_trials_is_no_other_plan(copy: Copy, how: Damage) -> None:
    write_extension(copy.run, Extension(seeds=4, as_declared=False, time="2026-01-01T00:00:00+00:00"))
    copy.resume()
    damage(copy.run / "extension.json", how)
    before = tree(copy.run)
    with pytest.raises(RecordError, match=r"bring the old file back|bring tune/chosen\.json and extension\.json back"):
        copy.resume()
    assert tree(copy.run) == before


@pytest.mark.parametrize("how", [empty, garbage, flipped])
def test_a_damaged_study_of_a_run_is_named_with_the_way_on(copy: Copy, how: Damage) -> None:
    damage(copy.run / "resolved.yaml", how)
    for verb in (copy.resume, lambda: analysis.load(copy.run)):
        with pytest.raises(RecordError, match=r"resolved\.yaml:\d+: .*resolved\.yaml is damaged or was changed: bring"):
            verb()


def test_a_study_that_lacks_its_last_lines_is_never_taken_for_another(copy: Copy) -> None:
    """At every line: what is left may be a study, too, and is the same one only if defaults are all that is gone."""
    file = copy.run / "resolved.yaml"
    lines = file.read_text().splitlines(keepends=True)
    registered, table = read_resolved(copy.run), in_process.corpus()
    said: list[str] = []
    for n in range(len(lines)):
        file.write_text("".join(lines[:n]))
        try:
            study = read_resolved(copy.run)
            open_run(copy.run, study, table, device="cpu")
        except TagsearchError as error:
            said.append(str(error))
        else:
            assert dataclasses.replace(study, document={}, source="") == dataclasses.replace(
                registered, document={}, source=""
            )
    assert len(said) > len(lines) // 2
    assert all(re.search("is damaged or was changed|is not the study that was registered", line) for line in said)


def test_a_run_without_its_study_is_none(copy: Copy) -> None:
    (copy.run / "resolved.yaml").unlink()
    with pytest.raises(UsageError, match=r"is no run folder \(none has resolved\.yaml\)"):
        find_run(str(copy.run), storage=copy.run.parent)


@pytest.mark.parametrize("how", [*BYTES, lost])
def test_a_damaged_table_of_the_corpus_is_named_with_the_way_on(copy: Copy, how: Damage) -> None:
    damage(copy.run / "corpus.npz", how)
    for verb in (copy.resume, lambda: analysis.load(copy.run)):
        with pytest.raises(RecordError, match=r"corpus\.npz .*; it holds the labels that the trials were scored by"):
            verb()


@pytest.mark.parametrize("how", [*JSON, lost])
def test_a_run_without_its_registration_goes_on_with_a_warning(copy: Copy, whole: Path, how: Damage) -> None:
    damage(copy.run / "lock.json", how)
    copy.resume()
    assert "lock.json is missing or damaged: verdicts are exploratory" in copy.said
    assert is_as(copy.run, whole)


@pytest.mark.parametrize("how", [*JSON, lost])
@pytest.mark.parametrize("name", ["environment.json", "study.yaml", "trials.csv"])
def test_what_is_there_to_be_read_by_people_stops_nothing(copy: Copy, whole: Path, name: str, how: Damage) -> None:
    damage(copy.run / name, how)
    copy.resume()
    assert is_as(copy.run, whole)
    assert name != "trials.csv" or (copy.run / name).read_text() == (whole / name).read_text()


def test_one_damaged_run_hides_no_other_from_the_list(copy: Copy, whole: Path, note: Note) -> None:
    shutil.copytree(whole, copy.run.parent / "sound")
    damage(copy.a("tune/bce-*") / "record.json", empty)
    lines = {line.split()[0]: line for line in list_lines(copy.run.parent)}
    assert "damaged" in lines["run"]
    assert "finished" in lines["sound"]
    note("damaged or lost rungs.jsonl", "made anew from the trials' histories (garbled: once it is removed)")
    note("damaged or lost chosen.json", "made anew from the same trials; damaged: one line says so", code=1)
    note("damaged or lost planned.json or trials.csv", "written anew by `resume`")
    note("damaged resolved.yaml, corpus.npz or extension.json", "one line with file and way on", code=1)
    note("damaged or lost lock.json", "goes on with a warning; verdicts are exploratory")
    note("damaged noise.json of an earlier run", "`plan` and `run` pass it over with a warning")


# --- the cache -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("store"))


@pytest.mark.parametrize("how", [empty, half, garbage, null, mapping, lost])
@pytest.mark.parametrize("name", ["corpus.json", "annotations_final.csv"])
def test_a_built_in_corpus_that_is_damaged_is_refused_with_the_way_on(
    made: Path, tmp_path: Path, name: str, how: Damage
) -> None:
    folder = tmp_path / made.name
    shutil.copytree(made, folder)
    damage(folder / name, how)
    with pytest.raises(CorpusError, match=r"is damaged \(.*\); delete it and it is made again"):
        builtin.open_made(folder, name="tiny")


def test_a_built_in_corpus_without_its_description_is_made_again(
    made: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, note: Note
) -> None:
    folder = tmp_path / made.name
    shutil.copytree(made, folder)
    (folder / "corpus.json").unlink()
    assert make_tiny(tmp_path) == folder
    assert "lacks corpus.json and is made again" in caplog.text
    assert builtin.open_made(folder, name="tiny").made
    note("damaged file of the built-in corpus", "one line: delete the folder and it is made again", code=2)
    note("damaged features in the cache", "those of a few dozen clips are computed anew, with a warning")

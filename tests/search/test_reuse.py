"""Trials of an earlier run are taken over: whole or not at all, once, and the run says whence."""

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tagsearch.records import State, read_result, read_spec, read_trials
from tagsearch.search import reuse as module
from tagsearch.search.asha import Rungs, read_log
from tagsearch.search.reuse import Reuse, adopt, tell_other_code, tell_rungs
from tagsearch.search.run_folder import open_run
from tagsearch.search.status import describe
from tagsearch.study.adopted import complaint, read_adopted, read_reuse
from tagsearch.study.parse import read_study
from tagsearch.study.schema import Study
from tagsearch.study.trained_by import trained_by
from tagsearch.study.trials import chosen_configs
from tests.fake_corpus import make_table
from tests.fake_source import STUDY, TABLE, write_ended, write_source


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose trials were trained by this code. Not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "mine.yaml").write_text(STUDY)
    study = read_study(folder / "mine.yaml")
    write_source(folder / "base", study, now=lambda config: trained_by(config, device="cpu"))
    return folder / "base"


@pytest.fixture
def grown(source: Path, tmp_path: Path) -> Study:
    return read_study(source.parent / "mine.yaml", overrides=["confirm.seeds=3"])


@pytest.fixture
def run(source: Path, tmp_path: Path, grown: Study) -> Path:
    """A new run of the grown study that takes over what `source` has."""
    open_run(tmp_path / "new", grown, TABLE, device="cpu", reuse=source)
    return tmp_path / "new"


def take_over(run: Path, study: Study, *, device: str = "cpu") -> list[str]:
    """Both phases, as if tuning needed nothing more. What is said."""
    said: list[str] = []
    reuse = Reuse(study, run, device=device, say=said.append)
    reuse.before_tune()
    reuse.before_confirm(chosen_configs(study, list(read_trials(run, "tune"))))
    return said


def names(run: Path) -> set[str]:
    return {trial.spec.name for phase in module.PHASES for trial in read_trials(run, phase)}


def test_all_that_the_earlier_run_has_is_there_afterwards(source: Path, run: Path, grown: Study) -> None:
    assert take_over(run, grown) == ["taken over from base: 6 tune trials", "taken over from base: 4 confirm trials"]
    assert names(run) == names(source)
    assert {path.name for path in run.iterdir() if path.is_dir()} == {"tune", "confirm"}


def test_a_copy_is_the_trial_byte_for_byte_and_says_whence(source: Path, run: Path, grown: Study) -> None:
    take_over(run, grown)
    for trial in read_trials(source, "confirm"):
        copy = run / "confirm" / trial.spec.name
        for file in trial.folder.iterdir():
            assert (copy / file.name).read_bytes() == file.read_bytes()
        adopted = read_adopted(copy)
        assert adopted is not None
        assert adopted.run == "base"
        assert complaint(copy, read_reuse(run)) == ""


def test_a_copy_does_not_hang_on_the_earlier_run(source: Path, run: Path, grown: Study) -> None:
    take_over(run, grown)
    for path in run.rglob("*"):
        assert not path.is_symlink()
        assert not path.is_file() or path.stat().st_nlink == 1


def test_the_run_names_the_earlier_one_before_its_first_trial(source: Path, run: Path) -> None:
    (origin,) = read_reuse(run)
    assert (origin.run, origin.folder, origin.extended) == ("base", str(source.resolve()), False)
    assert origin.lock["sha256"] == json.loads((source / "lock.json").read_text())["sha256"]
    assert "takes over what base has of it: 0 trials so far" in describe(run)


def test_a_run_that_takes_from_one_that_took_names_both(run: Path, tmp_path: Path, grown: Study) -> None:
    take_over(run, grown)
    open_run(tmp_path / "third", grown, TABLE, device="cpu", reuse=run)
    assert [origin.run for origin in read_reuse(tmp_path / "third")] == ["new", "base"]
    take_over(tmp_path / "third", grown)
    trial = next(read_trials(tmp_path / "third", "confirm"))
    adopted = read_adopted(trial.folder)
    assert adopted is not None
    assert adopted.run == "new"


def test_a_run_without_reuse_takes_over_nothing(tmp_path: Path, grown: Study) -> None:
    open_run(tmp_path / "alone", grown, TABLE, device="cpu")
    assert take_over(tmp_path / "alone", grown) == []
    assert names(tmp_path / "alone") == set()


def test_trials_of_another_device_stay_where_they_are(run: Path, grown: Study) -> None:
    take_over(run, grown, device="cuda")
    assert names(run) == set()


def test_a_second_start_takes_over_nothing_twice(run: Path, grown: Study) -> None:
    take_over(run, grown)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    assert take_over(run, grown) == []
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_what_the_run_has_begun_itself_stays_its_own(source: Path, run: Path, grown: Study) -> None:
    theirs = next(read_trials(source, "tune"))
    write_ended(run, theirs.spec, best=0.1, state=State.FAILED, now=lambda config: {})
    take_over(run, grown)
    own = read_result(run / "tune" / theirs.spec.name)
    assert own is not None
    assert own.state is State.FAILED
    assert len(list(read_trials(run, "tune"))) == 6


def test_after_the_choice_no_tune_trial_is_taken_over(run: Path, grown: Study) -> None:
    """It would look as if it had been chosen from."""
    (run / "tune").mkdir()
    (run / "tune" / "chosen.json").write_text("{}")
    Reuse(grown, run, device="cpu", say=print).before_tune()
    assert list(read_trials(run, "tune")) == []


def test_what_hung_on_the_choice_is_told_after_it(source: Path, tmp_path: Path) -> None:
    study = read_study(source.parent / "mine.yaml", overrides=["tune.trials_per_arm=4"])
    run, said = tmp_path / "more", list[str]()
    open_run(run, study, TABLE, device="cpu", reuse=source)
    reuse = Reuse(study, run, device="cpu", say=said.append)
    reuse.before_tune()
    chosen = dict(chosen_configs(study, list(read_trials(run, "tune"))))
    chosen["focal"] = [{**chosen["focal"][0], "lr": 0.5}]  # as a fourth trial might have it
    reuse.before_confirm(chosen)
    assert said == [
        "taken over from base: 6 tune trials",
        "reuse of base: 2 of 4 confirm trials",
        "  to train: 2 confirm trials of focal: tuning chose another configuration: lr 0.5 (was 0.02)",
        "taken over from base: 2 confirm trials",
    ]


def test_a_run_whose_source_is_gone_goes_on_without_it(source: Path, tmp_path: Path, grown: Study) -> None:
    gone = shutil.copytree(source, tmp_path / "gone")
    open_run(tmp_path / "new", grown, TABLE, device="cpu", reuse=gone)
    shutil.rmtree(gone)
    assert take_over(tmp_path / "new", grown) == [f"{gone} is gone: what was not taken over from it yet is trained"]


def test_a_run_whose_source_was_made_anew_takes_nothing_over_from_the_new_one(
    source: Path, tmp_path: Path, grown: Study
) -> None:
    """Under the same name, maybe, but of other clips."""
    base = shutil.copytree(source, tmp_path / "base")
    open_run(tmp_path / "new", grown, TABLE, device="cpu", reuse=base)
    shutil.rmtree(base)
    study = read_study(source.parent / "mine.yaml")
    table = make_table(n_train=4, n_valid=3, n_test=4)
    write_source(base, study, now=lambda config: trained_by(config, device="cpu"), table=table)
    assert take_over(tmp_path / "new", grown) == [
        f"{base} is not the run any more that it was: what was not taken over from it yet is trained"
    ]
    assert names(tmp_path / "new") == set()


# --- kills -----------------------------------------------------------------------------------------------------------


class _KilledError(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def kill_at(n: int, function: Callable[..., None]) -> Callable[..., None]:
    """`function`, but the process is killed when it is called the n-th time."""
    calls = iter(range(n - 1))

    def killed(*arguments: object, **named: object) -> None:
        if next(calls, None) is None:
            raise _KilledError
        function(*arguments, **named)

    return killed


@pytest.mark.parametrize(("step", "n"), [("write_adopted", 1), ("write_adopted", 3), ("to_disk", 1), ("to_disk", 9)])
def test_a_kill_leaves_whole_trials_only_and_the_next_start_takes_the_rest(
    source: Path, run: Path, grown: Study, monkeypatch: pytest.MonkeyPatch, step: str, n: int
) -> None:
    write = getattr(module, step)
    with monkeypatch.context() as patch:
        patch.setattr(module, step, kill_at(n, write))
        with pytest.raises(_KilledError):
            take_over(run, grown)
    for trial in read_trials(run, "tune"):
        assert complaint(trial.folder, read_reuse(run)) == ""
        theirs = {path.name for path in (source / "tune" / trial.spec.name).iterdir()}
        assert {path.name for path in trial.folder.iterdir()} == theirs | {"adopted.json"}
    take_over(run, grown)
    assert names(run) == names(source)


def test_what_a_process_left_half_done_and_links_are_not_copied(source: Path, tmp_path: Path) -> None:
    theirs = shutil.copytree(source, tmp_path / "source")
    trial = next(read_trials(theirs, "tune"))
    for name in ("checkpoint.pt", "checkpoint-previous.pt", ".record.json.7.tmp", "events.out.tfevents.2.figures.part"):
        (trial.folder / name).write_bytes(b"x")
    (trial.folder / "secrets").symlink_to(tmp_path / "source" / "lock.json")
    adopt(trial, tmp_path / "new", source="source")
    copied = {path.name for path in (tmp_path / "new" / "tune" / trial.spec.name).iterdir()}
    expected = {path.name for path in (source / "tune" / trial.spec.name).iterdir()} | {"adopted.json"}
    assert copied == expected
    assert read_spec(tmp_path / "new" / "tune" / trial.spec.name) == trial.spec


def test_a_copy_of_what_is_closed_to_writing_can_be_written(source: Path, tmp_path: Path) -> None:
    theirs = shutil.copytree(source, tmp_path / "source")
    trial = next(read_trials(theirs, "tune"))
    trial.folder.chmod(0o555)
    adopt(trial, tmp_path / "new", source="source")
    assert (tmp_path / "new" / "tune" / trial.spec.name).stat().st_mode & stat.S_IRWXU == stat.S_IRWXU


# --- ASHA ------------------------------------------------------------------------------------------------------------


def rungs_of(study: Study, log: Path) -> Rungs:
    assert study.tune is not None
    assert study.tune.asha is not None
    return Rungs(study.tune.asha, direction=study.direction, log=log)


def test_asha_learns_what_trials_that_were_taken_over_scored_at_their_rungs(
    source: Path, tmp_path: Path, grown: Study
) -> None:
    for trial in read_trials(source, "tune"):
        adopt(trial, tmp_path, source="base")
    trials = [trial for trial in read_trials(tmp_path, "tune") if trial.spec.arm == "bce"]
    rungs = rungs_of(grown, tmp_path / "rungs.jsonl")
    tell_rungs(rungs, grown, trials)
    seen = {(value.trial, value.epoch): value.value for value in read_log(tmp_path / "rungs.jsonl")}
    assert seen == {(trial.spec.name, epoch): trial.result.best for trial in trials for epoch in (1, 3) if trial.result}


def test_asha_is_told_once(source: Path, tmp_path: Path, grown: Study) -> None:
    for trial in read_trials(source, "tune"):
        adopt(trial, tmp_path, source="base")
    trials = list(read_trials(tmp_path, "tune"))
    for _ in range(2):
        tell_rungs(rungs_of(grown, tmp_path / "rungs.jsonl"), grown, trials)
    values = read_log(tmp_path / "rungs.jsonl")
    assert len(values) == len({(value.trial, value.epoch) for value in values}) == 12


# --- going on with other code ----------------------------------------------------------------------------------------


def told(run: Path, *, device: str) -> list[str]:
    said: list[str] = []
    trials = [trial for phase in module.PHASES for trial in read_trials(run, phase)]
    tell_other_code(trials, device=device, say=said.append)
    return said


def test_a_run_that_goes_on_with_other_code_says_so_in_one_line(source: Path) -> None:
    assert told(source, device="cpu") == []
    text = "other code or device than of 10 finished trials (device): they are kept, and the report says so"
    assert told(source, device="cuda") == [text]

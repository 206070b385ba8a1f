"""Which trials of a grown study an earlier run has, and the reason for each that it has not."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tagsearch.errors import UsageError
from tagsearch.records import State
from tagsearch.study.cells import (
    Cell,
    all_cells,
    check_same_corpus,
    confirm_cells,
    describe,
    read_source,
    to_do,
    tune_cells,
)
from tagsearch.study.parse import read_study
from tagsearch.study.schema import Study
from tagsearch.study.trials import chosen_configs, confirm_trials
from tests.fake_corpus import make_table
from tests.fake_source import NOW, STUDY, TABLE, write_source

Read = Callable[..., Study]
MORE_ARMS = "factors={loss: [bce, focal, asymmetric]}"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "mine.yaml").write_text(STUDY)
    write_source(folder / "base", read_study(folder / "mine.yaml"))
    return folder / "base"


@pytest.fixture
def copy(source: Path, tmp_path: Path) -> Path:
    return shutil.copytree(source, tmp_path / "base")


def cells_of(source: Path, study: Study, by: dict[str, str] | None = None) -> list[Cell]:
    return all_cells(study, read_source(source), lambda config: {**NOW, **(by or {})})


def reasons(cells: Sequence[Cell]) -> dict[str, str]:
    """What is told, without the first line."""
    return dict(line.strip().split(": ", 1)[1].split(": ", 1) for line in list(describe(cells, "base"))[1:])


def test_the_same_study_has_nothing_to_train(source: Path, read: Read) -> None:
    cells = cells_of(source, read(STUDY))
    assert list(describe(cells, "base")) == ["reuse of base: 6 of 6 tune and 4 of 4 confirm trials"]
    assert set(to_do(cells).values()) == {0}


def test_a_cell_names_the_trial_that_stands_for_it(source: Path, read: Read) -> None:
    for cell in cells_of(source, read(STUDY)):
        assert cell.trial is not None
        spec = cell.trial.spec
        assert (spec.phase, spec.arm, spec.index) == (cell.phase, cell.arm, cell.index)


def test_another_arm_trains_that_arm_alone(source: Path, read: Read) -> None:
    cells = cells_of(source, read(STUDY, MORE_ARMS))
    assert reasons(cells) == {"3 tune trials of asymmetric": "new arm", "2 confirm trials of asymmetric": "new arm"}
    assert to_do(cells)["tune", "asymmetric"] == 3
    assert to_do(cells)["confirm", "bce"] == 0


def test_more_seeds_train_those_alone(source: Path, read: Read) -> None:
    assert reasons(cells_of(source, read(STUDY, "confirm.seeds=4"))) == {"4 confirm trials of bce, focal": "more seeds"}


def test_more_trials_an_arm_train_those_and_leave_the_confirm_phase_open(source: Path, read: Read) -> None:
    cells = cells_of(source, read(STUDY, "tune.trials_per_arm=5"))
    lines = list(describe(cells, "base"))
    assert lines[0] == "reuse of base: 6 of 10 tune and 0 of 4 confirm trials"
    assert "  open: 4 confirm trials of bce, focal: hangs on what tuning chooses" in lines
    assert to_do(cells) == {("tune", "bce"): 2, ("tune", "focal"): 2, ("confirm", "bce"): 2, ("confirm", "focal"): 2}


def test_fewer_trials_an_arm_take_the_first_ones(source: Path, read: Read) -> None:
    cells = tune_cells(read(STUDY, "tune.trials_per_arm=2"), read_source(source), lambda config: NOW)
    assert [(cell.index, cell.trial is not None) for cell in cells] == [(0, True), (0, True), (1, True), (1, True)]


def test_after_tuning_confirm_trials_of_another_choice_are_trained(source: Path, read: Read) -> None:
    study = read(STUDY)
    there = read_source(source)
    chosen = dict(chosen_configs(study, there.trials))
    assert chosen["bce"][0]["lr"] == 0.02
    chosen["bce"] = [{**chosen["bce"][0], "lr": 0.05}]
    cells = confirm_cells(study, confirm_trials(study, chosen, study.confirm_seeds), there, lambda config: NOW)
    text = "tuning chose another configuration: lr 0.05 (was 0.02)"
    assert reasons(cells) == {"2 confirm trials of bce": text}
    assert [cell.arm for cell in cells if cell.trial is not None] == ["focal", "focal"]


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("epochs=18", "epochs 18 (was 9)"),
        ("batch_size=8", "batch_size 8 (was 16)"),
        ("seed=2", "another seed 2 (was 0)"),
        ("checkpoint=last", "another checkpoint last (was best)"),
        ("objective=valid/roc_auc", "another objective valid/roc_auc (was valid/pr_auc)"),
        ("stop={patience: 3}", "another stop"),
        ("data={pad: repeat}", "another pad repeat (was refuse)"),
    ],
)
def test_what_decides_a_trial_in_both_phases_is_told_when_it_changes(
    source: Path, read: Read, override: str, reason: str
) -> None:
    default = {"batch_size=8": f"batch_size 8 (was {read(STUDY).base['batch_size']})"}
    reason = default.get(override, reason)
    told = reasons(cells_of(source, read(STUDY, override)))
    assert told == {"6 tune trials of bce, focal": reason, "4 confirm trials of bce, focal": reason} or told == {
        "6 tune trials of focal, bce": reason,
        "4 confirm trials of bce, focal": reason,
    }


def test_clips_read_at_another_sample_rate_are_others_though_their_files_are_the_same(source: Path, read: Read) -> None:
    rates = {rate: replace(read(STUDY), data={**read(STUDY).data, "sample_rate": rate}) for rate in (16_000, 22_050)}
    there = replace(read_source(source), study=rates[16_000])
    for rate, expected in ((16_000, set[str]()), (22_050, {"another sample_rate 22050 (was 16000)"})):
        cells = all_cells(rates[rate], there, lambda config: NOW)
        assert {cell.reason for cell in cells if cell.trial is None} == expected


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("tune.search=optuna", "another search optuna (was random)"),
        ("tune.asha.grace_period=3", "another asha"),
        ("tune.tunables={lr: {loguniform: [1e-3, 1e-1]}}", "another tunables"),
    ],
)
def test_an_arm_that_is_tuned_otherwise_is_tuned_anew(source: Path, read: Read, override: str, reason: str) -> None:
    cells = cells_of(source, read(STUDY, override))
    assert {cell.reason for cell in cells if cell.phase == "tune"} == {reason}
    assert all(cell.is_open for cell in cells if cell.phase == "confirm")


def test_snapshots_are_scored_in_the_confirm_phase_only(source: Path, read: Read) -> None:
    cells = cells_of(source, read(STUDY, "snapshots=[3]"))
    assert {cell.reason for cell in cells if cell.phase == "tune"} == {""}
    assert {cell.reason for cell in cells if cell.phase == "confirm"} == {"another snapshots"}


def test_an_arm_under_another_name_is_another_arm_and_said_so(source: Path, read: Read) -> None:
    renamed = STUDY.replace("factors: {loss: [bce, focal]}", "arms: {plain: {loss: bce}, focal: {loss: focal}}")
    cells = cells_of(source, read(renamed))
    text = "new arm; bce is the same there, and only a trial of its name counts"
    assert {(cell.reason, cell.is_open) for cell in cells if cell.arm == "plain"} == {(text, False)}
    assert {cell.reason for cell in cells if cell.arm == "focal"} == {""}


def test_changed_code_is_named(source: Path, read: Read) -> None:
    cells = cells_of(source, read(STUDY), {"losses/bce.py": "2"})
    assert {cell.reason for cell in cells} == {"the code that trains it has changed: losses/bce.py"}
    assert not any(cell.is_open for cell in cells)  # whatever tuning chooses


@pytest.mark.parametrize(
    ("state", "reason"),
    [(State.FAILED, "FAILED there"), (None, "not finished there")],
)
def test_what_did_not_end_with_a_result_is_trained_and_nothing_else(
    tmp_path: Path, read: Read, state: State | None, reason: str
) -> None:
    states = {"tune/bce/0": state, "confirm/focal/1": state}
    write_source(tmp_path / "base", read(STUDY), states=states)
    cells = cells_of(tmp_path / "base", read(STUDY))
    told = {
        (cell.phase, cell.arm, cell.index): cell.reason for cell in cells if cell.trial is None and not cell.is_open
    }
    assert told == {("tune", "bce", 0): reason, ("confirm", "focal", 1): reason}


def test_a_divergence_is_a_result(tmp_path: Path, read: Read) -> None:
    states = dict.fromkeys(("tune/bce/0", "confirm/focal/1"), State.DIVERGED)
    write_source(tmp_path / "base", read(STUDY), states=states)
    assert not reasons(cells_of(tmp_path / "base", read(STUDY)))


def of(source: Path, phase: str) -> Path:
    return next((source / phase).glob("bce-*"))


def torn_record(source: Path) -> None:
    (of(source, "confirm") / "record.json").write_text('{"state": "COMP')


def torn_spec(source: Path) -> None:
    (of(source, "confirm") / "trial.json").write_text("{}")


def changed_scores(source: Path) -> None:
    (of(source, "confirm") / "scores.npz").write_bytes(b"other")


def damaged_ledger(source: Path) -> None:
    (of(source, "confirm") / "reads.jsonl").write_text("nonsense\n")


def another_name(source: Path) -> None:
    of(source, "confirm").rename(source / "confirm" / "bce-00000000-s9")


@pytest.mark.parametrize("damage", [torn_record, torn_spec, changed_scores, damaged_ledger, another_name])
def test_a_damaged_trial_is_trained_and_the_others_are_not(copy: Path, read: Read, damage: Callable) -> None:
    damage(copy)
    ((what, reason),) = reasons(cells_of(copy, read(STUDY))).items()
    assert what == "1 confirm trial of bce"
    assert reason.startswith("damaged")


def test_a_trial_that_does_not_say_by_what_it_was_trained_is_trained(copy: Path, read: Read) -> None:
    for path in copy.glob("tune/bce-*/trained_by.jsonl"):
        path.unlink()
    told = {cell.reason for cell in cells_of(copy, read(STUDY)) if (cell.phase, cell.arm) == ("tune", "bce")}
    assert told == {"an older tagsearch did not note by what code it was trained"}


def test_a_trial_that_two_codes_have_trained_is_trained(copy: Path, read: Read) -> None:
    file = of(copy, "confirm") / "trained_by.jsonl"
    file.write_text('{"training/loop.py": "0"}\n' + file.read_text())
    assert list(reasons(cells_of(copy, read(STUDY))).values()) == ["its code changed there while it was trained"]


def test_a_study_that_tunes_nothing_takes_over_confirm_trials(tmp_path: Path, read: Read) -> None:
    text = "study: mine\nfactors: {loss: [bce, focal]}\nconfirm: {seeds: 2}\n"
    write_source(tmp_path / "base", read(text))
    cells = cells_of(tmp_path / "base", read(text, "confirm.seeds=3"))
    assert list(describe(cells, "base")) == [
        "reuse of base: 4 of 6 confirm trials",
        "  to train: 2 confirm trials of bce, focal: more seeds",
    ]
    assert reasons(cells_of(tmp_path / "base", read(text, "epochs=7")))["4 confirm trials of bce, focal"].startswith(
        "epochs 7 (was "
    )


def test_a_study_that_tunes_no_more_confirms_other_configurations(source: Path, read: Read) -> None:
    untuned = STUDY[: STUDY.index("tune:")] + "confirm: {seeds: 2}\n"
    (reason,) = reasons(cells_of(source, read(untuned, "lr=0.05"))).values()
    assert reason == "lr 0.05 (was 0.02)"
    assert not reasons(cells_of(source, read(untuned, "lr=0.02")))


def test_a_study_that_tunes_now_has_its_confirm_phase_open(tmp_path: Path, read: Read) -> None:
    untuned = STUDY[: STUDY.index("tune:")] + "confirm: {seeds: 2}\n"
    write_source(tmp_path / "base", read(untuned))
    cells = cells_of(tmp_path / "base", read(STUDY))
    assert {cell.reason for cell in cells if cell.phase == "tune"} == {"nothing was tuned there"}
    assert all(cell.is_open for cell in cells if cell.phase == "confirm")


def test_winners_of_a_pure_search_hang_on_the_search_and_its_baseline_does_not(tmp_path: Path, read: Read) -> None:
    text = STUDY.replace("factors: {loss: [bce, focal]}\n", "").replace("seeds: 2", "seeds: 2, top: 2")
    text = text[: text.index("hypotheses")]
    write_source(tmp_path / "base", read(text))
    assert not reasons(cells_of(tmp_path / "base", read(text)))
    cells = cells_of(tmp_path / "base", read(text, "tune.trials_per_arm=4"))
    assert {cell.arm for cell in cells if cell.is_open} == {"search-1", "search-2"}
    assert sum(cell.phase == "confirm" and cell.trial is not None for cell in cells) == 2


def test_another_corpus_is_refused(source: Path) -> None:
    other = replace(make_table(n_train=5, n_valid=3, n_test=3), fingerprint="another")
    with pytest.raises(UsageError, match=r"--reuse base: .* on another corpus \(.*4/3/3 clips; now .*5/3/3 clips\)"):
        check_same_corpus(read_source(source), other)
    check_same_corpus(read_source(source), TABLE)


def test_the_source_is_only_read(source: Path, read: Read) -> None:
    before = {path: path.stat().st_mtime_ns for path in source.rglob("*")}
    cells_of(source, read(STUDY, MORE_ARMS))
    assert {path: path.stat().st_mtime_ns for path in source.rglob("*")} == before

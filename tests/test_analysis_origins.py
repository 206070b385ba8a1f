"""What is left of a verdict whose scores, or some of them, were known when it was registered."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.combining import combine
from analysis.report.plan_section import cost_grid
from analysis.report.trials_section import states_grid, trials_grid
from analysis.rundata import RunData, gather
from analysis.summary import summarize
from analysis.verdict.deviations import Deviation, concerning, find
from analysis.verdict.looks import look
from analysis.verdict.outcomes import Verdict
from tagsearch.files import read_json, write_json
from tagsearch.readings import READS_FILE, Reading
from tagsearch.records import read_result, read_trials, write_result
from tagsearch.study.adopted import write_adopted, write_reuse
from tagsearch.study.extension import Extension, write_extension
from tagsearch.study.schema import Confirm, Study
from tagsearch.study.trained_by import note_trained_by
from tests.fake_run import FakeRun, claim, register

FAKE = FakeRun(
    signals={"bce": 1.0, "focal": 1.5, "triplet": 1.2},
    n_clips=150,
    hypotheses=(claim("any", "focal", than="bce", id="H2"), claim("any", "triplet", than="bce", id="H3")),
)
BEFORE, THEN, AFTER = (f"2026-01-{day:02d}T10:00:00+00:00" for day in (1, 2, 3))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs of the tests as they were before anything was taken over. Not to be changed."""
    storage = tmp_path_factory.mktemp("runs")
    early = replace(FAKE, signals={"bce": 1.0, "focal": 1.5}, hypotheses=FAKE.hypotheses[:1], name="early")
    for name, fake, registered, read in (("base", early, BEFORE, THEN), ("new", FAKE, AFTER, AFTER)):
        register(storage / name, fake.write(storage / name), registered=registered)
        note_readings(storage / name, time=read)
    return storage


@pytest.fixture
def study(runs: Path, tmp_path: Path) -> Study:
    """Of the run `new` beside the earlier run `base`, which had registered and scored bce and focal. In `new`, all
    trials are new as yet."""
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    return FAKE.study()


def note_readings(run: Path, *, time: str) -> None:
    for trial in read_trials(run, "confirm"):
        reading = Reading(split="test", checkpoint="final", weights_sha256=trial.spec.name, time=time)
        (trial.folder / READS_FILE).write_text(json.dumps(vars(reading)) + "\n")
        assert trial.result is not None
        write_result(trial.folder, replace(trial.result, weights_sha256={"final": trial.spec.name}))


def take_over(storage: Path, *arms: str, n: int = 5) -> None:
    """`new` has `n` trials of each of the arms from `base`."""
    write_reuse(storage / "new", storage / "base")
    for trial in read_trials(storage / "base", "confirm"):
        if trial.spec.arm in arms and trial.spec.index < n:
            home = storage / "new" / "confirm" / trial.spec.name
            shutil.rmtree(home)
            shutil.copytree(trial.folder, home)
            write_adopted(home, run="base")


def run_of(storage: Path, study: Study) -> RunData:
    return gather(storage / "new", study)


def deviations(storage: Path, study: Study, claim: str) -> list[Deviation]:
    arms = {"H2": ("focal", "bce"), "H3": ("triplet", "bce")}[claim]
    return list(concerning(find(run_of(storage, study)), arms, claim=claim))


def verdict_of(storage: Path, study: Study, claim: str):
    return next(one for one in summarize(run_of(storage, study)).verdicts if one.id == claim)


def test_new_trials_leave_a_verdict_alone(tmp_path: Path, study: Study) -> None:
    assert find(run_of(tmp_path, study)) == ()
    assert verdict_of(tmp_path, study, "H2").grade == "A"


def test_tune_trials_that_were_taken_over_leave_a_verdict_alone(tmp_path: Path, study: Study) -> None:
    write_reuse(tmp_path / "new", tmp_path / "base")
    for trial in read_trials(tmp_path / "new", "tune"):
        write_adopted(trial.folder, run="base")
    assert find(run_of(tmp_path, study)) == ()


def test_a_new_arm_against_known_scores_reaches_grade_b(tmp_path: Path, study: Study) -> None:
    take_over(tmp_path, "bce")
    text = "the scores of bce were known when this was registered (taken over from base); those of triplet were not"
    assert deviations(tmp_path, study, "H3") == [Deviation(text=text, cap="B", arms=("bce",), claims=("H3",))]
    verdict = verdict_of(tmp_path, study, "H3")
    assert (verdict.grade, verdict.basis, verdict.deviations) == ("B", "inferential", (text,))


def test_known_scores_of_a_claim_that_had_been_registered_before_them_reach_grade_b(
    tmp_path: Path, study: Study
) -> None:
    take_over(tmp_path, "bce", "focal")
    (deviation,) = deviations(tmp_path, study, "H2")
    assert deviation.cap == "B"
    assert deviation.text.endswith("(taken over from base); the claim had been registered before them")
    verdict = verdict_of(tmp_path, study, "H2")
    assert (verdict.verdict, verdict.grade, verdict.alpha) == (Verdict.CONFIRMED, "B", 0.05)


def another_margin(storage: Path, study: Study) -> Study:
    """As if the margin had been chosen by the scores."""
    part = replace(study.hypotheses[0].parts[0], margins={"roc_auc": 0.001, "pr_auc": 0.002})
    return replace(study, hypotheses=(replace(study.hypotheses[0], parts=(part,)), study.hypotheses[1]))


def another_alpha(storage: Path, study: Study) -> Study:
    return replace(study, hypotheses=(replace(study.hypotheses[0], alpha=0.2), study.hypotheses[1]))


def another_checkpoint(storage: Path, study: Study) -> Study:
    return replace(study, checkpoint="last")


def fewer_seeds(storage: Path, study: Study) -> Study:
    """As if those had been picked out that say what is wanted."""
    for trial in read_trials(storage / "new", "confirm"):
        if trial.spec.index > 2:
            shutil.rmtree(trial.folder)
    return replace(study, confirm=Confirm(seeds=3))


def unregistered(storage: Path, study: Study) -> Study:
    (storage / "base" / "lock.json").unlink()
    return study


def registered_too_late(storage: Path, study: Study) -> Study:
    lock = read_json(storage / "base" / "lock.json")
    write_json(storage / "base" / "lock.json", {**lock, "registered": AFTER})
    return study


def changed_registration(storage: Path, study: Study) -> Study:
    lock = read_json(storage / "base" / "lock.json")
    write_json(storage / "base" / "lock.json", {**lock, "sha256": "0"})
    return study


@pytest.mark.parametrize(
    "change",
    [
        another_margin,
        another_alpha,
        another_checkpoint,
        fewer_seeds,
        unregistered,
        registered_too_late,
        changed_registration,
    ],
)
def test_known_scores_of_a_claim_that_was_not_registered_before_them_decide_nothing(
    tmp_path: Path, study: Study, change: Callable[[Path, Study], Study]
) -> None:
    study = change(tmp_path, study)
    register(tmp_path / "new", study, registered=AFTER)
    take_over(tmp_path, "bce", "focal", n=study.confirm.seeds)
    (deviation,) = deviations(tmp_path, study, "H2")
    text = "the scores of focal and bce were known when this was registered (taken over from base)"
    assert (deviation.cap, deviation.text) == ("exploratory", text)
    assert verdict_of(tmp_path, study, "H2").verdict is Verdict.INCONCLUSIVE
    (other,) = deviations(tmp_path, study, "H3")
    assert other.cap == "B"  # of the new arm, nothing was known


def test_new_seeds_on_top_of_known_ones_are_a_second_look(tmp_path: Path, study: Study) -> None:
    take_over(tmp_path, "bce", "focal", n=3)
    (deviation,) = deviations(tmp_path, study, "H2")
    assert deviation.cap == "B"
    assert deviation.text.endswith("new seeds of bce and focal added to them: a second look")
    assert look(run_of(tmp_path, study)).alpha_share == 0.4
    assert verdict_of(tmp_path, study, "H2").alpha == pytest.approx(0.02)


def test_known_scores_that_were_a_second_look_remain_one(tmp_path: Path, study: Study) -> None:
    write_extension(tmp_path / "base", Extension(seeds=5, as_declared=True, time=""))
    take_over(tmp_path, "bce", "focal")
    assert look(run_of(tmp_path, study)).number == 2


def test_known_scores_alone_are_no_second_look(tmp_path: Path, study: Study) -> None:
    take_over(tmp_path, "bce", "focal")
    assert look(run_of(tmp_path, study)).number == 1


def test_readings_of_trials_that_were_taken_over_do_not_make_a_registration_late(tmp_path: Path, study: Study) -> None:
    take_over(tmp_path, "bce")
    assert "it was registered after its test split had been read" not in [
        one.text for one in find(run_of(tmp_path, study))
    ]


# --- what does not hold together -------------------------------------------------------------------------------------


def unnamed_origin(storage: Path) -> str:
    (storage / "new" / "reuse.json").unlink()
    return "said to be taken over from base, which the run did not name before it began"


def changed_record(storage: Path) -> str:
    for trial in read_trials(storage / "new", "confirm"):
        if trial.spec.arm == "focal":
            result = read_result(trial.folder)
            assert result is not None
            write_result(trial.folder, replace(result, best=0.99))
    return "not what was taken over from base"


def damaged_adoption(storage: Path) -> str:
    for path in storage.glob("new/confirm/focal-*/adopted.json"):
        path.write_text("{")
    return "taken over, but from where is not known: "


@pytest.mark.parametrize("damage", [unnamed_origin, changed_record, damaged_adoption])
def test_a_trial_whose_origin_does_not_hold_decides_nothing(
    tmp_path: Path, study: Study, damage: Callable[[Path], str]
) -> None:
    take_over(tmp_path, "bce", "focal")
    text = damage(tmp_path)
    graves = [one for one in deviations(tmp_path, study, "H2") if one.cap == "exploratory"]
    assert any(text in one.text for one in graves)
    assert verdict_of(tmp_path, study, "H2").verdict is Verdict.INCONCLUSIVE


def test_old_scores_without_a_word_of_their_origin_make_the_registration_late(tmp_path: Path, study: Study) -> None:
    take_over(tmp_path, "focal")
    for path in tmp_path.glob("new/confirm/*/adopted.json"):
        path.unlink()
    assert find(run_of(tmp_path, study))[0].text == "it was registered after its test split had been read"


def test_a_damaged_reuse_file_decides_nothing(tmp_path: Path, study: Study) -> None:
    take_over(tmp_path, "bce")
    (tmp_path / "new" / "reuse.json").write_text("{}")
    (first, *_) = find(run_of(tmp_path, study))
    assert first.cap == "exploratory"
    assert first.text.startswith("it is not known what was taken over: ")


def test_a_damaged_registration_is_told_and_nothing_else_breaks(tmp_path: Path, study: Study) -> None:
    take_over(tmp_path, "bce", "focal")
    (tmp_path / "new" / "lock.json").write_text("{")
    caps = [one.cap for one in deviations(tmp_path, study, "H2")]
    assert caps == ["exploratory", "exploratory"]


# --- around it -------------------------------------------------------------------------------------------------------


def test_a_trial_in_both_runs_counts_once_in_a_combination(tmp_path: Path, study: Study) -> None:
    take_over(tmp_path, "bce", "focal")
    base = gather(tmp_path / "base", replace(study, arms=study.arms[:2], hypotheses=study.hypotheses[:1]))
    run = combine([base, run_of(tmp_path, study)])
    assert sorted(trial.spec.arm for trial in run.confirm) == ["bce"] * 5 + ["focal"] * 5 + ["triplet"] * 5
    assert run.pooled is not None
    assert "Trials that two runs have alike, by seed and configuration, count once: 10." in run.pooled.notes


def test_more_seeds_than_planned_there_are_pooled_once_too(tmp_path: Path, study: Study) -> None:
    take_over(tmp_path, "bce", "focal", n=3)
    run = combine([gather(tmp_path / "base", replace(study, confirm=Confirm(seeds=3))), run_of(tmp_path, study)])
    assert len(run.confirm) == 15


def test_every_trial_tells_its_run_and_the_plan_leaves_them_out(tmp_path: Path, study: Study) -> None:
    take_over(tmp_path, "bce")
    run = run_of(tmp_path, study)
    assert set(run.trials.loc[run.trials["taken_from"] == "base", "arm"]) == {"bce"}
    states, every = states_grid(run.trials), trials_grid(run, run.trials)
    assert states.notes == ("Taken over from an earlier run: 5 from base.",)
    assert [row[-1] for row in every.rows].count("base") == 5
    cost = cost_grid(run, {})
    assert [row[2] for row in cost.rows] == ["9", "10"]  # of the confirm phase's 15
    assert cost.notes[0].endswith("Left out: 5 trials that were taken over from an earlier run.")


def test_a_run_that_took_nothing_over_has_no_column_of_it(tmp_path: Path, study: Study) -> None:
    run = run_of(tmp_path, study)
    assert "taken from" not in trials_grid(run, run.trials).head
    assert states_grid(run.trials).notes == ()


def test_trials_of_different_code_are_told_and_cost_no_grade(tmp_path: Path, study: Study) -> None:
    for trial in read_trials(tmp_path / "new", "confirm"):
        changed = str(trial.spec.index > 2)
        note_trained_by(
            trial.folder, {"device": "cpu", "training/loop.py": changed, f"losses/{trial.spec.arm}.py": "1"}
        )
    text = "confirm trials were trained by different code or machines: training/loop.py"
    assert find(run_of(tmp_path, study)) == (Deviation(text=text, cap=None),)
    assert verdict_of(tmp_path, study, "H2").grade == "A"

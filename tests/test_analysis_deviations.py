"""Every deviation from the plan is found, named, and bounds the verdict."""

import dataclasses
import json
import shutil

import pytest

from analysis.rundata import gather
from analysis.summary import summarize
from analysis.verdict import deviations
from analysis.verdict.deviations import Deviation, find
from analysis.verdict.looks import look
from analysis.verdict.outcomes import Verdict
from tagsearch import files
from tagsearch.readings import READS_FILE, note_read
from tagsearch.records import read_corpus, read_result, read_trials, write_result, write_spec
from tagsearch.study.extension import Extension, write_extension
from tagsearch.study.lock import content_sha256
from tagsearch.study.schema import Confirm
from tests.fake_run import FakeRun, claim, register

SIGNALS = {"bce": 1.0, "focal": 1.5}
FAKE = FakeRun(signals=SIGNALS, n_clips=150, seeds=5)


@pytest.fixture
def tmp_path(tmp_path):
    """A storage of its own: runs that lie side by side count each other's readings."""
    return tmp_path / "run"


@pytest.fixture
def study(tmp_path):
    """Of a run in `tmp_path` that went as planned."""
    return FAKE.write(tmp_path)


def found(folder, study):
    return find(gather(folder, study))


def verdict_of(folder, study):
    (verdict,) = summarize(gather(folder, study)).verdicts
    return verdict


def change_lock(folder, **changes):
    files.write_json(folder / "lock.json", {**files.read_json(folder / "lock.json"), **changes})


def one_trial(folder, arm="focal"):
    return next(trial for trial in read_trials(folder, "confirm") if trial.spec.arm == arm)


def note(trial, weights, *, checkpoint="final"):
    note_read(trial.folder, split="test", checkpoint=checkpoint, weights_sha256=weights)


def record(trial, **changes):
    """What the trial's record says besides."""
    write_result(trial.folder, dataclasses.replace(read_result(trial.folder), **changes))


def test_a_run_as_planned_has_no_deviation(tmp_path, study):
    assert found(tmp_path, study) == ()
    verdict = verdict_of(tmp_path, study)
    assert (verdict.verdict, verdict.grade, verdict.deviations) == (Verdict.CONFIRMED, "A", ())


# --- registration: exploratory ---------------------------------------------------------------------------------------


def unregistered(folder, study):
    (folder / "lock.json").unlink()
    return study, "nothing was registered before this run"


def damaged(folder, study):
    (folder / "lock.json").write_text("{")
    return study, "the registration (lock.json) is damaged or was changed by hand"


def changed_by_hand(folder, study):
    content = files.read_json(folder / "lock.json")["content"]
    change_lock(folder, content=content | {"question": "Another?"})
    return study, "the registration (lock.json) is damaged or was changed by hand"


def of_another_version(folder, study):
    change_lock(folder, version=1)
    record(one_trial(folder), weights_sha256={"final": "a"})  # as version 1 left it: no ledger, and no complaint of it
    return study, "the registration (lock.json) is of version 1, and this tagsearch compares version 2 only"


def another_study(folder, study):
    smaller = dataclasses.replace(study, hypotheses=(claim("any", "focal", than="bce", alpha=0.2),), checkpoint="last")
    return smaller, "changed since it was registered: checkpoint, hypotheses"


def a_setting_that_is_gone(folder, study):
    content = files.read_json(folder / "lock.json")["content"] | {"bonus": 1}
    change_lock(folder, content=content, sha256=content_sha256(content))
    return study, "changed since it was registered: bonus"


@pytest.mark.parametrize(
    "deviate",
    [unregistered, damaged, changed_by_hand, of_another_version, another_study, a_setting_that_is_gone],
)
def test_what_was_not_registered_is_exploratory_and_decides_nothing(tmp_path, study, deviate):
    study, text = deviate(tmp_path, study)
    assert found(tmp_path, study) == (Deviation(text=text, cap="exploratory"),)
    verdict = verdict_of(tmp_path, study)
    assert (verdict.verdict, verdict.basis) == (Verdict.INCONCLUSIVE, "exploratory")
    assert verdict.reason.startswith(f"Exploratory: {text}. By the rule alone it would be Confirmed. ")
    assert set(verdict.other_margins.values()) == {verdict.other_scope} == {Verdict.INCONCLUSIVE}
    assert verdict.deviations == (text,)


def other_settings_than_the_tune_phase_chose(folder, study):
    """As if chosen.json had been changed before the confirm phase."""
    trial = one_trial(folder)
    spec = dataclasses.replace(trial.spec, config={**trial.spec.config, "lr": 0.5})
    home = trial.folder.rename(trial.folder.with_name(spec.name))
    write_spec(home, spec)
    return study, "trials of focal have other settings than its tune phase chose"


def seeds_that_are_one_model(folder, study):
    for trial in [t for t in read_trials(folder, "confirm") if t.spec.arm == "focal"][:2]:
        note(trial, "a")
        record(trial, weights_sha256={"final": "a"})
    return study, "seeds of focal ended with the very same weights: they are no replicates"


def test_a_registration_that_is_younger_than_the_scores_is_none(tmp_path, study):
    """As if the lock of another run, of claims that the scores had suggested, had been put here."""
    note(one_trial(tmp_path), "a")
    register(tmp_path, study, registered="9999-01-01T00:00:00+00:00")
    text = "it was registered after its test split had been read"
    assert found(tmp_path, study) == (Deviation(text=text, cap="exploratory"),)
    assert verdict_of(tmp_path, study).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("deviate", [other_settings_than_the_tune_phase_chose, seeds_that_are_one_model])
def test_trials_that_are_not_what_they_should_be_decide_nothing(tmp_path, study, deviate):
    study, text = deviate(tmp_path, study)
    assert found(tmp_path, study) == (Deviation(text=text, cap="exploratory", arms=("focal",)),)
    assert verdict_of(tmp_path, study).verdict is Verdict.INCONCLUSIVE


def test_settings_cannot_be_compared_with_a_choice_whose_trials_are_gone_and_the_grade_says_so(tmp_path, study):
    shutil.rmtree(tmp_path / "tune")
    assert found(tmp_path, study) == ()
    assert verdict_of(tmp_path, study).grade == "B"


def test_other_artists_than_registered_decide_nothing(tmp_path, study):
    corpus = read_corpus(tmp_path)
    dataclasses.replace(corpus, artists=corpus.songs).save(tmp_path / "corpus.npz")
    assert [one.text for one in found(tmp_path, study)] == ["changed since it was registered: corpus"]


def test_neither_harm_is_refuted_by_what_was_not_registered(tmp_path):
    study = dataclasses.replace(FAKE, signals={"bce": 1.5, "focal": 1.0}).write(tmp_path)
    assert verdict_of(tmp_path, study).verdict is Verdict.REFUTED
    (tmp_path / "lock.json").unlink()
    verdict = verdict_of(tmp_path, study)
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert "By the rule alone it would be Refuted." in verdict.reason


def test_tags_clips_and_groups_are_part_of_what_was_registered(tmp_path, study):
    run = gather(tmp_path, study)
    run.corpus.labels[run.corpus.rows("train"), 0] = 0  # the most frequent tag becomes the rarest
    assert [one.text for one in find(run)] == ["changed since it was registered: corpus"]


# --- looks at the test split: grade B --------------------------------------------------------------------------------


def earlier_runs(folder, study):
    register(folder, study, earlier=["first", "second"])
    return study, "this is the 3rd run of these hypotheses on this test split, after first, second"


def undeclared_extension(folder, study):
    planned = dataclasses.replace(study, confirm=Confirm(seeds=4))
    register(folder, planned)
    write_extension(folder, Extension(seeds=5, as_declared=False, time=""))
    return planned, "adaptive: extended to 5 seeds, which was not declared"


def another_extension_than_declared(folder, study):
    planned = dataclasses.replace(study, confirm=Confirm(seeds=4, extension=8))
    register(folder, planned)
    write_extension(folder, Extension(seeds=5, as_declared=True, time=""))  # whatever the file claims
    return planned, "adaptive: extended to 5 seeds, where 8 were declared"


def second_reading(folder, study):
    trial = one_trial(folder)
    note(trial, "a")
    note(trial, "b")
    return study, f"second reading: {trial.spec.name} met the test split with other weights as final"


def a_reading_nobody_noted(folder, study):
    trial = one_trial(folder)
    note(trial, "a")
    record(trial, weights_sha256={"final": "b"})
    return study, "1 trial of focal has test scores of weights whose reading is not in the ledger"


def a_damaged_ledger(folder, study):
    trial = one_trial(folder)
    (trial.folder / READS_FILE).write_text("nonsense\n")
    return study, f"a ledger cannot be read: {trial.folder / READS_FILE} is damaged: "


def an_unplanned_checkpoint_in_the_ledger(folder, study):
    note(one_trial(folder), "a", checkpoint="epoch2")
    return study, "checkpoints were scored that nobody planned: epoch2"


def an_unplanned_checkpoint_in_the_record(folder, study):
    record(one_trial(folder), checkpoints={"final": 4, "epoch3": 3})
    return study, "checkpoints were scored that nobody planned: epoch3"


def seeds_beyond_the_plan(folder, study):
    planned = dataclasses.replace(study, confirm=Confirm(seeds=4))
    register(folder, planned)
    shutil.rmtree(max((t for t in read_trials(folder, "confirm") if t.spec.arm == "bce"), key=seed_of).folder)
    return planned, "focal has 1 seed beyond the plan: looked at more than once"


def seed_of(trial):
    return trial.spec.seed


LOOKS = [
    earlier_runs,
    undeclared_extension,
    another_extension_than_declared,
    second_reading,
    a_reading_nobody_noted,
    a_damaged_ledger,
    an_unplanned_checkpoint_in_the_ledger,
    an_unplanned_checkpoint_in_the_record,
    seeds_beyond_the_plan,
]


@pytest.mark.parametrize("deviate", LOOKS)
def test_whoever_looks_more_often_than_planned_reaches_grade_b_at_most(tmp_path, study, deviate):
    study, text = deviate(tmp_path, study)
    (deviation,) = found(tmp_path, study)
    assert deviation.text.startswith(text)
    assert deviation.cap == "B"
    verdict = verdict_of(tmp_path, study)
    assert verdict.grade == "B"
    assert deviation.text in verdict.deviations


def test_of_runs_side_by_side_the_one_that_read_the_test_split_later_is_the_second(tmp_path, study):
    other = tmp_path.with_name("other")
    shutil.copytree(tmp_path, other)
    for folder, time in ((other, "2026-01-01T10:00:00+00:00"), (tmp_path, "2026-01-01T09:00:01+00:00")):
        note(one_trial(folder), "a")
        file = one_trial(folder).folder / READS_FILE
        file.write_text(json.dumps({**json.loads(file.read_text()), "time": time}) + "\n")
    assert found(tmp_path, study) == ()
    (deviation,) = found(other, study)
    assert deviation.text == "this is the 2nd run of these hypotheses on this test split, after run"


def test_a_copy_of_a_run_is_no_second_run(tmp_path, study):
    note(one_trial(tmp_path), "a")
    other = tmp_path.with_name("other")
    shutil.copytree(tmp_path, other)
    assert found(other, study) == found(tmp_path, study) == ()


def test_what_several_arms_have_alike_is_one_sentence(tmp_path, study):
    for arm in ("bce", "focal"):
        record(one_trial(tmp_path, arm), weights_sha256={"final": arm})
    (deviation,) = found(tmp_path, study)
    assert deviation.text.startswith("1 trial each of bce and focal have test scores of weights")
    assert set(deviation.arms) == {"bce", "focal"}


def test_trials_of_two_versions_are_told_and_cost_no_grade(tmp_path, study):
    for trial, version in zip(read_trials(tmp_path, "confirm"), ("1.0", "2.0"), strict=False):
        record(trial, tagsearch=version)
    text = "confirm trials were trained by tagsearch 1.0 and 2.0"
    assert found(tmp_path, study) == (Deviation(text=text, cap=None),)
    verdict = verdict_of(tmp_path, study)
    assert (verdict.grade, verdict.deviations) == ("A", (text,))


@pytest.mark.parametrize(
    ("n", "word"), [(1, "2nd"), (2, "3rd"), (3, "4th"), (10, "11th"), (20, "21st"), (111, "112th")]
)
def test_a_run_is_counted_in_words(tmp_path, study, n, word):
    register(tmp_path, study, earlier=[f"run-{k}" for k in range(n)])
    assert found(tmp_path, study)[0].text.startswith(f"this is the {word} run of these hypotheses")


def test_scoring_the_same_weights_again_after_a_crash_is_no_second_look(tmp_path, study):
    trial = one_trial(tmp_path)
    note(trial, "a")
    note(trial, "a")
    record(trial, weights_sha256={"final": "a"}, checkpoints={"final": 4})
    assert found(tmp_path, study) == ()


def test_a_snapshot_that_the_study_plans_may_be_scored(tmp_path, study):
    planned = dataclasses.replace(study, snapshots=(2,))
    register(tmp_path, planned)
    note(one_trial(tmp_path), "a", checkpoint="epoch2")
    assert found(tmp_path, planned) == ()


# --- what was to be run ----------------------------------------------------------------------------------------------


@pytest.fixture
def three_arms(tmp_path):
    fake = dataclasses.replace(
        FAKE, signals={**SIGNALS, "triplet": 1.2}, hypotheses=(claim("any", "focal", than="bce"),)
    )
    return fake.write(tmp_path)


def test_a_planned_arm_without_a_confirm_trial_is_missing(tmp_path, three_arms):
    for trial in read_trials(tmp_path, "confirm"):
        if trial.spec.arm == "triplet":
            shutil.rmtree(trial.folder)
    text = "triplet was planned and has no confirm trial"
    assert found(tmp_path, three_arms) == (Deviation(text=text, cap="B", arms=("triplet",)),)


def test_before_the_confirm_phase_no_arm_is_missing(tmp_path, study):
    shutil.rmtree(tmp_path / "confirm")
    assert found(tmp_path, study) == ()


def test_what_concerns_another_arm_leaves_a_verdict_alone(tmp_path, three_arms):
    trial = one_trial(tmp_path, "triplet")
    note(trial, "a")
    note(trial, "b")
    assert len(found(tmp_path, three_arms)) == 1
    verdict = verdict_of(tmp_path, three_arms)
    assert (verdict.grade, verdict.deviations) == ("A", ())


def test_the_gravest_deviation_comes_first_and_decides(tmp_path, study):
    second_reading(tmp_path, study)
    (tmp_path / "lock.json").unlink()
    caps = [one.cap for one in found(tmp_path, study)]
    assert caps == ["exploratory", "B"]
    assert deviations.cap(found(tmp_path, study)) == "exploratory"


# --- looks -----------------------------------------------------------------------------------------------------------


def extended(folder, study, *, declared, to):
    """The run as if it had been planned with three seeds, and extended."""
    planned = dataclasses.replace(study, confirm=Confirm(seeds=3, extension=declared))
    register(folder, planned)
    if to is not None:
        write_extension(folder, Extension(seeds=to, as_declared=to == declared, time=""))
    return planned


@pytest.mark.parametrize(
    ("declared", "to", "number", "of", "alpha"),
    [(None, None, 1, 1, 0.05), (5, None, 1, 2, 0.03), (5, 5, 2, 2, 0.02), (8, 5, 2, 2, 0.02), (None, 5, 2, 2, 0.02)],
)
def test_alpha_is_split_over_the_looks(tmp_path, study, declared, to, number, of, alpha):
    planned = extended(tmp_path, study, declared=declared, to=to)
    verdict = verdict_of(tmp_path, planned)
    assert (verdict.look, verdict.looks) == (number, of)
    assert verdict.alpha == pytest.approx(alpha)
    levels = verdict.parts[0].members[0].claims[0].levels
    assert (levels.lower, levels.upper) == (pytest.approx(alpha), pytest.approx(alpha))
    assert look(gather(tmp_path, planned)).alpha_share == pytest.approx(alpha / 0.05)


def test_the_specs_hash_is_that_of_the_hypothesis_as_declared_at_either_look(tmp_path, study):
    first = verdict_of(tmp_path, extended(tmp_path, study, declared=5, to=None)).spec_sha256
    second = verdict_of(tmp_path, extended(tmp_path, study, declared=5, to=5)).spec_sha256
    assert first == second == verdict_of(tmp_path, FAKE.write(tmp_path)).spec_sha256


def test_a_declared_extension_counts_all_its_seeds_at_full_grade(tmp_path, study):
    planned = extended(tmp_path, study, declared=5, to=5)
    assert found(tmp_path, planned) == ()
    summary = summarize(gather(tmp_path, planned))
    assert summary.verdicts[0].grade == "A"
    assert summary.comparison["seeds_planned"].tolist() == [5, 5]
    assert "alpha 0.02, look 2 of 2" in summary.text()


def test_the_seeds_of_an_extension_are_missing_until_they_are_run(tmp_path, study):
    planned = extended(tmp_path, study, declared=6, to=6)
    verdict = verdict_of(tmp_path, planned)
    assert verdict.verdict is Verdict.INCONCLUSIVE
    assert verdict.next_step == "`tagsearch resume` runs the missing seeds."
    assert "1 of 6 seeds of focal are missing" in verdict.parts[0].members[0].reason


@pytest.mark.parametrize("form", ["table", "md", "json"])
def test_a_summary_tells_the_deviations(tmp_path, study, form):
    _, text = earlier_runs(tmp_path, study)
    told = summarize(gather(tmp_path, study)).render(form)
    assert text in " ".join(told.split())

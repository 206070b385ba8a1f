import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import analysis
from analysis import frames
from analysis.combining import combine, combined_name
from analysis.report.summary_json import SCHEMA
from analysis.rundata import RunData, gather
from analysis.summary import summarize
from analysis.verdict.outcomes import Verdict
from tagsearch import files
from tagsearch.errors import UsageError
from tagsearch.records import State
from tagsearch.study.extension import Extension
from tagsearch.study.lock import make_lock
from tagsearch.study.schema import Confirm
from tests.fake_run import FakeRun, claim

SIGNALS = {"bce": 1.0, "focal": 1.5}


def run_of(fake: FakeRun, folder: Path, *, is_registered: bool = True, **changes) -> RunData:
    """`changes`: fields of the study."""
    study = fake.write(folder, replace(fake.study(), **changes)) if changes else fake.write(folder)
    run = gather(folder, study)
    if is_registered:
        files.write_json(folder / "lock.json", make_lock(study, run.corpus))
    return gather(folder, study)


def replicates(tmp_path: Path, **changes) -> list[RunData]:
    fakes = [FakeRun(signals=SIGNALS, n_clips=90, n_artists=20, noise_seed=k) for k in (7, 8)]
    return [run_of(fake, tmp_path / f"r{k}", seed=k, **changes) for k, fake in enumerate(fakes, 1)]


def with_lr(run: RunData, **rates: float) -> RunData:
    """As if tuning had chosen that learning rate for an arm."""

    def chosen(trial):
        config = {**trial.spec.config, "lr": rates.get(trial.spec.arm, trial.spec.config["lr"])}
        return replace(trial, spec=replace(trial.spec, config=config))

    return replace(run, confirm=tuple(map(chosen, run.confirm)))


def two_studies(tmp_path: Path) -> list[RunData]:
    """The same baseline under two names, with the same seeds and another learning rate in each study."""
    losses = FakeRun(signals=SIGNALS, n_clips=90, n_artists=20, noise_seed=7, name="losses")
    samplers = FakeRun(
        signals={"shuffle": 1.0, "uniform": 0.7}, n_clips=90, n_artists=20, noise_seed=8, name="samplers"
    )
    one, study = run_of(losses, tmp_path / "a"), samplers.study()
    baseline, rival = study.arms
    arms = (replace(baseline, config=one.study.baseline.config), rival)
    return [one, with_lr(run_of(samplers, tmp_path / "b", arms=arms), shuffle=0.02)]


# --- replicates ------------------------------------------------------------------------------------------------------


def test_runs_of_one_study_pool_their_seeds_arm_by_arm(tmp_path):
    runs = replicates(tmp_path)
    evidence = summarize(combine(runs)).evidence
    apart = [summarize(run).evidence for run in runs]
    assert evidence.arms["focal"].planned == (10001, 10002, 10003, 10004, 10005, 20001, 20002, 20003, 20004, 20005)
    assert evidence.arms["focal"].seeds == evidence.arms["focal"].planned
    pooled = np.concatenate([one.arms["focal"].values for one in apart])
    np.testing.assert_allclose(evidence.arms["focal"].values, pooled)


def test_a_pooled_verdict_is_of_grade_b_and_says_why(tmp_path):
    runs = replicates(tmp_path)
    (alone,) = summarize(runs[0]).verdicts
    (verdict,) = summarize(combine(runs)).verdicts
    assert (alone.verdict, alone.grade) == (Verdict.CONFIRMED, "A")
    assert (verdict.verdict, verdict.grade) == (Verdict.CONFIRMED, "B")
    assert verdict.deviations == ("pooled after the fact from 2 runs",)


def test_pooling_says_that_the_spread_holds_the_luck_of_tuning_and_what_each_run_chose(tmp_path):
    text = summarize(combine(replicates(tmp_path))).text()
    assert "some of the luck of tuning is in the spread between seeds" in " ".join(text.split())
    assert "What each run chose: selection, not evidence" in text
    assert "Differences to the baseline, run by run" in text
    assert "Verdicts of each run by itself" in text


def test_a_trial_that_two_runs_share_counts_once(tmp_path):
    fake = FakeRun(signals=SIGNALS, n_clips=90, n_artists=20)
    run = combine([run_of(fake, tmp_path / "one"), run_of(fake, tmp_path / "copy")])
    assert run.planned_seeds("focal") == (10001, 10002, 10003, 10004, 10005)
    assert len(run.confirm) == 10
    assert "Trials that two runs have alike, by seed and configuration, count once: 10." in run.pooled.notes


def test_of_a_trial_that_failed_in_one_run_the_other_run_s_result_counts(tmp_path):
    lost = {("focal", 0): State.FAILED, ("focal", 1): State.DIVERGED}
    broken = run_of(FakeRun(signals=SIGNALS, n_clips=90, n_artists=20, lost=lost), tmp_path / "broken")
    whole = run_of(FakeRun(signals=SIGNALS, n_clips=90, n_artists=20), tmp_path / "whole")
    run = combine([broken, whole])
    focal = {trial.spec.seed: trial for trial in run.confirm if trial.spec.arm == "focal"}
    assert focal[10001].folder.parents[1].name == "whole"
    assert focal[10002].state is State.DIVERGED  # a result, which another result does not undo
    told = [note for note in run.pooled.notes if "with different results" in note]
    assert told == [
        "focal with seed 10001 is in broken (FAILED) and whole (COMPLETED) with different results; whole's counts.",
        "focal with seed 10002 is in broken (DIVERGED) and whole (COMPLETED) with different results; broken's counts.",
    ]


def test_the_same_seed_with_other_tuned_values_is_no_replicate(tmp_path):
    fake = FakeRun(signals=SIGNALS, n_clips=90, n_artists=20)
    one, other = run_of(fake, tmp_path / "one"), run_of(fake, tmp_path / "two")
    message = r"one and two .* focal with seed 1000\d, with lr 0.01 and 0.03, .* run the study with another --seed"
    with pytest.raises(UsageError, match=message):
        combine([one, with_lr(other, focal=0.03)])


def test_runs_with_different_numbers_of_seeds_are_one_study(tmp_path):
    few = run_of(FakeRun(signals=SIGNALS, n_clips=90, n_artists=20, seeds=2), tmp_path / "few")
    more = run_of(FakeRun(signals=SIGNALS, n_clips=90, n_artists=20, seeds=3), tmp_path / "more", seed=2)
    run = combine([few, more])
    assert run.pooled.is_one_study
    assert len(run.planned_seeds("bce")) == 5


def test_a_run_that_registered_nothing_makes_the_pooled_verdict_exploratory(tmp_path):
    runs = replicates(tmp_path)
    runs[1] = replace(runs[1], lock=None)
    summary = summarize(combine(runs))
    (verdict,) = summary.verdicts
    assert (verdict.verdict, verdict.basis) == (Verdict.INCONCLUSIVE, "exploratory")
    assert "r2: nothing was registered before this run" in verdict.reason
    assert summary.own["r1"].verdicts["h1"].startswith("Confirmed (grade A")


def test_the_look_that_may_spend_least_decides_the_alpha_of_a_pooled_verdict(tmp_path):
    one, other = replicates(tmp_path, confirm=Confirm(seeds=5, extension=10))
    extended = replace(other, extension=Extension(seeds=10, as_declared=True, time="2026-01-01"))
    (verdict,) = summarize(combine([one, extended])).verdicts
    assert verdict.alpha == pytest.approx(0.4 * 0.05)  # a second look's share
    assert len(combine([one, extended]).planned_seeds("focal")) == 15


def test_seeds_that_an_unfinished_run_still_owes_are_told(tmp_path):
    done = run_of(FakeRun(signals=SIGNALS, n_clips=90, n_artists=20), tmp_path / "done")
    lost = {("focal", 4): State.PENDING}
    begun = run_of(FakeRun(signals=SIGNALS, n_clips=90, n_artists=20, lost=lost), tmp_path / "begun", seed=2)
    assert "seeds still to come: focal 1" in summarize(combine([done, begun])).text()


# --- different studies -----------------------------------------------------------------------------------------------


def test_different_studies_with_one_baseline_put_their_arms_into_one_table(tmp_path):
    summary = summarize(combine(two_studies(tmp_path)))
    assert list(summary.comparison["arm"]) == ["bce", "focal", "uniform"]
    assert list(summary.comparison["seeds_done"]) == [10, 5, 5]
    assert list(summary.comparison["judged_by"]) == ["baseline", "exploratory", "exploratory"]
    assert "shuffle of b has the configuration of bce and is pooled with it." in summary.run.pooled.notes


def test_a_rival_is_compared_with_the_baseline_of_its_own_run(tmp_path):
    runs = two_studies(tmp_path)
    together = summarize(combine(runs)).comparison.set_index("arm")
    apart = [summarize(run).comparison.set_index("arm") for run in runs]
    for arm, own in (("focal", apart[0]), ("uniform", apart[1])):
        for column in ("roc_delta", "roc_lower", "roc_upper", "pr_delta", "pr_lower", "pr_upper"):
            assert together.loc[arm, column] == pytest.approx(own.loc[arm, column])


def test_hypotheses_of_different_studies_are_judged_in_their_own_runs_only(tmp_path):
    summary = summarize(combine(two_studies(tmp_path)))
    assert summary.verdicts == ()
    assert set(summary.own) == {"a", "b"}
    assert "No hypothesis is judged over these runs together: the table is exploratory." in summary.text()


def test_the_trials_of_a_combination_name_their_run_and_folder(tmp_path):
    runs = two_studies(tmp_path)
    frame = frames.trials(combine(runs))
    row = frame[(frame["run"] == "b") & (frame["arm"] == "bce") & (frame["phase"] == "confirm")].iloc[0]
    assert row["seed"] == 110001  # numbered anew: run a has 10001 with another learning rate
    assert (tmp_path / "b" / "confirm" / row["trial"]).is_dir()


def test_each_run_of_a_combination_has_its_own_tuning(tmp_path):
    frame = frames.tuning(combine(two_studies(tmp_path)))
    assert list(zip(frame["run"], frame["arm"], strict=True)) == [
        ("a", "bce"), ("a", "focal"), ("b", "shuffle"), ("b", "uniform"),
    ]  # fmt: skip
    assert list(frame["proposed"]) == [3, 3, 3, 3]


def test_a_changed_study_is_another_one_and_the_change_is_named(tmp_path):
    one = run_of(FakeRun(signals=SIGNALS, n_clips=90, n_artists=20), tmp_path / "one")
    hypotheses = (claim("any", "focal", than="bce", alpha=0.01),)
    other = run_of(
        FakeRun(signals=SIGNALS, n_clips=90, n_artists=20, hypotheses=hypotheses), tmp_path / "other", seed=2
    )
    run = combine([one, other])
    assert not run.pooled.is_one_study
    assert "They are no replicates, as the study was changed in: hypotheses." in run.pooled.notes


# --- refused ---------------------------------------------------------------------------------------------------------


def relabelled(run: RunData) -> RunData:
    return replace(run, corpus=replace(run.corpus, labels=1 - run.corpus.labels))


def resplit(run: RunData) -> RunData:
    return replace(run, corpus=replace(run.corpus, splits=run.corpus.splits[::-1]))


def retagged(run: RunData) -> RunData:
    return replace(run, corpus=replace(run.corpus, tags=("other", *run.corpus.tags[1:])))


def rerecorded(run: RunData) -> RunData:
    return replace(run, corpus=replace(run.corpus, fingerprint="e" * 8))


def changed(**changes):
    return lambda run: replace(run, study=replace(run.study, **changes))


def with_arms(**settings):
    """Of every arm's declared configuration."""

    def change(run: RunData) -> RunData:
        arms = tuple(replace(arm, config={**arm.config, **settings}) for arm in run.study.arms)
        return replace(run, study=replace(run.study, arms=arms))

    return change


def with_another_focal(run: RunData) -> RunData:
    bce, focal = run.study.arms
    return replace(
        run, study=replace(run.study, arms=(bce, replace(focal, config={**focal.config, "loss.gamma": 3.0})))
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (relabelled, "their labels differ"),
        (resplit, "their splits differ"),
        (retagged, r"their tags differ \(6 and 6; 'other' is in one only\)"),
        (rerecorded, r"their corpora differ \(fake ffffffff and fake eeeeeeee\)"),
        (changed(objective="valid/roc_auc"), r"their objective differs \(valid/pr_auc and valid/roc_auc\)"),
        (changed(checkpoint="last"), r"their checkpoint rule differs \(best and last\)"),
        (changed(data={"pad": "repeat"}), r"their pad differs \(refuse and repeat\)"),
        (changed(tune=None), "one tunes its arms and the other does not"),
        (with_arms(epochs=9), "they are different studies, and their baselines differ: epochs 4 and 9"),
        (with_another_focal, "arm focal has loss.gamma - and 3.0; rename it"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused_with_the_reason(tmp_path, change, reason):
    one, other = replicates(tmp_path)
    with pytest.raises(UsageError, match=f"r1 and r2 cannot be combined: {reason}") as refused:
        combine([one, change(other)])
    assert "\n" not in str(refused.value)


def test_a_run_named_twice_and_a_combination_of_combinations_are_refused(tmp_path):
    one, other = replicates(tmp_path)
    with pytest.raises(UsageError, match="a run is named twice"):
        combine([one, one])
    with pytest.raises(UsageError, match="cannot be combined again; combine all its runs at once"):
        combine([combine([one, other]), replace(one, folder=tmp_path / "else")])


def test_a_single_run_stays_as_it_is(tmp_path):
    run = run_of(FakeRun(signals=SIGNALS, n_clips=90, n_artists=20, seeds=2), tmp_path / "one")
    assert combine([run]) is run


def test_winners_of_a_search_that_differ_from_run_to_run_are_not_one_arm(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "search-1": 1.5}, n_clips=90, n_artists=20, hypotheses=())
    one, other = (run_of(fake, tmp_path / f"r{seed}", seed=seed) for seed in (1, 2))
    winners = [
        replace(
            run, study=replace(run.study, design="search", arms=run.study.arms[:1], confirm=Confirm(seeds=5, top=1))
        )
        for run in (one, with_lr(other, **{"search-1": 0.05}))
    ]
    with pytest.raises(UsageError, match=r"arm search-1 has lr 0\.01 and 0\.05"):
        combine(winners)


def test_a_long_list_of_runs_makes_a_short_name():
    assert combined_name(["a", "b"]) == "combined-a+b"
    assert "/" not in combined_name(["x/losses", "y/losses"])
    names = [f"losses-20261122T1315{k}Z" for k in range(10, 20)]
    assert len(combined_name(names)) == len("combined-") + 12
    assert combined_name(names) != combined_name(names[::-1])


# --- the report ------------------------------------------------------------------------------------------------------


def test_the_report_of_a_combination_tells_its_runs_and_no_search_of_its_own(tmp_path):
    from analysis.report.report import write_report

    summary = summarize(combine(two_studies(tmp_path)))
    page = write_report(summary, tmp_path / "report").read_text()
    assert "Runs combined" in page
    assert "Verdicts of each run by itself" in page
    assert "Different studies in one table: exploratory." in page
    assert not {"tune.csv", "noise.json"} & {path.name for path in (tmp_path / "report").iterdir()}


@pytest.mark.parametrize("runs", [replicates, two_studies])
def test_the_json_of_a_combination_keeps_to_the_schema(tmp_path, runs):
    schema = json.loads((Path(analysis.__file__).parent / "schema" / SCHEMA).read_text())
    content = json.loads(summarize(combine(runs(tmp_path))).render("json"))
    jsonschema.validate(content, schema, cls=jsonschema.Draft202012Validator)
    assert len(content["combined"]["runs"]) == 2

"""The chapters that stand around the experiments: hypotheses, plan and actual, environment, every trial."""

import json
from dataclasses import asdict, replace

import pytest

from analysis.report import plan_section
from analysis.report.environment_section import environment_section
from analysis.report.grids import Grid
from analysis.report.hypothesis_section import hypotheses_section, registered
from analysis.report.sections import Folded
from analysis.report.trials_section import trials_section
from analysis.rundata import gather
from analysis.summary import summarize
from analysis.verdict.deviations import registration
from tagsearch import files
from tagsearch.records import State
from tagsearch.study.contrasts import versus
from tagsearch.study.lock import make_lock
from tagsearch.study.schema import Contrast, Hypothesis, Part
from tests.fake_run import FakeRun, register

FAKE = FakeRun(signals={"bce": 1.0, "focal": 1.5, "triplet": 0.7}, n_clips=150)
LADDER = Part(
    id="climb",
    kind="ladder",
    contrasts=(Contrast(name="bce to triplet", weights={"bce": -1.0, "triplet": 1.0}),),
    at_least=1,
    metrics=("pr_auc", "balance"),
    margins={"pr_auc": 0.02, "balance": 0.1},
    written={},
    steps=(versus("focal", "bce"), versus("triplet", "focal")),
    role="secondary",
)
RARE = Part(
    id="rare",
    kind="versus",
    contrasts=(versus("focal", "bce"), versus("triplet", "bce")),
    at_least=1,
    metrics=("pr_auc",),
    margins={"pr_auc": 0.02},
    written={},
    tags="tail",
    beyond="head",
)
SPOKEN = Hypothesis(
    id="H1", text="It <helps>", alpha=0.04, parts=(RARE, LADDER), premises=("imbalance",), check="silhouette"
)


def run_of(folder, fake=FAKE, lock=None):
    study = fake.write(folder)
    if lock is not None:
        files.write_json(folder / "lock.json", lock)
    return gather(folder, study)


def grids(section):
    return [part for part in section.parts if isinstance(part, Grid)]


# --- hypotheses ------------------------------------------------------------------------------------------------------


def test_the_hypotheses_are_those_of_the_registration_whatever_the_study_says_now(tmp_path):
    then = make_lock(replace(FAKE.study(), hypotheses=(SPOKEN,)), None)
    run = run_of(tmp_path, lock=then)
    assert run.study.hypotheses != (SPOKEN,)
    assert registered(run) == ([SPOKEN], "")


def test_parts_contrasts_endpoints_margins_alpha_check_and_premises_are_told(tmp_path):
    run = run_of(tmp_path, replace(FAKE, hypotheses=(SPOKEN,)))
    section = hypotheses_section(run, "Nothing was registered.")
    (grid,) = grids(section)
    assert grid.title == "H1: It <helps>"
    assert grid.rows == (
        ("rare (primary)", "any of: focal - bce; triplet - bce", "PR AUC of tail tags beyond head tags", "0.02"),
        (
            "climb (secondary)",
            "a gain over ordered arms in equal steps, none of which leads down: bce to triplet",
            "PR AUC and balance",
            "0.02 and 10% less divergence",
        ),
    )
    told = section.markdown()
    assert "Alpha 0.04, two-sided. Manipulation check (gate G3): silhouette" in told
    assert "Premises, reported beside the verdict: imbalance." in told
    assert "Groups of tags" in told


def test_when_and_under_which_hash_they_were_registered_is_told(tmp_path):
    study = FAKE.write(tmp_path)
    register(tmp_path, study, registered="2026-01-02T03:04:05+00:00")
    run = gather(tmp_path, study)
    told = hypotheses_section(run, registration(run)).markdown()
    assert f"Registered before the run as {run.lock['sha256'][:12]} (2026-01-02T03:04:05+00:00)" in told
    assert f"SHA-256 {run.lock['sha256']}." in told


def test_a_registration_without_a_time_has_that_of_the_run(tmp_path):
    run = run_of(tmp_path, lock=make_lock(FAKE.study(), None))
    files.write_json(tmp_path / "environment.json", {"started": "2026-02-03"})
    assert "The run began 2026-02-03." in hypotheses_section(run, "Registered.").markdown()


@pytest.mark.parametrize(
    ("extension", "told"),
    [
        (None, "Seeds an arm: 5, read in one look."),
        (
            10,
            "5, and 10 with the declared extension; the first look spends 60% of alpha, the second the rest.",
        ),
    ],
)
def test_the_looks_that_were_declared_are_told(tmp_path, extension, told):
    run = run_of(tmp_path)
    study = replace(run.study, confirm=replace(run.study.confirm, extension=extension))
    assert told in hypotheses_section(replace(run, study=study), "Registered.").markdown()


@pytest.mark.parametrize("hypotheses", [[{"id": "h1", "arms": ["focal"]}], None, [{**asdict(SPOKEN), "new": 1}]])
def test_a_registration_of_another_version_is_told_and_the_study_s_hypotheses_shown(tmp_path, hypotheses):
    lock = make_lock(FAKE.study(), None)
    run = run_of(tmp_path, lock={**lock, "content": {**lock["content"], "hypotheses": hypotheses}})
    found, complaint = registered(run)
    assert found == run.study.hypotheses
    assert "another" in complaint


def test_a_study_without_hypotheses_says_so(tmp_path):
    told = hypotheses_section(run_of(tmp_path, replace(FAKE, hypotheses=())), "Nothing was registered.").markdown()
    assert "The study declares no hypothesis." in told


# --- plan and actual -------------------------------------------------------------------------------------------------

PLAN = {
    "n_slots": 2,
    "phases": [
        {"phase": "tune", "n_trials": 9, "expected_epochs": 20.6, "seconds": 3723.0, "disk_bytes": 2_000_000},
        {"phase": "confirm", "n_trials": 15, "expected_epochs": 60.0, "seconds": 100.0, "disk_bytes": 3_000_000_000},
    ],
    "power": [
        {
            "hypothesis": "h1",
            "part": "p1",
            "endpoint": "PR AUC",
            "smallest_effect": 0.0213,
            "floor": None,
            "margin": 0.01,
            "source": "assumed",
        }
    ],
}


def test_what_was_predicted_stands_beside_what_was_needed(tmp_path):
    run = run_of(tmp_path)
    files.write_json(tmp_path / "plan.json", PLAN)
    cost, power = grids(plan_section.plan_section(run, summarize(run).verdicts))
    tune, confirm = cost.rows
    size = plan_section.disk_bytes(tmp_path / "tune")
    assert tune == ("tune", "9", "9", "21", "18", "1:02:03", "0:00:00", "2 MB", f"{size / 1e6:.0f} MB")
    assert confirm[:5] == ("confirm", "15", "15", "60", "60")
    assert confirm[7] == "3.0 GB"
    assert power.rows[0][:6] == ("h1", "p1", "PR AUC", "0.01", "0.021", "-")
    assert power.rows[0][7] == "assumed"


def test_the_half_width_got_is_the_widest_of_the_hypothesis_s_contrasts(tmp_path):
    run = run_of(tmp_path)
    files.write_json(tmp_path / "plan.json", PLAN)
    (verdict,) = summarize(run).verdicts
    halves = [
        (one.upper - one.lower) / 2
        for member in verdict.parts[0].members
        for one in member.claims
        if one.metric == "pr_auc"
    ]
    _, power = grids(plan_section.plan_section(run, [verdict]))
    assert float(power.rows[0][6]) == pytest.approx(max(halves), abs=0.0006)


def test_an_epoch_as_probed_stands_beside_the_epochs_of_the_confirm_trials(tmp_path):
    run = run_of(tmp_path)
    arm = run.study.arms[0].name
    cost = {"peak_bytes": 690_000_000, "total_bytes": 25_000_000_000, "device": "cpu"}
    probed = [
        {"arms": [arm], "seconds_per_epoch": 2.5, "cost": cost},
        {"arms": ["joint with fcn"], "seconds_per_epoch": 3.0, "cost": cost},
    ]
    files.write_json(tmp_path / "plan.json", {**PLAN, "probed": probed, "power": []})
    _, epochs = grids(plan_section.plan_section(run, ()))
    own = sorted(
        row["seconds"]
        for trial in run.all_trials
        if (trial.spec.phase, trial.spec.arm) == ("confirm", arm)
        for row in trial.history
    )
    assert own
    assert epochs.rows[0] == (arm, "2.5 s", f"{own[len(own) // 2]:.3g} s", "690 MB of 25.0 GB (cpu)")
    assert epochs.rows[1][2] == "-"


def test_a_run_without_a_plan_tells_what_it_needed(tmp_path):
    section = plan_section.plan_section(run_of(tmp_path), ())
    assert "has no plan.json" in section.markdown()
    assert grids(section)[0].rows[0][:3] == ("tune", "-", "9")


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_damaged_plan_is_told(tmp_path, content):
    run = run_of(tmp_path)
    (tmp_path / "plan.json").write_text(content)
    assert "plan.json is damaged" in plan_section.plan_section(run, ()).markdown()


def test_all_files_below_a_folder_are_counted(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one").write_bytes(b"12345")
    (tmp_path / "a" / "b" / "two").write_bytes(b"123")
    assert plan_section.disk_bytes(tmp_path / "a") == 8


# --- environment -----------------------------------------------------------------------------------------------------

ENVIRONMENT = {
    "started": "2026-01-02T03:04:05+00:00",
    "command": ["tagsearch", "run", "losses.yaml"],
    "tagsearch": "0.1.0",
    "git": {"commit": "abc123", "dirty": True},
    "python": "3.11.7",
    "packages": {"torch": "2.11.0"},
    "n_cpus": 2,
    "device": "cpu",
    "corpus": {"name": "builtin", "fingerprint": "7da8"},
}


def test_the_environment_tells_versions_commit_device_corpus_and_command(tmp_path):
    run = run_of(tmp_path)
    files.write_json(tmp_path / "environment.json", ENVIRONMENT)
    told = dict(grids(environment_section(run))[0].rows)
    assert told["command"] == "tagsearch run losses.yaml"
    assert told["git commit"].startswith("abc123, with changes that were not committed")
    assert (told["torch"], told["device"], told["corpus fingerprint"]) == ("2.11.0", "cpu", "7da8")


def test_code_without_a_repository_is_told(tmp_path):
    run = run_of(tmp_path)
    files.write_json(tmp_path / "environment.json", {**ENVIRONMENT, "git": None})
    assert "not in a git repository" in environment_section(run).markdown()


@pytest.mark.parametrize(("content", "told"), [(None, "no environment.json"), ("{", "damaged"), ("[]", "damaged")])
def test_an_environment_that_cannot_be_read_is_told(tmp_path, content, told):
    run = run_of(tmp_path)
    if content is not None:
        (tmp_path / "environment.json").write_text(content)
    assert told in environment_section(run).markdown()


# --- every trial -----------------------------------------------------------------------------------------------------


def test_every_trial_has_a_row_and_a_lost_one_no_score(tmp_path):
    run = run_of(tmp_path, replace(FAKE, lost={("focal", 0): State.DIVERGED, ("focal", 1): State.PENDING}))
    section = trials_section(run)
    states, folded = section.parts
    assert states.head == ("arm", "phase", "PENDING", "COMPLETED", "STOPPED", "DIVERGED")
    assert ("focal", "confirm", "1", "3", "0", "1") in states.rows
    assert isinstance(folded, Folded)
    assert folded.grid.title == "All 24 trials"
    (diverged,) = [row for row in folded.grid.rows if "DIVERGED" in row]
    assert diverged[-3:] == ("", "", "0")
    assert len(section.tables["trials"]) == 24


def test_a_run_without_trials_says_so(tmp_path):
    run = replace(run_of(tmp_path), tune=(), confirm=())
    assert "No trial has started yet." in trials_section(run).markdown()


def test_a_thousand_trials_stay_light(tmp_path):
    run = run_of(tmp_path)
    many = replace(run, tune=run.tune * 110, confirm=())
    (_, folded) = trials_section(many).parts
    assert len(folded.grid.rows) == 990
    assert len(json.dumps(folded.grid.rows)) < 200_000

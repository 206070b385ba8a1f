"""The command line as a user meets it: exit codes, one line per error, nothing started on bad input."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from analysis.summary import FORMATS
from tagsearch.cli import cli

STUDY = """\
study: mine
factors: {loss: [bce, focal]}
confirm: {seeds: 2}
"""


def tagsearch(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tagsearch", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text(STUDY)
    return tmp_path


def test_plan_prints_arms_trials_and_time_and_starts_nothing(folder: Path) -> None:
    done = tagsearch("plan", "mine.yaml", "epochs=7", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "arms: bce, focal" in done.stdout
    assert "confirm     4 trials  about 28 epochs" in done.stdout
    assert "predicted:" in done.stdout
    assert [path.name for path in folder.iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize("option", ["--gpus-per-trial", "--time-budget-s", "--trial-time-limit-s"])
@pytest.mark.parametrize("value", ["nan", "inf", "-1"])
def test_a_share_and_seconds_are_finite_numbers(option: str, value: str) -> None:
    with pytest.raises(click.BadParameter, match=r"not a finite number|not in the range"):
        cli.commands["run"].make_context("run", ["mine.yaml", option, value])


def test_a_dry_run_is_a_plan(folder: Path) -> None:
    done = tagsearch("run", "mine.yaml", "--dry-run", "epochs=7", cwd=folder)
    assert done.returncode == 0
    assert "about 28 epochs" in done.stdout
    assert not (folder / "runs").exists()


def test_flags_and_overrides_come_in_any_order(folder: Path) -> None:
    done = tagsearch("run", "--seed", "3", "mine.yaml", "lr=1e-2", "--dry-run", "confirm.seeds=3", cwd=folder)
    assert "confirm     6 trials" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "none.yaml"], "none.yaml"),
        (["run", "mine.yaml", "tune.trails=4"], "trails"),
        (["run", "mine.yaml", "epochs=0"], "epochs"),
        (["run", "mine.yaml", "--profile", "tpu"], "tpu"),
        (["run", "mine.yaml", "--data", "mtta=/data"], "did you mean 'mtat'"),
        (["plan", "mine.yaml", "loss=ranking"], "loss"),
        (["resume"], "no runs under runs"),
        (["resume", "mine"], "is no run folder"),
        (["resume", "--extend", "seeds=10"], "no runs under runs"),
        (["summarize", "mine"], "is no run folder"),
        (["status"], "no runs under runs"),
        (["run", "mine.yaml", "--max-concurrent", "0"], "--max-concurrent"),
        (["trian", "mine.yaml"], "trian"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: list[str], message: str, folder: Path) -> None:
    done = tagsearch(*arguments, cwd=folder)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.lower().startswith("error")]) == 1
    assert not (folder / "runs").exists()


def test_a_mistake_in_the_file_is_named_with_its_line(folder: Path) -> None:
    (folder / "mine.yaml").write_text(STUDY + "confrim: {seeds: 3}\n")
    done = tagsearch("run", "mine.yaml", cwd=folder)
    assert done.returncode == 2
    assert done.stderr.startswith("error: mine.yaml:4: ")
    assert "did you mean 'confirm'" in done.stderr


def test_the_exit_code_stands_though_nobody_reads_the_line(folder: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "tagsearch", "plan", "none.yaml"], cwd=folder, stderr=writer)
    os.close(writer)
    assert done.returncode == 2


def test_debug_shows_the_traceback(folder: Path) -> None:
    done = tagsearch("plan", "none.yaml", "--debug", cwd=folder)
    assert "Traceback" in done.stderr
    assert done.returncode == 2


def test_a_long_run_is_not_started_without_asking(folder: Path) -> None:
    done = tagsearch("run", "mine.yaml", "epochs=100000", cwd=folder)
    assert done.returncode == 2
    assert "there is no terminal to ask at; pass -y to start it" in done.stderr
    assert not (folder / "runs").exists()


def test_a_shipped_study_is_found_by_its_name_and_said_so(folder: Path) -> None:
    done = tagsearch("plan", "spaces/losses.yaml", cwd=folder)
    assert done.returncode == 0
    assert "spaces/losses.yaml not found; using the shipped losses.yaml" in done.stdout


def test_a_name_that_is_taken_is_refused_before_anything_is_made(folder: Path) -> None:
    (folder / "runs" / "first").mkdir(parents=True)
    (folder / "runs" / "first" / "resolved.yaml").touch()
    done = tagsearch("run", "mine.yaml", "--name", "first", cwd=folder)
    assert done.returncode == 2
    assert "--name first: runs/first exists" in done.stderr
    assert not (folder / "runs" / "cache").exists()


def test_a_missing_corpus_is_one_line_before_anything_starts(folder: Path) -> None:
    done = tagsearch("run", "mine.yaml", "--data", "mtat=nowhere", "epochs=1", "-y", cwd=folder)
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((folder / "runs").glob("mine*")) if (folder / "runs").exists() else True


@pytest.mark.parametrize(
    ("extend", "message"),
    [
        ("ten", "--extend takes seeds=N, like --extend seeds=10, not 'ten'"),
        ("seeds=2", "the study plans 2 seeds an arm; an extension is to more than those"),
        ("seeds=4", "mine is unfinished: only a finished run can be extended; go on with `tagsearch resume runs/mine`"),
    ],
)
def test_an_extension_that_cannot_be_is_one_line_and_changes_nothing(folder: Path, extend: str, message: str) -> None:
    run = folder / "runs" / "mine"
    run.mkdir(parents=True)
    (folder / "mine.yaml").rename(run / "resolved.yaml")
    done = tagsearch("resume", "mine", "--extend", extend, cwd=folder)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in run.iterdir()] == ["resolved.yaml"]


def test_ls_of_nothing_says_so(folder: Path) -> None:
    done = tagsearch("ls", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "no runs under runs\n")


@pytest.mark.parametrize("verb", ["run", "plan", "resume", "summarize", "status", "ls"])
def test_every_verb_has_help(verb: str, folder: Path) -> None:
    done = tagsearch(verb, "--help", cwd=folder)
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ")


def test_summarize_offers_the_formats_that_the_analysis_has() -> None:
    (option,) = (parameter for parameter in cli.commands["summarize"].params if parameter.name == "style")
    assert isinstance(option.type, click.Choice)
    assert set(option.type.choices) == set(FORMATS)

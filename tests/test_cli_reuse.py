"""`--reuse` as a user meets it: what is told before anything starts, and what is refused in one line."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from tagsearch.cli import cli
from tagsearch.errors import UsageError
from tagsearch.study.parse import read_study
from tagsearch.study.trained_by import trained_by
from tests.fake_source import STUDY, TABLE, write_source

ENVIRONMENT = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}


def tagsearch(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tagsearch", *arguments]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study and its finished run `base`."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "mine.yaml").write_text(STUDY)
    study = read_study(folder / "mine.yaml")
    write_source(folder / "runs" / "base", study, now=lambda config: trained_by(config, device="cpu"), table=TABLE)
    return folder


def test_a_plan_says_what_is_taken_over_what_is_not_and_costs_the_rest(folder: Path) -> None:
    done = tagsearch("plan", "mine.yaml", "confirm.seeds=4", "--reuse", "base", "--gpus-per-trial", "0", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "reuse of base: 6 of 6 tune and 4 of 8 confirm trials\n" in done.stdout
    assert "  to train: 4 confirm trials of bce, focal: more seeds\n" in done.stdout
    assert "confirm     4 trials  about 36 epochs\n" in done.stdout
    assert "tune        0 trials  about 0 epochs\n" in done.stdout


def test_a_source_is_named_by_its_path_too(folder: Path) -> None:
    done = tagsearch("plan", "mine.yaml", "--reuse", "runs/base", "--gpus-per-trial", "0", cwd=folder)
    assert "reuse of base: 6 of 6 tune and 4 of 4 confirm trials\n" in done.stdout


def test_a_plan_warns_of_other_data(folder: Path) -> None:
    done = tagsearch("plan", "mine.yaml", "data.size=small", "--reuse", "base", cwd=folder)
    assert "warning: data differ in size; a run is refused if the clips or their labels do\n" in done.stdout


def test_a_source_that_is_no_run_is_refused(folder: Path) -> None:
    for verb in ("plan", "run"):
        done = tagsearch(verb, "mine.yaml", "--reuse", "nobody", cwd=folder)
        assert done.returncode == 2
        assert done.stderr.startswith("error: nobody is no run folder (none has resolved.yaml)")
        assert len(done.stderr.splitlines()) == 1


def test_the_name_of_an_existing_run_is_refused(folder: Path) -> None:
    done = tagsearch("run", "mine.yaml", "--reuse", "base", "--name", "base", "-y", cwd=folder)
    assert done.returncode == 2
    assert "error: --name base: runs/base exists" in done.stderr


def test_a_dry_run_with_reuse_makes_nothing(folder: Path) -> None:
    done = tagsearch("run", "mine.yaml", "--reuse", "base", "--name", "new", "--dry-run", cwd=folder)
    assert done.returncode == 0
    assert "reuse of base: " in done.stdout
    assert not (folder / "runs" / "new").exists()


def test_a_source_of_another_corpus_is_refused_before_a_run_is_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = SimpleNamespace(table=replace(TABLE, fingerprint="another"), bad=())
    monkeypatch.setattr("tagsearch.search.run_data.open_data", lambda *_, **__: (corpus, {}))
    monkeypatch.setattr("tagsearch.search.progress.console", lambda: Console(quiet=True))
    monkeypatch.chdir(folder)
    with pytest.raises(UsageError, match="--reuse base: a trial can be taken over on the same clips"):
        cli.main(["run", "mine.yaml", "--reuse", "base", "--name", "new", "-y"], standalone_mode=False)
    assert not (folder / "runs" / "new").exists()

"""The main job for real, on the small built-in corpus: run, kill, resume, summarize. Minutes long."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from tagsearch.data.tags import TOP_50
from tagsearch.records import State, read_corpus, read_trials
from tests.fake_corpus import make_table, write_corpus
from tests.fake_mtat import write_annotations

pytestmark = pytest.mark.slow
SHORT = ["epochs=6", "tune.trials_per_arm=2", "tune.asha.grace_period=1", "confirm.seeds=3", "tune.search=random"]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tagsearch", *arguments]


def run_short(name: str, *arguments: str) -> list[str]:
    # One trial at a time: only then is the tune phase, too, the same whatever happens.
    return command("run", "smoke.yaml", *SHORT, "--name", name, "--max-concurrent", "1", *arguments)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run called `undisturbed`."""
    folder = tmp_path_factory.mktemp("end-to-end")
    done = subprocess.run(run_short("undisturbed"), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "output.txt").write_text(done.stdout)
    return folder


def test_a_run_ends_with_its_table_and_its_verdict(storage: Path) -> None:
    output = (storage / "output.txt").read_text()
    assert "Comparison on the test split" in output
    assert "H2: " in output
    for name in ("summary.md", "index.html", "verdicts.json", "comparison.csv", "forest.png", "learning_curves.png"):
        assert (storage / "runs" / "undisturbed" / "report" / name).stat().st_size > 0


def test_a_run_keeps_its_plan_and_the_next_plan_knows_its_noise(storage: Path) -> None:
    kept = json.loads((storage / "runs" / "undisturbed" / "plan.json").read_text())
    assert [(one["phase"], one["n_trials"]) for one in kept["phases"]] == [("tune", 4), ("confirm", 6)]
    assert {one["source"] for one in kept["power"]} == {"assumed"}
    done = subprocess.run(command("plan", "smoke.yaml", *SHORT), cwd=storage, capture_output=True, text=True)
    assert "H2: 3 seeds resolve ROC AUC" in done.stdout
    assert "assumed" not in done.stdout


def test_confirm_trials_have_scores_of_both_splits_and_figures_in_tensorboard(storage: Path) -> None:
    for trial in read_trials(storage / "runs" / "undisturbed", "confirm"):
        assert trial.state is State.COMPLETED
        assert trial.scores("valid").dtype == trial.scores("test").dtype == np.float32
        assert list(trial.folder.glob("*.figures"))


def test_tune_trials_have_never_met_the_test_split(storage: Path) -> None:
    trials = list(read_trials(storage / "runs" / "undisturbed", "tune"))
    assert len(trials) == 4
    assert not any((trial.folder / "scores.npz").exists() for trial in trials)


@pytest.mark.parametrize("phase", ["tune", "confirm"])
def test_a_run_killed_in_a_phase_ends_in_the_same_table_bit_for_bit(storage: Path, phase: str) -> None:
    # In a storage of its own, but for the cache: beside `undisturbed` it would be the second run of its hypotheses.
    alone = (f"--storage-path=killed-{phase}",)
    run, other = storage / f"killed-{phase}" / "killed", storage / "runs" / "undisturbed"
    run.parent.mkdir()
    (run.parent / "cache").symlink_to(storage / "runs" / "cache")
    command_line = run_short("killed", *alone)
    process = subprocess.Popen(command_line, cwd=storage, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 200
    while len(list(run.glob(f"{phase}/*/history.json"))) < 2:  # the second trial has begun
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    status = subprocess.run(command("status", *alone), cwd=storage, capture_output=True, text=True)
    assert "interrupted" in status.stdout
    going_on = command("resume", *alone, "--max-concurrent", "1")
    done = subprocess.run(going_on, cwd=storage, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    trials = list(read_trials(run, "confirm"))
    assert [trial.spec.name for trial in trials] == [trial.spec.name for trial in read_trials(other, "confirm")]
    for trial, twin in zip(trials, read_trials(other, "confirm"), strict=True):
        assert trial.scores("test").tobytes() == twin.scores("test").tobytes()
        assert trial.scores("valid").tobytes() == twin.scores("valid").tobytes()
    tables = [json.loads((folder / "report" / "verdicts.json").read_text()) for folder in (run, other)]
    assert tables[0] == tables[1]
    tables = [pd.read_csv(folder / "report" / "comparison.csv").drop(columns="hours") for folder in (run, other)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)  # hours: of the clock


def test_a_run_is_registered_before_its_test_split_is_read_and_every_reading_is_noted(storage: Path) -> None:
    run = storage / "runs" / "undisturbed"
    registered = datetime.fromisoformat(json.loads((run / "lock.json").read_text())["registered"])
    for trial in read_trials(run, "confirm"):
        (reading,) = trial.reads()
        assert trial.result is not None
        assert trial.result.weights_sha256 == {"final": reading.weights_sha256}
        assert registered <= datetime.fromisoformat(reading.time)
    (verdict,) = json.loads((run / "report" / "verdicts.json").read_text())
    assert (verdict["deviations"], verdict["look"]) == ([], 1)


def test_an_extended_run_is_a_second_look_that_was_not_declared(storage: Path) -> None:
    run = storage / "extended" / "run"
    shutil.copytree(storage / "runs" / "undisturbed", run)
    before = {path: path.read_bytes() for path in run.rglob("scores.npz")}
    arguments = ["resume", "--storage-path=extended", "--extend", "seeds=4", "--max-concurrent", "2"]
    done = subprocess.run(command(*arguments), cwd=storage, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "does not declare this extension" in done.stdout
    assert "confirm phase: 8 trials" in done.stdout
    assert "look 2 of 2" in done.stdout
    assert "adaptive: extended to 4 seeds, which was not declared" in " ".join(done.stdout.split())
    trials = list(read_trials(run, "confirm"))
    assert [trial.state for trial in trials] == [State.COMPLETED] * 8
    assert {path: path.read_bytes() for path in before} == before


def test_a_second_resume_of_a_running_run_is_refused(storage: Path) -> None:
    process = subprocess.Popen(run_short("twice"), cwd=storage, stdout=subprocess.DEVNULL)
    while not (storage / "runs" / "twice" / "resolved.yaml").exists():
        assert process.poll() is None
        time.sleep(0.05)
    second = subprocess.run(command("resume", "twice"), cwd=storage, capture_output=True, text=True)
    process.kill()
    process.wait()
    assert second.returncode == 2
    assert "is being run by another process" in second.stderr


def test_a_run_on_damaged_files_leaves_them_out_of_everything_and_lists_them(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    paths = [f"{folder}/band-album-0{folder}-song-{i}-{i + 4}.mp3" for folder in "0cd" for i in range(8)]
    tags = [[tag for tag in TOP_50 if generator.random() < 0.5] for _ in paths]
    write_annotations(tmp_path, [(i, tags[i], path) for i, path in enumerate(paths)])
    for path in paths:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / path, generator.uniform(-0.5, 0.5, 64_000), 16_000)
    (tmp_path / paths[1]).write_bytes(b"")
    content = (tmp_path / paths[9]).read_bytes()
    (tmp_path / paths[9]).write_bytes(content[: len(content) // 2])
    soundfile.write(tmp_path / paths[17], np.zeros(32_000), 16_000)
    short = ["epochs=4", "tune.trials_per_arm=2", "confirm.seeds=2", "--name", "damaged", "--max-concurrent", "2"]
    done = subprocess.run(
        command("run", "smoke.yaml", "--data", f"mtat={tmp_path}", *short), cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run = tmp_path / "runs" / "damaged"
    assert "left out: 3 clips (1 empty, 1 truncated, 1 too short): see runs/damaged/bad_files.csv" in done.stdout
    with (run / "bad_files.csv").open(newline="") as file:
        assert {row["path"] for row in csv.DictReader(file)} == {paths[1], paths[9], paths[17]}
    table = read_corpus(run)
    assert len(table.paths) == 21
    assert any("3 of 24 clips are left out (1 empty, 1 truncated, 1 too short)" in note for note in table.notes)
    for trial in read_trials(run, "confirm"):
        assert trial.scores("test").shape == (7, 50)


def test_a_model_that_hears_more_than_a_clip_lasts_is_compared_where_clips_are_repeated(tmp_path: Path) -> None:
    table = make_table(n_train=16, n_valid=8, n_test=8)
    write_corpus(tmp_path / "music", table, seconds=(3.5, 2.0))
    rows = [["path", "split", *table.tags]]
    for path, split, labels in zip(table.paths, table.splits, table.labels, strict=True):
        rows.append([path, ("train", "valid", "test")[split], *labels])
    with (tmp_path / "music" / "tags.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    (tmp_path / "s.yaml").write_text(
        "study: s\nbase: {model: fcn, model.width: 4, epochs: 2}\narms: {a: , b: {lr: 0.01}}\nconfirm: {seeds: 2}\n"
    )
    arguments = ["run", "s.yaml", "--data", f"folder={tmp_path / 'music'}", "--name", "padded"]
    refused = subprocess.run(command(*arguments), cwd=tmp_path, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "data.pad: repeat" in refused.stderr
    done = subprocess.run(command(*arguments, "data.pad=repeat"), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    trials = list(read_trials(tmp_path / "runs" / "padded", "confirm"))
    assert [trial.scores("test").shape for trial in trials] == [(8, 4)] * 4
    note = "32 of 32 clips are shorter than the longest chunk, 29 s, and are repeated to fill it."
    assert note in (tmp_path / "runs" / "padded" / "report" / "summary.md").read_text()

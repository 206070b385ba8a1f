"""What `tagsearch doctor` finds."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tagsearch.data.decoding import undecodable_formats
from tagsearch.search import doctor
from tagsearch.search.placement import Machine
from tagsearch.study.measured import Measured
from tagsearch.study.parse import read_study
from tagsearch.study.plan import predict
from tagsearch.study.shipped import pinned_versions, shipped_studies
from tests.fake_trial import tiny_study

BIG = Machine(name="big", n_cpus=16, n_gpus=1, memory_bytes=64 * 10**9)


def tagsearch(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tagsearch", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_pins_are_read_from_the_constraints() -> None:
    pins = pinned_versions()
    assert {"torch", "torchaudio", "ray", "optuna"} <= set(pins)
    assert all(pins[name][0].isdigit() for name in pins)


def test_another_version_than_the_pinned_one_is_a_warning_with_the_way_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda name: "2.11.0+cpu" if name == "torch" else "0.1")
    monkeypatch.setattr(doctor, "pinned_versions", lambda: dict.fromkeys(doctor._PACKAGES, "2.11.0"))
    found = {finding.check: finding for finding in doctor.environment()}
    assert (found["torch"].level, found["torch"].text) == ("ok", "2.11.0+cpu")
    assert found["ray"].level == "warning"
    assert found["ray"].text == "0.1, but tagsearch is tested with 2.11.0; pip install 'ray==2.11.0'"


def test_a_python_that_is_not_supported_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PYTHONS", ((2, 7),))
    python, *_ = doctor.environment()
    assert python.level == "problem"
    assert "tagsearch needs 2.7" in python.text


def test_mp3_and_flac_decode_here_and_a_decoder_that_lacks_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert undecodable_formats() == {}
    write = soundfile.write

    def without_mp3(*arguments: object, **named: object) -> None:
        if named["format"] == "MP3":
            raise ValueError("Unknown format: 'MP3'")
        write(*arguments, **named)

    monkeypatch.setattr(soundfile, "write", without_mp3)
    assert doctor.audio().level == "problem"
    assert "MP3: Unknown format: 'MP3'; pip install" in doctor.audio().text


def test_placement_says_how_many_or_why_not() -> None:
    assert doctor.placement([BIG], gpus_per_trial=0.5).text == "2 trials at a time, with 1 CPU and 0.5 of a GPU each"
    refused = doctor.placement([BIG], gpus_per_trial=2)
    assert refused.level == "problem"
    assert "1 CPU and 2 GPUs of one machine" in refused.text


def test_a_corpus_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    study = dataclasses.replace(
        tiny_study(),
        data={
            "corpus": "mtat",
            "path": "/nowhere",
            "split": "12:1:3",
            "tags": "top50",
            "merge": "none",
            "pad": "refuse",
        },
    )
    problem, made = doctor.study(study, tmp_path, [BIG], gpus_per_trial=0.25)
    assert (problem.level, problem.check) == ("problem", "corpus")
    assert "/nowhere does not exist; give the corpus's place with --data mtat=PATH" in problem.text
    assert made.level == "ok"


def test_a_study_is_predicted_for_the_machines_that_train_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    study, plans = read_study(shipped_studies()["smoke"], profile="cpu"), []
    monkeypatch.setattr(doctor, "predict", lambda *made, **how: plans.append(predict(*made, **how)) or plans[-1])
    for share in (0.25, 0.0):
        list(doctor.study(study, tmp_path, [BIG], gpus_per_trial=share))
    assert [(plan.n_slots, plan.n_gpus) for plan in plans] == [(4, 1.0), (16, 0.0)]


def test_a_corpus_that_cannot_be_read_is_a_finding_beside_the_others(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    done = tagsearch("doctor", "smoke", "--data", "folder=music", "--gpus-per-trial", "0", cwd=tmp_path)
    assert done.returncode == 1
    *_, placement, corpus = done.stdout.splitlines()
    assert placement.startswith("ok       placement")
    assert corpus.startswith(f"problem  corpus     {tmp_path}/music holds no .csv or .tsv file")


def test_doctor_prints_a_line_a_check_and_ends_with_0_where_all_is_well(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("study: mine\nfactors: {loss: [bce, focal]}\nconfirm: {seeds: 2}\n")
    done = tagsearch("doctor", "mine.yaml", "--gpus-per-trial", "0", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    checks = [line.split()[1] for line in done.stdout.splitlines()]
    assert checks == [
        "python",
        "torch",
        "torchaudio",
        "ray",
        "optuna",
        "devices",
        "audio",
        "storage",
        "placement",
        "study",
    ]


def test_doctor_ends_with_1_and_counts_the_problems(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = tagsearch("doctor", "--storage-path", "file/runs", "--gpus-per-trial", "99", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "error: 2 problems to be solved before a run\n"
    assert "problem  storage" in done.stdout


def test_a_cluster_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    done = tagsearch("doctor", "--address", "127.0.0.1:1", cwd=tmp_path)
    assert done.returncode == 2
    assert "--address 127.0.0.1:1: no Ray cluster answers there" in done.stderr


@pytest.mark.parametrize("verb", [["run", "smoke.yaml"], ["resume"], ["doctor"], ["ls"]])
def test_an_object_store_is_refused_as_storage_by_every_verb(verb: list[str], tmp_path: Path) -> None:
    done = tagsearch(*verb, "--storage-path", "s3://bucket/runs", cwd=tmp_path)
    assert done.returncode == 2
    assert "must be a folder that every machine mounts, not s3://bucket/runs" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_run_into_a_storage_that_cannot_be_written_ends_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = tagsearch("run", "smoke.yaml", "--storage-path", "file/runs", "-y", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: the storage file/runs must be writable: Not a directory")


def cost(gigabytes: float, *, on_gpu: bool = False) -> Measured:
    device = "H100" if on_gpu else "cpu"
    return Measured(
        seconds_per_step=1, seconds_per_chunk=1, peak_bytes=int(gigabytes * 1e9), total_bytes=80 * 10**9,
        device=device, on_gpu=on_gpu,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gigabytes", "level", "text"),
    [
        (3.9, "ok", "big holds 16 trials of 3.90 GB, the largest arm's; 16 at a time are wanted"),
        (8.0, "warning", "big holds 8 trials of 8.00 GB, the largest arm's, and would be given 16; lower"),
        (65.0, "problem", "big holds no trial of 65.00 GB; lower batch_size"),
    ],
)
def test_a_trial_that_was_measured_is_held_against_the_memory_of_each_machine(
    gigabytes: float, level: str, text: str
) -> None:
    (found,) = doctor.memory([BIG], [cost(0.5), cost(gigabytes)], gpus_per_trial=0.0)
    assert (found.level, found.check) == (level, "memory")
    assert found.text.startswith(text)


def test_networks_measured_on_a_gpu_are_held_against_the_share_that_trials_get() -> None:
    (fits,) = doctor.memory([BIG], [cost(9, on_gpu=True)], gpus_per_trial=0.25)
    (crowded,) = doctor.memory([BIG], [cost(13, on_gpu=True)], gpus_per_trial=0.25)
    assert fits.level == "ok"
    assert crowded.level == "warning"
    assert crowded.text.endswith("and would be given 4; --gpus-per-trial 0.333333")

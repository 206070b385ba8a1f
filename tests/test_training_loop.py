"""One trial: reproducible, interruptible, and honest about how it ended."""

import dataclasses
import hashlib
import json
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score

from tagsearch import __version__
from tagsearch.augment.spec_augment import SpecAugment
from tagsearch.data import batches
from tagsearch.errors import CorpusError
from tagsearch.files import read_array
from tagsearch.models.cnn1d import CNN1D
from tagsearch.readings import read_reads, second_readings
from tagsearch.records import (
    HISTORY_COLUMNS,
    MEASURES,
    CorpusTable,
    State,
    TrialSpec,
    read_history,
    read_result,
    read_trial,
    write_spec,
)
from tagsearch.study.schema import Stop
from tagsearch.study.trained_by import read_trained_by, trained_by
from tagsearch.training import loop
from tagsearch.training.loop import run_trial
from tagsearch.training.outcome import CHECKPOINT, PREVIOUS_CHECKPOINT, end_trial
from tagsearch.training.settings import TrialSettings
from tests.fake_trial_setup import make_settings, make_spec, outcome, without_times

EVERY_KIND_OF_STATE: dict[str, Any] = {
    "optimizer": "adamw",
    "schedule": "one_cycle",
    "sampler": "tag_uniform",
    "augment": "mixup",
    "loss": "bce_triplet",
    "clip_grad_norm": 0.1,
}
STAGES: dict[str, Any] = {
    "optimizer": "adam",
    "schedule": "adam_then_sgd",
    "lr": 0.05,
    "schedule__adam_share": 0.3,
    "schedule__step_share": 0.3,  # a stage ends after each of three epochs
}
IN_BF16: dict[str, Any] = {"model": "cnn2d", "precision": "bf16", "optimizer": "adam"}
MASKED: dict[str, Any] = {"sampler": "power", "augment": "spec_augment", "loss": "logit_adjusted"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> TrialSettings:
    return make_settings(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def undisturbed(settings: TrialSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `make_spec(**EVERY_KIND_OF_STATE)`, run without interruption."""
    folder = tmp_path_factory.mktemp("undisturbed")
    train(make_spec(**EVERY_KIND_OF_STATE), settings, folder)
    return folder


def train(spec: TrialSpec, settings: TrialSettings, folder: Path) -> Path:
    for _ in run_trial(spec, settings, folder):
        pass
    return folder


# --- what it leaves --------------------------------------------------------------------------------------------------


def test_a_confirm_trial_leaves_a_history_scores_and_a_record(settings: TrialSettings, tmp_path: Path) -> None:
    spec = make_spec()
    write_spec(tmp_path, spec)
    train(spec, settings, tmp_path)
    trial = read_trial(tmp_path)
    assert trial.state is State.COMPLETED
    assert [set(row) for row in trial.history] == [set(HISTORY_COLUMNS)] * 3
    assert [row["epoch"] for row in trial.history] == [1, 2, 3]
    assert trial.scores("valid").shape == (12, 4)
    assert trial.scores("test").shape == (10, 4)
    assert trial.scores("test").dtype == np.float32
    assert read_array(tmp_path / "per_tag.npz", "pr_auc").shape == (3, 4)
    result = trial.result
    assert result is not None
    assert (result.stop_reason, result.epochs, result.clips_drawn, result.audio_seconds) == ("budget", 3, 99, 297.0)
    assert result.scores_sha256 == hashlib.sha256((tmp_path / "scores.npz").read_bytes()).hexdigest()
    assert result.tagsearch == __version__
    assert {p.name for p in tmp_path.iterdir()} == {
        *("trial.json", "history.json", "per_tag.npz", "draws.npz", "record.json", "scores.npz", "weights-final.pt"),
        *("reads.jsonl", "trained_by.jsonl"),
    }
    assert read_trained_by(tmp_path) == (trained_by(make_spec().config, device="cpu"),)


def test_a_row_is_yielded_when_its_checkpoint_and_history_are_on_disk(settings: TrialSettings, tmp_path: Path) -> None:
    for n, row in enumerate(run_trial(make_spec(), settings, tmp_path), start=1):
        assert (tmp_path / CHECKPOINT).exists()
        assert read_history(tmp_path)[-1] == row
        assert len(read_array(tmp_path / "per_tag.npz", "roc_auc")) == n
        assert read_result(tmp_path) is None


def test_a_tune_trial_neither_touches_the_test_split_nor_keeps_weights(settings: TrialSettings, tmp_path: Path) -> None:
    train(make_spec(phase="tune"), settings, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        *("history.json", "per_tag.npz", "draws.npz", "record.json", "trained_by.jsonl"),
    }


def test_an_ended_trial_only_yields_its_rows(settings: TrialSettings, undisturbed: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in undisturbed.iterdir()}
    rows = list(run_trial(make_spec(**EVERY_KIND_OF_STATE), settings, undisturbed))
    assert rows == list(read_history(undisturbed))
    assert {path: path.stat().st_mtime_ns for path in undisturbed.iterdir()} == before


@pytest.mark.parametrize("changes", [{"lr": 0.3}, STAGES], ids=["sgd", "stages"])
def test_the_final_scores_are_those_of_the_best_epoch(
    settings: TrialSettings, tmp_path: Path, changes: dict[str, Any]
) -> None:
    spec = make_spec(**changes, epochs=6)
    train(spec, settings, tmp_path)
    result = read_result(tmp_path)
    assert result is not None
    values = [row["valid/pr_auc"] for row in read_history(tmp_path)]
    assert result.best == max(values)
    assert result.best_epoch == values.index(max(values)) + 1
    assert result.checkpoints == {"final": result.best_epoch}
    table = CorpusTable.load(settings.corpus)
    labels, scores = table.labels[table.rows("valid")], read_array(tmp_path / "scores.npz", "valid/final")
    assert average_precision_score(labels, scores, average="macro") == pytest.approx(result.best)


def test_under_the_last_rule_the_scores_are_those_of_the_last_epoch(settings: TrialSettings, tmp_path: Path) -> None:
    last = dataclasses.replace(settings, checkpoint="last", snapshots=(2, 4, 9))
    train(make_spec(lr=0.3, epochs=4), last, tmp_path)
    result = read_result(tmp_path)
    assert result is not None
    assert result.best == result.last == read_history(tmp_path)[-1]["valid/pr_auc"]
    assert result.checkpoints == {"final": 4, "epoch2": 2, "epoch4": 4}
    stored = {name: read_array(tmp_path / "scores.npz", f"test/{name}") for name in result.checkpoints}
    assert np.array_equal(stored["final"], stored["epoch4"])
    assert not np.array_equal(stored["final"], stored["epoch2"])
    assert (tmp_path / "weights-epoch2.pt").exists()


def test_a_snapshot_holds_what_a_trial_of_that_length_ends_with(settings: TrialSettings, tmp_path: Path) -> None:
    last = dataclasses.replace(settings, checkpoint="last")
    train(make_spec(epochs=4), dataclasses.replace(last, snapshots=(2,)), tmp_path / "long")
    train(make_spec(epochs=2), last, tmp_path / "short")
    snapshot = read_array(tmp_path / "long" / "scores.npz", "test/epoch2")
    assert np.array_equal(snapshot, read_array(tmp_path / "short" / "scores.npz", "test/final"))


def test_training_lowers_the_loss(settings: TrialSettings, tmp_path: Path) -> None:
    train(make_spec(epochs=12, optimizer="adam", model__width=16), settings, tmp_path)
    rows = read_history(tmp_path)
    assert rows[-1]["train/loss"] < 0.8 * rows[0]["train/loss"]


def test_the_record_says_how_often_each_clip_and_tag_was_drawn(settings: TrialSettings, tmp_path: Path) -> None:
    table = CorpusTable.load(settings.corpus)
    labels = table.labels[table.rows("train")].astype(int)
    write_spec(tmp_path / "even", make_spec())
    even = read_trial(train(make_spec(), settings, tmp_path / "even")).draws()
    assert even.clips.tolist() == [3] * 33  # shuffled: once an epoch
    assert even.tags.tolist() == (3 * labels.sum(axis=0)).tolist()
    spec = make_spec(sampler="tag_uniform", phase="tune")
    write_spec(tmp_path / "tags", spec)
    uneven = read_trial(train(spec, settings, tmp_path / "tags")).draws()
    assert uneven.clips.sum() == 99
    assert not uneven.clips[~labels.any(axis=1)].any()  # a clip without tags is never drawn
    assert uneven.tags.tolist() == (uneven.clips @ labels).tolist()


def test_a_clipped_gradient_moves_the_weights_no_further_than_the_norm_allows(
    settings: TrialSettings, tmp_path: Path
) -> None:
    # plain steps of at most lr x norm = 1e-6: three epochs hardly change the loss
    changes = {"optimizer__momentum": 0.0, "lr": 1.0, "clip_grad_norm": 1e-6}
    train(make_spec(**changes), settings, tmp_path / "clipped")
    train(make_spec(**changes | {"clip_grad_norm": 0.0}), settings, tmp_path / "free")
    clipped, free = ([row["train/loss"] for row in read_history(tmp_path / name)] for name in ("clipped", "free"))
    assert max(clipped) - min(clipped) < 0.02 < abs(free[-1] - free[0])


def test_only_training_chunks_are_augmented(
    settings: TrialSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, plain = [], SpecAugment.__call__

    def counting(self: SpecAugment, chunks: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        seen.append(len(chunks))
        return plain(self, chunks, labels)

    monkeypatch.setattr(SpecAugment, "__call__", counting)
    train(make_spec(augment="spec_augment", epochs=2), settings, tmp_path)
    assert seen == [16, 17, 16, 17]


# --- seeds -----------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_outcome_bit_for_bit_and_another_does_not(
    settings: TrialSettings, undisturbed: Path, tmp_path: Path
) -> None:
    torch.rand(7)  # whatever the process has drawn before
    again = train(make_spec(**EVERY_KIND_OF_STATE), settings, tmp_path / "again")
    other = train(make_spec(seed=4, **EVERY_KIND_OF_STATE), settings, tmp_path / "other")
    assert outcome(again) == outcome(undisturbed)
    assert outcome(other) != outcome(undisturbed)


def test_a_trial_in_a_used_process_equals_one_in_a_fresh_process(
    settings: TrialSettings, undisturbed: Path, tmp_path: Path
) -> None:
    program = (
        "import sys, json, pathlib\n"
        "from tagsearch.records import read_spec\n"
        "from tagsearch.training.loop import TrialSettings, run_trial\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "list(run_trial(read_spec(folder), TrialSettings.from_json(json.loads(sys.argv[2])), folder))\n"
    )
    write_spec(tmp_path, make_spec(**EVERY_KIND_OF_STATE))
    subprocess.run([sys.executable, "-c", program, str(tmp_path), json.dumps(settings.to_json())], check=True)
    assert outcome(tmp_path) == outcome(undisturbed)


def test_a_trial_leaves_the_processs_generators_and_threads_as_they_were(
    settings: TrialSettings, tmp_path: Path
) -> None:
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    n_threads = torch.get_num_threads()
    train(make_spec(), settings, tmp_path)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.random.get_state()[1].tolist() == numpy_state  # noqa: NPY002
    assert torch.get_num_threads() == n_threads


# --- interruption ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_epochs", [1, 2, 3])
@pytest.mark.parametrize(
    "changes",
    [EVERY_KIND_OF_STATE, MASKED, STAGES, IN_BF16, {}],
    ids=["all", "masked", "stages", "bf16", "sgd"],
)
def test_a_trial_killed_after_an_epoch_goes_on_as_if_undisturbed(
    settings: TrialSettings, tmp_path: Path, n_epochs: int, changes: dict[str, Any]
) -> None:
    spec = make_spec(**changes)
    snapshots = dataclasses.replace(settings, snapshots=(1,))
    whole = train(spec, snapshots, tmp_path / "whole")
    killed = tmp_path / "killed"
    first = [without_times(row) for row in islice(run_trial(spec, snapshots, killed), n_epochs)]
    rows = [without_times(row) for row in run_trial(spec, snapshots, killed)]
    assert rows[:n_epochs] == first
    assert len(rows) == 3
    assert outcome(killed) == outcome(whole)
    assert read_result(killed).weights_sha256 == read_result(whole).weights_sha256  # type: ignore[union-attr]
    assert read_result(killed).measures == read_result(whole).measures  # type: ignore[union-attr]


def test_a_reading_of_the_test_split_is_on_disk_before_it_begins(
    settings: TrialSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, plain = [], loop.clip_logits
    test_rows = CorpusTable.load(settings.corpus).rows("test")

    def watched(model: Any, chunks: Any, rows: Any) -> Any:
        if np.array_equal(rows, test_rows):
            seen.append([reading.checkpoint for reading in read_reads(tmp_path)])
        return plain(model, chunks, rows)

    monkeypatch.setattr(loop, "clip_logits", watched)
    train(make_spec(epochs=2), dataclasses.replace(settings, snapshots=(1,)), tmp_path)
    assert seen == [["epoch1"], ["epoch1", "final"]]
    result = read_result(tmp_path)
    assert result is not None
    assert {r.checkpoint: r.weights_sha256 for r in read_reads(tmp_path)} == result.weights_sha256


def test_a_trial_killed_while_it_reads_the_test_split_reads_the_same_weights_again(
    settings: TrialSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots = dataclasses.replace(settings, snapshots=(1,))
    with monkeypatch.context() as broken:
        broken.setattr(loop, "measure", killed)
        with pytest.raises(KeyboardInterrupt):
            train(make_spec(), snapshots, tmp_path)
    assert read_result(tmp_path) is None
    train(make_spec(), snapshots, tmp_path)
    reads = read_reads(tmp_path)
    assert [reading.checkpoint for reading in reads] == ["epoch1", "final", "epoch1", "final"]
    assert second_readings(reads) == ()


def killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_a_kill_between_checkpoint_and_history_loses_nothing(
    settings: TrialSettings, undisturbed: Path, tmp_path: Path
) -> None:
    spec = make_spec(**EVERY_KIND_OF_STATE)
    list(islice(run_trial(spec, settings, tmp_path), 2))
    (tmp_path / "history.json").write_text("[]")
    train(spec, settings, tmp_path)
    assert outcome(tmp_path) == outcome(undisturbed)


@pytest.mark.parametrize("damaged", [[CHECKPOINT], [CHECKPOINT, PREVIOUS_CHECKPOINT]], ids=["newest", "both"])
@pytest.mark.parametrize("cut", [True, False])
def test_a_damaged_checkpoint_costs_epochs_but_changes_nothing(
    settings: TrialSettings,
    undisturbed: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    damaged: list[str],
    cut: bool,
) -> None:
    spec = make_spec(**EVERY_KIND_OF_STATE)
    list(islice(run_trial(spec, settings, tmp_path), 2))
    for name in damaged:
        content = bytearray((tmp_path / name).read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / name).write_bytes(content[: 1000 if cut else None])
    train(spec, settings, tmp_path)
    assert caplog.text.count("is damaged") == len(damaged)
    assert outcome(tmp_path) == outcome(undisturbed)


def test_another_trials_checkpoint_is_not_taken_up(
    settings: TrialSettings, undisturbed: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    list(islice(run_trial(make_spec(seed=9, **EVERY_KIND_OF_STATE), settings, tmp_path), 1))
    train(make_spec(**EVERY_KIND_OF_STATE), settings, tmp_path)
    assert "belongs to another trial" in caplog.text
    assert outcome(tmp_path) == outcome(undisturbed)


# --- ends ------------------------------------------------------------------------------------------------------------


def test_a_trial_that_explodes_is_diverged_without_a_score(settings: TrialSettings, tmp_path: Path) -> None:
    # each step multiplies the weights by about -99 until they overflow
    spec = make_spec(lr=100.0, optimizer__weight_decay=1.0, optimizer__momentum=0.0, epochs=50)
    rows = list(run_trial(spec, dataclasses.replace(settings, snapshots=(1,)), tmp_path))
    result = read_result(tmp_path)
    assert result is not None
    assert result.state is State.DIVERGED
    assert result.stop_reason in {f"{value} in {name}/loss" for value in ("nan", "inf") for name in ("train", "valid")}
    assert len(rows) == result.epochs < 50
    assert (result.best, result.last, result.best_epoch) == (None, None, None)
    assert not list(tmp_path.glob("*.pt"))
    assert not (tmp_path / "scores.npz").exists()
    assert all(np.isfinite(list(row.values())).all() for row in read_history(tmp_path))


def test_patience_ends_a_trial_after_that_many_epochs_without_progress(settings: TrialSettings, tmp_path: Path) -> None:
    # a learning rate of nearly zero changes no ranking, so epoch 1 stays the best
    patient = dataclasses.replace(settings, stop=Stop(patience=2))
    train(make_spec(lr=1e-8, epochs=20, optimizer="sgd", loss="focal"), patient, tmp_path)
    result = read_result(tmp_path)
    assert result is not None
    assert result.state is State.COMPLETED
    assert result.stop_reason == "patience"
    assert result.best_epoch is not None
    assert result.epochs == result.best_epoch + 2 < 20


def test_min_lr_ends_a_trial_when_the_schedule_has_gone_below_it(settings: TrialSettings, tmp_path: Path) -> None:
    changes = {"schedule": "cosine", "lr": 0.01, "epochs": 10}
    train(make_spec(**changes), dataclasses.replace(settings, stop=Stop(min_lr=0.004)), tmp_path)
    result = read_result(tmp_path)
    assert result is not None
    assert result.stop_reason == "min_lr"
    assert result.epochs == 6  # the cosine is at 0.005 after 5 of 10 epochs and at 0.0035 after 6


def test_the_driver_ends_a_stopped_trial_from_its_history_alone(settings: TrialSettings, tmp_path: Path) -> None:
    list(islice(run_trial(make_spec(phase="tune"), settings, tmp_path), 2))
    result = end_trial(tmp_path, settings, state=State.STOPPED, stop_reason="asha")
    assert result == read_result(tmp_path)
    assert (result.state, result.epochs, result.clips_drawn) == (State.STOPPED, 2, 66)
    assert result.last == read_history(tmp_path)[-1]["valid/pr_auc"]
    assert not (tmp_path / CHECKPOINT).exists()


def test_ending_a_trial_needs_no_torch() -> None:
    program = "import sys, tagsearch.training.outcome; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_clips_shorter_than_a_chunk_are_refused(tmp_path: Path) -> None:
    short = make_settings(tmp_path, seconds=(3.5, 2.0, 3.5, 3.5, 3.5))
    with pytest.raises(
        CorpusError,
        match=r"model cnn1d does not fit corpus \w+: .* 188 frames; 11 are shorter, the first in row 1 with 126 frames",
    ):
        list(run_trial(make_spec(), short, tmp_path / "trial"))


def test_a_trial_on_repeated_clips_trains_scores_and_goes_on_bit_for_bit(tmp_path: Path) -> None:
    short = make_settings(tmp_path, seconds=(3.5, 2.0), n_train=9, repeat_short=True)  # 29 s of them
    spec = make_spec(model="fcn", epochs=2, batch_size=4)
    whole = train(spec, short, tmp_path / "whole")
    list(islice(run_trial(spec, short, tmp_path / "killed"), 1))
    train(spec, short, tmp_path / "killed")
    assert outcome(tmp_path / "killed") == outcome(whole)
    assert read_result(whole).state is State.COMPLETED  # type: ignore[union-attr]
    assert np.isfinite(read_array(whole / "scores.npz", "test/final")).all()


def test_settings_survive_json(settings: TrialSettings) -> None:
    changed = dataclasses.replace(settings, stop=Stop(patience=3), snapshots=(10, 20), repeat_short=True)
    assert TrialSettings.from_json(json.loads(json.dumps(changed.to_json()))) == changed


# --- precision, layout and measures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["cnn1d", "cnn2d"])
def test_training_in_bfloat16_stays_close_to_float32(settings: TrialSettings, tmp_path: Path, model: str) -> None:
    losses = {}
    for precision in ("float32", "bf16"):
        train(make_spec(model=model, precision=precision, epochs=1), settings, tmp_path / precision)
        losses[precision] = read_history(tmp_path / precision)[0]["train/loss"]
    assert losses["bf16"] == pytest.approx(losses["float32"], rel=0.01)
    assert losses["bf16"] != losses["float32"]


def test_weights_gradients_and_scores_stay_float32_under_bfloat16(
    settings: TrialSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, forward = set(), CNN1D.forward

    def watched(self: CNN1D, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits, embedding = forward(self, batch)
        seen.add((self.training, logits.dtype, self.head.weight.dtype))
        return logits, embedding

    monkeypatch.setattr(CNN1D, "forward", watched)
    train(make_spec(precision="bf16", epochs=1), settings, tmp_path)
    assert seen == {(True, torch.bfloat16, torch.float32), (False, torch.float32, torch.float32)}


def test_the_layout_of_pictures_changes_rounding_alone(settings: TrialSettings, tmp_path: Path) -> None:
    losses = []
    for channels_last in (False, True):
        spec = make_spec(model="cnn2d", channels_last=channels_last, epochs=1)
        train(spec, settings, tmp_path / spec.name)
        losses.append(read_history(tmp_path / spec.name)[0]["train/loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_trial_keeps_its_features_within_its_share_of_the_gpu(
    settings: TrialSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = []
    monkeypatch.setattr(batches, "_copy_if_it_fits", lambda features, device, share: shares.append(share))
    train(make_spec(epochs=1), dataclasses.replace(settings, gpu_share=0.25), tmp_path)
    assert shares == [0.25]


def test_a_confirm_trial_measures_its_fit_and_a_tune_trial_does_not(settings: TrialSettings, tmp_path: Path) -> None:
    train(make_spec(epochs=4), settings, tmp_path / "confirm")
    train(make_spec(epochs=4, phase="tune"), settings, tmp_path / "tune")
    found, tuned = read_result(tmp_path / "confirm"), read_result(tmp_path / "tune")
    assert found is not None
    assert tuned is not None
    assert found.best_epoch is not None
    assert set(found.measures) == set(MEASURES)
    chosen = read_history(tmp_path / "confirm")[found.best_epoch - 1]
    assert found.measures["valid_bce"] == chosen["valid/loss"]
    assert found.measures["valid_pr_auc"] == chosen["valid/pr_auc"]
    assert tuned.measures == {}


def test_the_silhouette_before_training_is_the_seeds_and_the_networks_alone(
    settings: TrialSettings, tmp_path: Path
) -> None:
    found = {}
    for name, changes in {"short": {}, "long": {"epochs": 4, "loss": "bce_supcon"}, "other": {"seed": 4}}.items():
        result = read_result(train(make_spec(**{"epochs": 1, **changes}), settings, tmp_path / name))
        assert result is not None
        found[name] = (result.measures["silhouette_before"], result.measures["silhouette_after"])
    assert found["short"][0] == found["long"][0] != found["other"][0]
    assert found["short"][1] != found["long"][1]


def test_a_record_from_before_there_were_measures_is_readable(undisturbed: Path, tmp_path: Path) -> None:
    content = json.loads((undisturbed / "record.json").read_text())
    del content["measures"]
    (tmp_path / "record.json").write_text(json.dumps(content))
    result = read_result(tmp_path)
    assert result is not None
    assert result.measures == {}

"""One trial from top to bottom: a network trained epoch by epoch, validated, checkpointed, and scored at its end.

`run_trial` is a generator of history rows (records.HISTORY_COLUMNS). A row is yielded when everything it stands for is
on disk: checkpoint, history.json, per_tag.npz and draws.npz. So a trial may be killed at any moment; called again on
its folder it yields the rows it has and goes on as if nothing had happened, bit for bit.

Conventions: an epoch is as many draws as the training split has clips, for every sampler. The validation loss is binary
cross-entropy for every loss, so that it compares between them. train/loss is the mean over the epoch's draws while the
network changes. lr is that of the epoch's last step. Only the confirm phase (spec.phase) touches the test split.
"""

import hashlib
import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tagsearch import __version__
from tagsearch.data.batches import Chunks, Ints, batch_edges, random_starts
from tagsearch.data.features import open_features
from tagsearch.errors import TrialDivergedError
from tagsearch.files import write_bytes
from tagsearch.readings import note_read
from tagsearch.records import (
    FINAL,
    SPLITS,
    State,
    TrialSpec,
    chosen_epoch,
    read_history,
    read_result,
    write_draws,
    write_history,
    write_scores,
)
from tagsearch.study.trained_by import note_trained_by, trained_by
from tagsearch.training import arithmetic, checkpoint
from tagsearch.training.components import component
from tagsearch.training.evaluate import clip_logits, clip_outputs, cross_entropy
from tagsearch.training.measures import measure
from tagsearch.training.metrics import Metrics, macro, per_tag_metrics
from tagsearch.training.outcome import end_trial, tidy, weights_file
from tagsearch.training.schedules import Schedule
from tagsearch.training.seeding import TrialRandom
from tagsearch.training.settings import TrialSettings
from tagsearch.training.trial_data import check_corpus, open_corpus

__all__ = ["TrialSettings", "run_trial"]

Row = Mapping[str, float]


def run_trial(spec: TrialSpec, settings: TrialSettings, folder: Path) -> Iterator[Row]:
    """Train the trial in `folder` and write its record; see the module. A trial that has ended only yields its rows.

    A NaN or infinite loss ends it as DIVERGED. Raises CorpusError if the corpus does not allow it; any other exception
    is the caller's to record as FAILED."""
    ended = read_result(folder)
    if ended is not None:
        tidy(folder, keep_weights=ended.state is State.COMPLETED)  # it may have been killed just before doing so
        yield from read_history(folder)
        return

    note_trained_by(folder, trained_by(spec.config, device=settings.device))
    trial = _Trial(spec, settings, folder)
    trial.resume()
    yield from trial.history
    try:
        while (stop_reason := trial.stop_reason()) is None:
            trial.run_epoch()
            trial.save()
            yield trial.history[-1]
    except TrialDivergedError as divergence:
        end_trial(folder, settings, state=State.DIVERGED, stop_reason=str(divergence), **trial.whereabouts)
        return
    facts = trial.score() if spec.phase == "confirm" else {}
    end_trial(folder, settings, state=State.COMPLETED, stop_reason=stop_reason, **trial.whereabouts, **facts)


class _Trial:
    """A trial under way: its parts, and what changes from epoch to epoch."""

    def __init__(self, spec: TrialSpec, settings: TrialSettings, folder: Path) -> None:
        self.spec, self.settings, self.folder = spec, settings, folder
        self.device = torch.device(settings.device)
        self.history: list[Row] = []
        self.per_tag: list[Metrics] = []
        self.best_weights: dict[str, torch.Tensor] = {}
        self.snapshots: dict[str, str] = {}  # name -> hash of its weights file

        self.corpus = open_corpus(settings.corpus)
        self.rows = {split: self.corpus.rows(split) for split in SPLITS}
        train_labels = self.corpus.labels[self.rows["train"]]
        self.train_labels = torch.from_numpy(train_labels).float().to(self.device)
        self.draws = np.zeros(len(train_labels), np.int64)  # of each training clip, so far
        self.batches = batch_edges(len(train_labels), int(spec.config["batch_size"]))

        config = spec.config
        self.random = TrialRandom(spec.seed, self.device)
        self.model = self.new_network(self.random)
        features = open_features(settings.features)
        assert features.front_end == self.model.front_end, "the features are another model's"
        self.chunk_seconds = float(self.model.chunk_seconds)
        n_frames = features.front_end.frames(self.chunk_seconds)
        n_needed = 1 if settings.repeat_short else n_frames
        check_corpus(self.corpus, features, n_needed, model=str(config["model"]))
        self.chunks = Chunks(features, n_frames=n_frames, device=self.device, gpu_share=settings.gpu_share)

        self.loss = component("loss", config)
        self.loss.begin(train_counts=self.corpus.train_counts, n_clips=len(train_labels))
        self.sampler = component("sampler", config)
        self.sampler.begin(labels=train_labels)
        self.augment = component("augment", config)
        optimizer = component("optimizer", config, self.model.parameters(), lr=config["lr"])
        self.schedule: Schedule = component("schedule", config)
        self.schedule.begin(optimizer, model=self.model, n_steps=len(self.batches) * spec.epochs)

    def new_network(self, random: TrialRandom) -> Any:
        """With initial weights drawn from `random`."""
        config = self.spec.config
        with random.active():
            network = component("model", config, n_tags=len(self.corpus.tags))
        return arithmetic.laid_out(network, channels_last=bool(config["channels_last"])).to(self.device)

    # --- an epoch ----------------------------------------------------------------------------------------------------

    def run_epoch(self) -> None:
        """Raises TrialDivergedError if a loss or metric is NaN or infinite; the epoch leaves nothing behind then."""
        epoch, begun = len(self.history) + 1, time.perf_counter()
        self.loss.on_epoch(epoch, self.spec.epochs)
        self.sampler.on_epoch(epoch, self.spec.epochs)
        drawn = self.sampler.draw(len(self.draws), self.random.order)
        with self.random.active():
            train_loss = _finite("train/loss", self.train(drawn))
            train_seconds, lr = time.perf_counter() - begun, self.schedule.lr
            valid, per_tag = self.validate()
        self.per_tag.append(per_tag)
        self.draws += np.bincount(drawn, minlength=len(self.draws))
        row = {"epoch": epoch, "train/loss": train_loss, **valid, "lr": lr, "clips_drawn": len(drawn)}
        row["audio_seconds"] = len(drawn) * self.chunk_seconds
        self.history.append(row | {"train_seconds": train_seconds, "seconds": time.perf_counter() - begun})
        self.keep_weights()
        self.schedule.on_epoch(valid["valid/loss"])  # may put other weights in their place

    def train(self, drawn: Ints) -> float:
        """One epoch of steps over the drawn rows of the training split; the mean loss."""
        clips, labels = self.rows["train"][drawn], self.train_labels[torch.from_numpy(drawn).to(self.device)]
        starts = random_starts(self.chunks.features.n_frames[clips], self.chunks.n_frames, self.random.crops)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        optimizer = self.schedule.optimizer
        self.model.train()
        for begin, end in self.batches:
            batch = self.chunks.gather(clips[begin:end], starts[begin:end])
            batch, answers = self.augment(batch, labels[begin:end])
            optimizer.zero_grad()
            with arithmetic.forward_pass(self.device, str(self.spec.config["precision"])):
                logits, embedding = self.model(batch)
            loss = self.loss(logits.float(), embedding.float(), answers)
            loss.backward()
            if max_norm := float(self.spec.config["clip_grad_norm"]):
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), max_norm)
            optimizer.step()
            self.schedule.on_batch()
            total += loss.detach() * (end - begin)  # stays on the device: reading it would wait for every step
        return float(total) / len(drawn)

    def validate(self) -> tuple[dict[str, float], Metrics]:
        """The validation columns of a row, and the values per tag."""
        logits = clip_logits(self.model, self.chunks, self.rows["valid"])
        labels = self.corpus.labels[self.rows["valid"]]
        loss = _finite("valid/loss", cross_entropy(logits, labels))
        metrics = per_tag_metrics(logits, labels)
        roc_auc, n_undefined = macro(metrics.roc_auc)
        pr_auc, _ = macro(metrics.pr_auc)
        columns = {"valid/loss": loss, "valid/roc_auc": roc_auc, "valid/pr_auc": pr_auc}
        return columns | {"valid/n_undefined_tags": n_undefined}, metrics

    def keep_weights(self) -> None:
        """Those that the confirm phase will score: at the snapshots, and at the best epoch so far."""
        if self.spec.phase != "confirm":
            return
        epoch = len(self.history)
        weights = {name: value.cpu().clone() for name, value in self.model.state_dict().items()}
        if epoch in self.settings.snapshots:
            name, content = f"epoch{epoch}", checkpoint.to_bytes(weights)
            write_bytes(weights_file(self.folder, name), content, durable=True)
            self.snapshots[name] = hashlib.sha256(content).hexdigest()
        if self.chosen_epoch == epoch:
            self.best_weights = weights

    @property
    def chosen_epoch(self) -> int:
        """The epoch whose weights the checkpoint rule takes, as of now."""
        return chosen_epoch(self.history, objective=self.settings.objective, checkpoint=self.settings.checkpoint)

    # --- between epochs ----------------------------------------------------------------------------------------------

    def stop_reason(self) -> str | None:
        """Why the trial is complete; None while it is not."""
        stop, n_done = self.settings.stop, len(self.history)
        if n_done >= self.spec.epochs:
            return "budget"
        if stop.patience is not None and n_done:
            best = chosen_epoch(self.history, objective=self.settings.objective, checkpoint="best")
            if n_done - best >= stop.patience:
                return "patience"
        if stop.min_lr is not None and n_done and self.schedule.lr < stop.min_lr:
            return "min_lr"
        return None

    @property
    def identity(self) -> str:
        return f"{self.spec.phase} {self.spec.name} {self.corpus.fingerprint} {self.settings.device}"

    def save(self) -> None:
        state = {
            "identity": self.identity,
            "model": self.model.state_dict(),
            "schedule": self.schedule.state_dict(),
            "optimizer": self.schedule.optimizer.state_dict(),
            "random": self.random.state_dict(),
            "best_weights": self.best_weights,
            "snapshots": self.snapshots,
            "draws": torch.from_numpy(self.draws),
            "history": json.dumps(self.history),
            "per_tag": {name: torch.from_numpy(values) for name, values in self.per_tag_arrays().items()},
        }
        checkpoint.save(self.folder, state)
        self.write_history()

    def resume(self) -> None:
        """Take up the folder's checkpoint, if there is one."""
        state = checkpoint.load(self.folder, identity=self.identity)
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        self.schedule.load_state_dict(state["schedule"])
        self.schedule.optimizer.load_state_dict(state["optimizer"])
        self.random.load_state_dict(state["random"])
        self.best_weights = state["best_weights"]
        self.snapshots = state["snapshots"]
        self.draws = state["draws"].numpy()
        self.history = json.loads(state["history"])
        per_tag = zip(*(state["per_tag"][name].numpy() for name in ("roc_auc", "pr_auc")), strict=True)
        self.per_tag = [Metrics(roc_auc=roc_auc, pr_auc=pr_auc) for roc_auc, pr_auc in per_tag]
        self.write_history()  # the kill may have come between the two

    def write_history(self) -> None:
        write_history(self.folder, self.history, self.per_tag_arrays())
        write_draws(self.folder, self.draws, self.corpus.labels[self.rows["train"]])

    def per_tag_arrays(self) -> dict[str, Any]:
        """float32 (n_epochs, n_tags)."""
        return {name: np.array([getattr(m, name) for m in self.per_tag], np.float32) for name in ("roc_auc", "pr_auc")}

    # --- the end -----------------------------------------------------------------------------------------------------

    def score(self) -> dict[str, Any]:
        """Score the validation and test clips with every kept checkpoint, and measure the final one; what the record
        says of them."""
        epochs = {FINAL: self.chosen_epoch} | {
            f"epoch{n}": n for n in self.settings.snapshots if n <= len(self.history)
        }
        write_bytes(weights_file(self.folder, FINAL), checkpoint.to_bytes(self.best_weights), durable=True)
        scores, hashes = {}, {}
        for name in reversed(epochs):  # the final one last: its weights stay for the measures
            content = weights_file(self.folder, name).read_bytes()
            hashes[name] = hashlib.sha256(content).hexdigest()
            self.model.load_state_dict(checkpoint.from_bytes(content))
            with self.random.active():
                valid = clip_outputs(self.model, self.chunks, self.rows["valid"])
                scores[f"valid/{name}"] = valid.logits
                note_read(self.folder, split="test", checkpoint=name, weights_sha256=hashes[name])
                scores[f"test/{name}"] = clip_logits(self.model, self.chunks, self.rows["test"])
        initial = self.new_network(TrialRandom(self.spec.seed, self.device))  # as before the first epoch
        with self.random.active():
            measures = measure(self.model, initial, valid, chunks=self.chunks, corpus=self.corpus)
        scores_sha256 = write_scores(self.folder, scores)
        return {
            "checkpoints": epochs,
            "weights_sha256": hashes,
            "scores_sha256": scores_sha256,
            "measures": measures,
        }

    @property
    def whereabouts(self) -> dict[str, str]:
        """By what the trial was trained."""
        is_cuda = self.device.type == "cuda"
        device = torch.cuda.get_device_name(self.device) if is_cuda else self.device.type
        return {"device": device, "tagsearch": __version__}


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise TrialDivergedError(f"{value} in {name}")
    return value

"""Step efficiency: how much of a trial's training time is training.

    python benchmarks/step_efficiency.py [--models cnn1d cnn2d] [--rounds 9] [--clips 160]

efficiency = (bare forward + backward + step on one fixed batch) / (time per training step in a real trial), so drawing
clips, gathering crops from the feature cache, converting them and the schedule are the rest to 1. Aim: >= 0.95.
The audio is noise (8 s clips), as content does not matter here. Bare steps and epochs of the trial take turns and the
median ratio of neighbours is printed. Both are timed in CPU seconds of one torch thread, which other load on the
machine disturbs least; they are the wall seconds of an idle one, as the page cache holds the features.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import soundfile
import torch

from tagsearch import registry
from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.features import write_view
from tagsearch.data.store import prepare
from tagsearch.losses.bce import BCE
from tagsearch.records import Config, CorpusTable, TrialSpec
from tagsearch.study.schema import Stop
from tagsearch.training.components import component
from tagsearch.training.loop import run_trial
from tagsearch.training.settings import TrialSettings

N_TAGS, SECONDS, RATE, BATCH = 50, 8, 16_000, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["cnn1d", "cnn2d"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--clips", type=int, default=160)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cpu_seconds = mock.patch.object(time, "perf_counter", time.process_time)  # the clock of the trial's rows too
    with tempfile.TemporaryDirectory() as folder, cpu_seconds:
        corpus = noise_corpus(Path(folder), arguments.clips)
        print(f"{'model':8} {'bare ms':>9} {'trial ms':>9} {'efficiency':>11}")
        for model in arguments.models:
            bare, trial, ratio = measure(corpus, Path(folder), model, arguments.rounds)
            print(f"{model:8} {bare:9.2f} {trial:9.2f} {ratio:11.3f}")
            print(json.dumps({"model": model, "bare_ms": bare, "trial_ms": trial, "efficiency": ratio}))


def measure(corpus: OpenCorpus, folder: Path, model: str, n_rounds: int) -> tuple[float, float, float]:
    """Median milliseconds of a bare step and of a trial's step, and the median of their ratios."""
    config = baseline(model)
    network = component("model", config, n_tags=N_TAGS)
    prepared = prepare(corpus, network.front_end, cache=folder, progress=lambda *_: None)
    settings = TrialSettings(
        corpus=folder / "corpus.npz",
        features=write_view(prepared, corpus.table),
        objective="valid/pr_auc",
        checkpoint="last",
        stop=Stop(),
        snapshots=(),
        device="cpu",
    )
    spec = TrialSpec(phase="tune", arm=model, index=0, seed=1, config=config)
    epochs = run_trial(spec, settings, folder / model)
    steps = bare_steps(network, config, len(corpus.table.rows("train")) // BATCH)
    next(epochs), next(steps)  # warm: memory pools, page cache, kernels chosen
    rounds = [(next(steps), next(epochs)["train_seconds"]) for _ in range(n_rounds)]
    per_step = 1e3 / (len(corpus.table.rows("train")) // BATCH)
    bare, trial = (statistics.median(column) * per_step for column in zip(*rounds, strict=True))
    return bare, trial, statistics.median(b / t for b, t in rounds)


def bare_steps(network: torch.nn.Module, config: Config, n: int) -> Iterator[float]:
    """Seconds that n steps on a fixed batch take, again and again."""
    frames = network.front_end.frames(network.chunk_seconds)  # type: ignore[operator, union-attr]
    batch, labels = 20 * torch.randn(BATCH, 96, frames) - 20, (torch.rand(BATCH, N_TAGS) < 0.06).float()
    optimizer = component("optimizer", config, network.parameters(), lr=config["lr"])
    loss_function = BCE(smoothing=0.0)
    while True:
        begun = time.perf_counter()
        for _ in range(n):
            optimizer.zero_grad()
            logits, embedding = network(batch)
            loss_function(logits, embedding, labels).backward()
            optimizer.step()
        yield time.perf_counter() - begun


def baseline(model: str) -> Config:
    """The registry's defaults with that model."""
    chosen = registry.DEFAULT_COMPONENTS | {"model": model}
    entries = {kind: registry.entry(kind, name) for kind, name in chosen.items()}
    knobs = {f"{kind}.{name}": knob.default for kind, entry in entries.items() for name, knob in entry.knobs.items()}
    training = {name: knob.default for name, knob in registry.TRAINING.items()}
    return {**chosen, **knobs, **training, "lr": 1e-3, "epochs": 1000, "batch_size": BATCH}


def noise_corpus(folder: Path, n_train: int) -> OpenCorpus:
    generator = np.random.default_rng(0)
    n = n_train + 20
    ids = np.arange(n)
    table = CorpusTable(
        name="noise",
        fingerprint=f"noise-{n}",
        tags=tuple(f"tag {i}" for i in range(N_TAGS)),
        clip_ids=ids,
        paths=np.array([f"{i}.wav" for i in range(n)]),
        songs=ids.astype(np.int32),
        albums=ids.astype(np.int32),
        artists=ids.astype(np.int32),
        splits=np.repeat([0, 1, 2], [n_train, 10, 10]).astype(np.int8),
        labels=(generator.random((n, N_TAGS)) < 0.2).astype(np.uint8),
    )
    table.save(folder / "corpus.npz")
    for path in table.paths.tolist():
        soundfile.write(folder / path, generator.uniform(-0.1, 0.1, SECONDS * RATE), RATE)
    return OpenCorpus(table=table, root=folder, sample_rate=RATE)


if __name__ == "__main__":
    main()

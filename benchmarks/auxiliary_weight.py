"""How much a metric loss should count beside the cross-entropy.

    python benchmarks/auxiliary_weight.py gradients [--loss bce_supcon] [--epochs 0 1 10]
    python benchmarks/auxiliary_weight.py scores [--loss bce_supcon] [--weights 0 0.01 0.5] [--epochs 16] [--seeds 3]

gradients: norm of the second term's gradient over that of the cross-entropy, on the embedding and on the layers before
the head, mean over 20 batches of 16 clips, after so many epochs of cross-entropy alone.
scores: the same trials at equal seeds with each weight, and their best valid PR AUC. Weight 0 is plain cross-entropy.
Both train cnn1d with Adam on the built-in corpus.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from precision import on_builtin, with_adam

from tagsearch.data.batches import Chunks, random_starts
from tagsearch.data.features import open_features
from tagsearch.losses.bce import BCE
from tagsearch.records import Config, CorpusTable, TrialSpec
from tagsearch.registry import entry
from tagsearch.training.components import component
from tagsearch.training.loop import run_trial
from tagsearch.training.settings import TrialSettings

MODEL, BATCH, N_MEASURED, LR = "cnn1d", 16, 20, 3e-3

Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("gradients", "scores"))
    parser.add_argument("--loss", choices=("bce_triplet", "bce_supcon"), default="bce_supcon")
    parser.add_argument("--weights", type=float, nargs="+", default=[0.0, 0.01, 0.02, 0.05, 0.1, 0.5])
    parser.add_argument("--epochs", type=int, nargs="+", help="gradients: 0 1 10; scores: one number, 16")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--size", choices=("small", "full"), default="full")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        settings = on_builtin(MODEL, arguments.size, cache=arguments.cache, folder=Path(folder))
        if arguments.what == "gradients":
            gradients(arguments.loss, settings, arguments.epochs or [0, 1, 10])
        else:
            (n_epochs,) = arguments.epochs or [16]
            scores(arguments.loss, settings, Path(folder), arguments.weights, n_epochs, arguments.seeds)


def gradients(loss: str, settings: TrialSettings, epochs: list[int]) -> None:
    config = configured(loss, weight=1.0)
    torch.manual_seed(0)
    corpus, generator = CorpusTable.load(settings.corpus), np.random.default_rng(0)
    network, plain, both = (
        component("model", config, n_tags=len(corpus.tags)),
        BCE(smoothing=0),
        component("loss", config),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=LR)
    before_head = [value for name, value in network.named_parameters() if not name.startswith("head")]
    for epoch in range(max(epochs) + 1):
        if epoch in epochs:
            ratios = []
            for _, (chunks, labels) in zip(range(N_MEASURED), batches(corpus, settings, generator), strict=False):
                logits, embedding = network(chunks)
                first = plain(logits, embedding, labels)
                second = both(logits, embedding, labels) - first
                ratios.append([norm(second, at) / norm(first, at) for at in ([embedding], before_head)])
            embedded, below = (round(statistics.mean(column), 1) for column in zip(*ratios, strict=True))
            print(json.dumps({"loss": loss, "epochs": epoch, "embedding": embedded, "before_head": below}), flush=True)
        for chunks, labels in batches(corpus, settings, generator):
            optimizer.zero_grad()
            plain(*network(chunks), labels).backward()
            optimizer.step()


def norm(loss: torch.Tensor, at: list[torch.Tensor]) -> float:
    """Of the gradient at these tensors."""
    found = torch.autograd.grad(loss, at, retain_graph=True)
    return float(torch.cat([gradient.flatten() for gradient in found]).norm())


def batches(corpus: CorpusTable, settings: TrialSettings, generator: np.random.Generator) -> Batches:
    """An epoch of the training split."""
    features, rows = open_features(settings.features), generator.permutation(corpus.rows("train"))
    chunks = Chunks(features, n_frames=features.front_end.frames(3.0), device=torch.device("cpu"))
    for begin in range(0, len(rows) - BATCH + 1, BATCH):
        clips = rows[begin : begin + BATCH]
        starts = random_starts(features.n_frames[clips], chunks.n_frames, generator)
        yield chunks.gather(clips, starts), torch.from_numpy(corpus.labels[clips]).float()


def scores(loss: str, settings: TrialSettings, folder: Path, weights: list[float], n_epochs: int, n_seeds: int) -> None:
    for weight in weights:
        best = []
        for seed in range(1, n_seeds + 1):
            config = {**configured(loss, weight=weight), "lr": LR, "epochs": n_epochs}
            spec = TrialSpec(phase="tune", arm=loss, index=0, seed=seed, config=config)
            best.append(max(row["valid/pr_auc"] for row in run_trial(spec, settings, folder / spec.name)))
        print(json.dumps({"loss": loss, "weight": weight, "best": [round(value, 4) for value in best]}), flush=True)


def configured(loss: str, *, weight: float) -> Config:
    plain = {name: value for name, value in with_adam(MODEL).items() if not name.startswith("loss")}
    knobs = {f"loss.{name}": knob.default for name, knob in entry("loss", loss).knobs.items()}
    return {**plain, **knobs, "loss": loss, "loss.weight": weight}


if __name__ == "__main__":
    main()

"""What keeping features as float16 instead of float32 does to scores.

    python benchmarks/feature_precision.py [--cache runs/cache] [--size small] [--epochs 10]

Trains the baseline network on the built-in corpus, scores its validation and test clips from the cache (float16) and
from the same log-mels in float32, and prints the largest and the mean difference of a clip's logit, and that of the
macro scores. The figures in tagsearch/data/features.py come from here.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch

from tagsearch import registry
from tagsearch.data.audio import read_audio
from tagsearch.data.batches import Chunks
from tagsearch.data.compute import LogMelBlocks
from tagsearch.data.corpus import OpenCorpus, open_corpus
from tagsearch.data.features import Features, open_features, write_view
from tagsearch.data.frontend import LogMel
from tagsearch.data.store import prepare
from tagsearch.records import Config, TrialSpec
from tagsearch.study.schema import Stop
from tagsearch.training import checkpoint
from tagsearch.training.components import component
from tagsearch.training.evaluate import clip_logits
from tagsearch.training.loop import run_trial
from tagsearch.training.metrics import macro, per_tag_metrics
from tagsearch.training.outcome import weights_file
from tagsearch.training.settings import TrialSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    corpus = open_corpus({"corpus": "builtin", "size": arguments.size}, cache=arguments.cache, progress=lambda *_: None)
    model, half = trained(corpus, arguments.cache, arguments.epochs)
    single = in_single_precision(corpus, half.front_end)
    for split in ("valid", "test"):
        rows = corpus.table.rows(split)
        n_frames = half.front_end.frames(model.chunk_seconds)  # type: ignore[arg-type]
        logits, macros = [], []
        for features in (half, single):
            chunks = Chunks(features, n_frames=n_frames, device=torch.device("cpu"))
            logits.append(clip_logits(model, chunks, rows))
            metrics = per_tag_metrics(logits[-1], corpus.table.labels[rows])
            macros.append((macro(metrics.roc_auc)[0], macro(metrics.pr_auc)[0]))
        change = np.abs(logits[0] - logits[1])
        result = {"split": split, "n_clips": len(rows), "largest": float(change.max()), "mean": float(change.mean())}
        result |= {"roc_auc": macros[0][0] - macros[1][0], "pr_auc": macros[0][1] - macros[1][1]}
        print(json.dumps(result | {"roc_auc_float16": macros[0][0], "pr_auc_float16": macros[0][1]}))


def trained(corpus: OpenCorpus, cache: Path, epochs: int) -> tuple[torch.nn.Module, Features]:
    """The baseline after some epochs of Adam (plain SGD would hardly have begun), and the features it heard."""
    config = baseline(epochs)
    model: torch.nn.Module = component("model", config, n_tags=len(corpus.table.tags))
    prepared = prepare(corpus, model.front_end, cache=cache, progress=lambda *_: None)  # type: ignore[arg-type]
    view = write_view(prepared, corpus.table)
    with tempfile.TemporaryDirectory() as trial:
        corpus.table.save(Path(trial) / "corpus.npz")
        settings = TrialSettings(
            corpus=Path(trial) / "corpus.npz",
            features=view,
            objective="valid/pr_auc",
            checkpoint="last",
            stop=Stop(),
            snapshots=(),
            device="cpu",
        )
        spec = TrialSpec(phase="confirm", arm="baseline", index=0, seed=1, config=config)
        for _ in run_trial(spec, settings, Path(trial)):
            pass
        model.load_state_dict(checkpoint.from_bytes(weights_file(Path(trial), "final").read_bytes()))
    return model, open_features(view)


def baseline(epochs: int) -> Config:
    chosen = registry.DEFAULT_COMPONENTS | {"optimizer": "adam"}
    entries = {kind: registry.entry(kind, name) for kind, name in chosen.items()}
    knobs = {f"{kind}.{name}": knob.default for kind, entry in entries.items() for name, knob in entry.knobs.items()}
    training = {name: knob.default for name, knob in registry.TRAINING.items()}
    return {**chosen, **knobs, **training, "lr": 1e-3, "epochs": epochs, "batch_size": 16}


def in_single_precision(corpus: OpenCorpus, front_end: LogMel) -> Features:
    """The features of the validation and test clips, computed anew and never rounded; training clips are left empty."""
    single = LogMelBlocks(front_end)
    blocks = [np.empty((front_end.n_rows, 0), np.float32)] * len(corpus.table.paths)
    for row in np.flatnonzero(corpus.table.splits > 0):
        path = corpus.root / corpus.table.paths[row]
        blocks[row] = single.unrounded(read_audio(path, front_end.sample_rate, npy_rate=corpus.sample_rate))
    return Features(front_end=front_end, blocks=blocks, n_frames=np.array([block.shape[1] for block in blocks]))


if __name__ == "__main__":
    main()

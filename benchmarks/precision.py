"""What bfloat16 and channels_last bring in training, and what bfloat16 does to scores.

    python benchmarks/precision.py speed [--rounds 9]
    python benchmarks/precision.py scores [--models cnn1d cnn2d] [--size small] [--epochs 20] [--seeds 3]

speed: forward + backward + step on one fixed batch of 16 chunks, in CPU seconds of one torch thread. The four ways take
turns, and the median ratio of neighbours to the plain way (float32, contiguous) is printed.
scores: the same trials of the built-in corpus at equal seeds in float32 and in bf16, and their valid PR AUC: the
best, and the mean of the last epochs. Both are scored in float32. Beside the difference one sees how far seeds differ.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
from step_efficiency import BATCH, N_TAGS, baseline

from tagsearch.data.corpus import open_corpus
from tagsearch.data.features import write_view
from tagsearch.data.store import prepare
from tagsearch.losses.bce import BCE
from tagsearch.records import TrialSpec
from tagsearch.registry import Scalar, entry
from tagsearch.study.schema import Stop
from tagsearch.training.arithmetic import DTYPES, forward_pass, laid_out
from tagsearch.training.components import component
from tagsearch.training.loop import run_trial
from tagsearch.training.settings import TrialSettings

MODELS = (("cnn1d", 16), ("cnn1d", 64), ("cnn2d", 16), ("cnn2d", 64))
TRAINED = {"cnn1d": 32, "cnn2d": 16, "short_chunk_res": 8}  # widths of the CPU profiles
STEPS = 4  # a round
LAST = 5  # epochs whose mean is less noisy than the best one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "scores"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--models", nargs="+", choices=list(TRAINED), default=list(TRAINED))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--size", choices=("small", "full"), default="small")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.what == "speed":
        for model, width in MODELS:
            speed(model, width, arguments.rounds)
        return
    for model in arguments.models:
        scores(model, TRAINED[model], arguments)


def speed(model: str, width: int, n_rounds: int) -> None:
    ways = {(precision, last): steps(model, width, precision, last) for precision in DTYPES for last in (False, True)}
    for way in ways.values():
        next(way)  # warm: memory pools, kernels chosen
    rounds = [{name: next(way) for name, way in ways.items()} for _ in range(n_rounds)]
    for precision, last in ways:
        ratio = statistics.median(one["float32", False] / one[precision, last] for one in rounds)
        ms = 1e3 * statistics.median(one[precision, last] for one in rounds) / STEPS
        facts = {"model": model, "width": width, "precision": precision, "channels_last": last}
        print(json.dumps(facts | {"step_ms": round(ms, 1), "ratio": round(ratio, 2)}), flush=True)


def steps(model: str, width: int, precision: str, channels_last: bool) -> Iterator[float]:
    """CPU seconds that STEPS steps on a fixed batch take, again and again."""
    config = baseline(model) | {"model.width": width}
    network = laid_out(component("model", config, n_tags=N_TAGS), channels_last=channels_last)
    frames = network.front_end.frames(network.chunk_seconds)  # type: ignore[operator, union-attr]
    batch, labels = 20 * torch.randn(BATCH, 96, frames) - 20, (torch.rand(BATCH, N_TAGS) < 0.06).float()
    optimizer = component("optimizer", config, network.parameters(), lr=config["lr"])
    loss_function = BCE(smoothing=0.0)
    while True:
        begun = time.process_time()
        for _ in range(STEPS):
            optimizer.zero_grad()
            with forward_pass(batch.device, precision):
                logits, embedding = network(batch)
            loss_function(logits.float(), embedding.float(), labels).backward()
            optimizer.step()
        yield time.process_time() - begun


def scores(model: str, width: int, arguments: argparse.Namespace) -> None:
    config = with_adam(model) | {"model.width": width, "epochs": arguments.epochs}
    with tempfile.TemporaryDirectory() as folder:
        settings = on_builtin(model, arguments.size, cache=arguments.cache, folder=Path(folder))
        for seed in range(1, arguments.seeds + 1):
            told = {}
            for precision in DTYPES:
                changed = {**config, "precision": precision}
                spec = TrialSpec(phase="tune", arm=model, index=0, seed=seed, config=changed)
                curve = [row["valid/pr_auc"] for row in run_trial(spec, settings, Path(folder) / spec.name)]
                facts = {"best": max(curve), "last": statistics.mean(curve[-LAST:])}
                told |= {f"{precision}_{name}": round(value, 4) for name, value in facts.items()}
            print(json.dumps({"model": model, "width": width, "seed": seed} | told), flush=True)


def with_adam(model: str) -> dict[str, Scalar]:
    """The defaults, but Adam, which learns something in few epochs."""
    plain = {name: value for name, value in baseline(model).items() if not name.startswith("optimizer")}
    knobs = {f"optimizer.{name}": knob.default for name, knob in entry("optimizer", "adam").knobs.items()}
    return plain | knobs | {"optimizer": "adam"}


def on_builtin(model: str, size: str, *, cache: Path, folder: Path) -> TrialSettings:
    """Settings of trials of `model` on the built-in corpus, whose table is put into `folder`."""
    corpus = open_corpus({"corpus": "builtin", "size": size}, cache=cache, progress=lambda *_: None)
    corpus.table.save(folder / "corpus.npz")
    prepared = prepare(corpus, entry("model", model).load().front_end, cache=cache, progress=lambda *_: None)
    return TrialSettings(
        corpus=folder / "corpus.npz",
        features=write_view(prepared, corpus.table),
        objective="valid/pr_auc",
        checkpoint="best",
        stop=Stop(),
        snapshots=(),
        device="cpu",
    )


if __name__ == "__main__":
    main()

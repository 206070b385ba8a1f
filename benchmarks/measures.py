"""What measuring a confirm trial's fit and separation costs: its share of the trial's CPU seconds.

    python benchmarks/measures.py [--cache runs/cache] [--size full] [--epochs 24] [--losses bce bce_triplet bce_supcon]

Prints the measures too, so that one sees what each loss does to the embedding.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import torch

sys.path.insert(0, str(Path(__file__).parent))
from precision import on_builtin, with_adam

from tagsearch.records import TrialSpec, read_result
from tagsearch.registry import entry
from tagsearch.training import loop
from tagsearch.training.measures import measure

MODEL = "cnn1d"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"))
    parser.add_argument("--size", choices=("small", "full"), default="full")
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--losses", nargs="+", default=["bce", "bce_triplet", "bce_supcon"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for loss in arguments.losses:
        cost(loss, arguments)


def cost(loss: str, arguments: argparse.Namespace) -> None:
    seconds = 0.0

    def timed(*given: Any, **named: Any) -> dict[str, float]:
        nonlocal seconds
        begun = time.process_time()
        found = measure(*given, **named)
        seconds = time.process_time() - begun
        return found

    plain = {name: value for name, value in with_adam(MODEL).items() if not name.startswith("loss")}
    knobs = {f"loss.{name}": knob.default for name, knob in entry("loss", loss).knobs.items()}
    config = plain | knobs | {"loss": loss, "lr": 3e-3, "epochs": arguments.epochs}
    spec = TrialSpec(phase="confirm", arm=loss, index=0, seed=1, config=config)
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(loop, "measure", timed):
        settings = on_builtin(MODEL, arguments.size, cache=arguments.cache, folder=Path(folder))
        begun = time.process_time()
        for _ in loop.run_trial(spec, settings, Path(folder) / "trial"):
            pass
        share = seconds / (time.process_time() - begun)
        result = read_result(Path(folder) / "trial")
    assert result is not None
    measures = {name: round(value, 3) for name, value in result.measures.items()}
    print(json.dumps({"loss": loss, "share": round(share, 4)} | measures), flush=True)


if __name__ == "__main__":
    main()

"""What a configuration costs on this machine: a few real epochs of a trial on random features, in a process of its own.

The trial is training.loop's, on a corpus of the real one's clip length and number of tags but with few clips, whose
blocks are random and partly the same. The first epoch warms up and is left out; of the others the quickest counts, as
whatever else runs on the machine can only slow one down. Nothing of a study's data is read.

Conventions: seconds per training step (with its share of an epoch's fixed costs) and per validation chunk. Memory on a
CPU: the most that the process ever held, torch itself and mapped features included. Memory on a GPU: the most that
torch reserved there, the copy of these few features included, and CUDA's own context. One process alone on the machine:
trials side by side share its memory's bandwidth and take somewhat longer.
"""

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import Any

from tagsearch.errors import RunFailedError
from tagsearch.records import Config
from tagsearch.registry import CorpusSize
from tagsearch.study.machine import memory_bytes
from tagsearch.study.measured import Measured
from tagsearch.study.plan import clip_chunks, forward_seconds, step_seconds
from tagsearch.study.speed import CPU_SPEED, GPU_SPEED

_SECONDS = 1.0  # that an epoch's training, and its validation, should take by the plan's estimate
_STEPS, _CHUNKS = (2, 20), (16, 512)  # at least, at most
_EPOCHS = 4
_BLOCKS = 32  # different ones; more rows than that share them
_TIMEOUT_S = 600.0
_CONTEXT_BYTES = 600_000_000  # of CUDA with cuDNN and its kernels, per process; about, by GPU and driver
_LR = 1e-4  # of no consequence for the cost; small, so that random labels do not make it diverge


def probe(
    configs: Mapping[str, Config], *, size: CorpusSize, device: str, repeat_short: bool, say: Callable[[str], None]
) -> dict[str, Measured]:
    """Each of `configs` measured, by its key. `size`: of the study's corpus; `say` gets a line before each.

    Raises RunFailedError if one cannot be trained."""
    found = {}
    for k, (key, config) in enumerate(configs.items(), start=1):
        say(f"probing {k} of {len(configs)}: {config['model']}, batches of {config['batch_size']}, on {device}")
        request = _request(config, size=size, device=device, repeat_short=repeat_short)
        found[key] = Measured(**_in_process(request, model=str(config["model"])))
    return found


def _request(config: Config, *, size: CorpusSize, device: str, repeat_short: bool) -> dict[str, Any]:
    """How many clips give an epoch of about the time wanted."""
    speed = GPU_SPEED if device == "cuda" else CPU_SPEED
    batch = min(int(config["batch_size"]), size.train)
    n_steps = _between(_STEPS, _SECONDS / step_seconds(config, speed))
    n_chunks = _between(_CHUNKS, _SECONDS / forward_seconds(config, speed))
    return {
        "config": {**config, "lr": _LR, "epochs": _EPOCHS},
        "device": device,
        "n_train": n_steps * batch,
        "n_valid": ceil(n_chunks / clip_chunks(config, (), clip_seconds=size.clip_seconds)),
        "clip_seconds": size.clip_seconds,
        "n_tags": size.n_tags,
        "repeat_short": repeat_short,
    }


def _between(limits: tuple[int, int], wanted: float) -> int:
    return max(limits[0], min(limits[1], round(wanted)))


def _in_process(request: Mapping[str, Any], *, model: str) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tagsearch.training.probe"],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise RunFailedError(
            f"the probe of model {model} took longer than {_TIMEOUT_S:.0f} s; plan without --probe, or make the model "
            "smaller"
        ) from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"its process ended with {done.returncode} (no memory?)"])[-1]
        raise RunFailedError(f"the probe of model {model} with {request['config']['batch_size']} clips failed: {last}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


# --- in the process of its own ----------------------------------------------------------------------------------------


def measure(request: Mapping[str, Any], folder: Path) -> Measured:
    """Train in `folder` what `_request` asks for."""
    from tagsearch.data.batches import batch_edges
    from tagsearch.records import TrialSpec
    from tagsearch.training.loop import run_trial

    config = request["config"]
    spec = TrialSpec(phase="tune", arm="probe", index=0, seed=0, config=config)
    rows = list(run_trial(spec, _settings(request, folder), folder / "trial"))[1:]
    if not rows:
        raise RunFailedError("it diverged at once")
    n_steps = len(batch_edges(request["n_train"], int(config["batch_size"])))
    n_chunks = request["n_valid"] * clip_chunks(config, (), clip_seconds=request["clip_seconds"])
    peak, total, name = _memory(request["device"])
    return Measured(
        seconds_per_step=min(row["train_seconds"] for row in rows) / n_steps,
        seconds_per_chunk=min(row["seconds"] - row["train_seconds"] for row in rows) / n_chunks,
        peak_bytes=peak,
        total_bytes=total,
        device=name,
        on_gpu=request["device"] == "cuda",
    )


def _settings(request: Mapping[str, Any], folder: Path) -> Any:
    """A random corpus and its features, in `folder`."""
    import numpy as np

    from tagsearch.data.features import write_random_view
    from tagsearch.records import CorpusTable
    from tagsearch.registry import model_entry
    from tagsearch.study.schema import Stop
    from tagsearch.training.settings import TrialSettings

    generator = np.random.default_rng(0)
    n_train, n_valid = request["n_train"], request["n_valid"]
    n = n_train + n_valid + 1
    ids = np.arange(n, dtype=np.int32)
    CorpusTable(
        name="probe",
        fingerprint="probe",
        tags=tuple(f"tag{k}" for k in range(request["n_tags"])),
        clip_ids=np.arange(n),
        paths=ids.astype(np.str_),
        songs=ids,
        albums=ids,
        artists=ids,
        splits=np.repeat(np.arange(3), [n_train, n_valid, 1]).astype(np.int8),
        labels=(generator.random((n, request["n_tags"])) < 0.3).astype(np.uint8),
    ).save(folder / "corpus.npz")
    front_end = model_entry(str(request["config"]["model"])).load().front_end
    n_frames = front_end.frames(request["clip_seconds"])
    view = write_random_view(folder / "features", front_end, n, n_frames=n_frames, n_blocks=_BLOCKS, rng=generator)
    return TrialSettings(
        corpus=folder / "corpus.npz",
        features=view,
        repeat_short=request["repeat_short"],
        objective="valid/pr_auc",
        checkpoint="last",
        stop=Stop(),
        snapshots=(),
        device=request["device"],
    )


def _memory(device: str) -> tuple[int, int, str]:
    """The peak of this process, what there is, and of what."""
    if device == "cuda":
        import torch

        total = int(torch.cuda.get_device_properties(0).total_memory)
        return torch.cuda.max_memory_reserved() + _CONTEXT_BYTES, total, torch.cuda.get_device_name(0)
    return _peak_rss(), memory_bytes(), "cpu"


def _peak_rss() -> int:
    """Bytes. Not by getrusage where the kernel tells more: that one counts the parent's memory at the fork, too."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """A request on standard input, what was measured as the last line of standard output."""
    from tagsearch.training.devices import use_one_thread

    use_one_thread()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asdict(measure(json.load(sys.stdin), Path(folder)))))


if __name__ == "__main__":
    main()

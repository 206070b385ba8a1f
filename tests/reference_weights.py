"""The reference networks of Won et al. 2020, from facts: names and shapes of their weights, and what they score.

golden_models.json holds, per network: the length of its input; `kept`, names of its front end's constants; `norms`, its
batch norms and their channels; `layers`, its convolutions and linear layers and their weight's shape; `other` tensors;
and `scores`, the 2 x 50 probabilities which the reference itself gave in evaluation mode for `audio` and `state`
(self_attention has none). Weights are noise, seeded by their name and scaled so that values neither vanish nor explode.
"""

import json
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.signal
import torch
import torchaudio

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden_models.json").read_text())
NORM_PARTS = ("weight", "bias", "running_mean", "running_var")


def audio(name: str) -> npt.NDArray[np.float32]:
    """(2, n_samples)."""
    noise = np.random.Generator(np.random.PCG64(20201122)).standard_normal((2, GOLDEN[name]["input_samples"]))
    return (0.1 * noise).astype(np.float32)


def scores(name: str) -> torch.Tensor:
    return torch.tensor(GOLDEN[name]["scores"])


def shapes(name: str) -> dict[str, list[int]]:
    """Of every tensor but the constants and the batch norms' counters."""
    facts = GOLDEN[name]
    norms = {f"{stem}.{part}": [n] for stem, n in facts["norms"].items() for part in NORM_PARTS}
    layers = {f"{stem}.weight": shape for stem, shape in facts["layers"].items()}
    biases = {f"{stem}.bias": shape[:1] for stem, shape in facts["layers"].items()}
    return norms | layers | biases | facts["other"]


def state(name: str, **other_shapes: list[int]) -> dict[str, torch.Tensor]:
    """A checkpoint of the network `name`, as the reference saves one."""
    counters = {f"{stem}.num_batches_tracked": torch.tensor(0) for stem in GOLDEN[name]["norms"]}
    weights = {key: _filled(key, shape) for key, shape in (shapes(name) | other_shapes).items()}
    return constants(name) | counters | weights


def constants(name: str) -> dict[str, torch.Tensor]:
    kept = GOLDEN[name]["kept"]
    window = torch.from_numpy(scipy.signal.get_window("hann", 512).astype(np.float32))
    found = {key: window for key in kept if key.endswith("window")}
    if "hstft.bw_Q" in kept:
        found["hstft.bw_Q"] = torch.ones(1)
    if "spec.mel_scale.fb" in kept:
        n_mels = 128 if name.startswith(("short_chunk", "self_attention")) else 96
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*has all zero values")  # the lowest of 128 bands
            found["spec.mel_scale.fb"] = torchaudio.transforms.MelScale(n_mels, 16_000, 0.0, 8_000.0, 257).fb
    return found


def _filled(key: str, shape: list[int]) -> torch.Tensor:
    noise = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode()))).standard_normal(shape)
    module, _, part = key.rpartition(".")
    if part == "running_mean":
        value = np.full(shape, -20.0) if module in ("spec_bn", "hstft_bn") else 0.1 * noise
    elif part == "running_var":
        value = np.full(shape, 100.0) if module in ("spec_bn", "hstft_bn") else np.abs(noise) + 0.5
    elif len(shape) == 1:
        value = 0.1 * noise + (part == "weight")
    else:
        value = noise * np.sqrt(2 / np.prod(shape[1:])) * (0.1 if shape[0] == 50 else 1.0)
    return torch.from_numpy(value.astype(np.float32))

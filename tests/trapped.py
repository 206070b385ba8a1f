"""Files as somebody else could have left them: unpickled, they would make a file called `sprung`."""

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch


class Trap:
    """What runs when it is unpickled is harmless, and shows."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.sprung,)


def pickled(sprung: Path) -> bytes:
    return pickle.dumps(Trap(sprung))


def npy(sprung: Path) -> bytes:
    """An array of one object, as numpy writes it."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([Trap(sprung)], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def npz(sprung: Path, names: list[str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as stored:
        for name in names:
            stored.writestr(f"{name}.npy", npy(sprung))
    return buffer.getvalue()


def weights(sprung: Path) -> bytes:
    """What torch.save writes of a dict that holds more than tensors."""
    buffer = io.BytesIO()
    torch.save({"weight": Trap(sprung)}, buffer)
    return buffer.getvalue()


def tune_state(sprung: Path) -> str:
    """Ray Tune's own snapshot of an experiment: JSON with pickles inside."""
    return json.dumps({"trial_data": {"_type": "CLOUDPICKLE_FALLBACK", "value": pickled(sprung).hex()}})

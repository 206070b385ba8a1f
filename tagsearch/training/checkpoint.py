"""A trial's state on disk between two epochs: replaced in one step, checked when read, never unpickled.

A file is a magic line, the CRC-32 of the rest (4 bytes, big-endian) and what torch.save wrote, read with
`weights_only=True`. The one before is kept: a damaged checkpoint costs an epoch, not the trial.
"""

import hashlib
import io
import logging
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tagsearch.files import write_bytes
from tagsearch.records import history_so_far
from tagsearch.training.outcome import CHECKPOINT, PREVIOUS_CHECKPOINT, weights_file

log = logging.getLogger(__name__)

_MAGIC = b"tagsearch checkpoint 1\n"


def save(folder: Path, state: Mapping[str, Any]) -> None:
    content = to_bytes(state)
    if (folder / CHECKPOINT).exists():
        (folder / CHECKPOINT).replace(folder / PREVIOUS_CHECKPOINT)
    write_bytes(folder / CHECKPOINT, _MAGIC + zlib.crc32(content).to_bytes(4, "big") + content)


def load(folder: Path, *, identity: str) -> dict[str, Any] | None:
    """The newest undamaged checkpoint whose "identity" is the one given and whose "snapshots", hashes of weights files
    by name, are still in the folder; None if there is none, and the trial starts anew. What is passed over is
    logged."""
    for name in (CHECKPOINT, PREVIOUS_CHECKPOINT):
        if not (folder / name).exists():
            continue
        state = _read(folder / name)
        if state is None:
            log.warning("%s is damaged; going back to the one before", folder / name)
        elif state.get("identity") != identity:
            log.warning("%s belongs to another trial (%s); it is not used", folder / name, state.get("identity"))
        elif lost := _lost(folder, state.setdefault("snapshots", {})):  # older checkpoints name none
            log.warning("%s is missing or damaged, and %s needs it", lost, name)
        else:
            return state
    if history_so_far(folder):
        log.warning("%s has no usable checkpoint; the trial starts anew", folder)
    return None


def _lost(folder: Path, snapshots: Mapping[str, str]) -> Path | None:
    """The first weights file that is not what it was."""
    for name, sha256 in snapshots.items():
        path = weights_file(folder, name)
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            return path
    return None


def to_bytes(content: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def from_bytes(content: bytes) -> dict[str, Any]:
    """Tensors come back on the CPU, wherever they were."""
    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state


def _read(path: Path) -> dict[str, Any] | None:
    """None if the file is damaged."""
    content = path.read_bytes()
    head, body = content[: len(_MAGIC) + 4], content[len(_MAGIC) + 4 :]
    if head != _MAGIC + zlib.crc32(body).to_bytes(4, "big"):
        return None
    return from_bytes(body)

"""A trial's state on disk between two epochs: replaced in one step, checked when read, never unpickled.

A file is a magic line, the CRC-32 of the rest (4 bytes, big-endian) and what torch.save wrote, read with
`weights_only=True`. The one before is kept: a damaged checkpoint costs an epoch, not the trial.
"""

import io
import logging
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tagsearch.files import write_bytes
from tagsearch.training.outcome import CHECKPOINT, PREVIOUS_CHECKPOINT

log = logging.getLogger(__name__)

_MAGIC = b"tagsearch checkpoint 1\n"


def save(folder: Path, state: Mapping[str, Any]) -> None:
    content = to_bytes(state)
    if (folder / CHECKPOINT).exists():
        (folder / CHECKPOINT).replace(folder / PREVIOUS_CHECKPOINT)
    write_bytes(folder / CHECKPOINT, _MAGIC + zlib.crc32(content).to_bytes(4, "big") + content)


def load(folder: Path, *, identity: str) -> dict[str, Any] | None:
    """The newest undamaged checkpoint whose "identity" is the one given; None if there is none, and the trial starts
    anew. What is passed over is logged."""
    for name in (CHECKPOINT, PREVIOUS_CHECKPOINT):
        if not (folder / name).exists():
            continue
        state = _read(folder / name)
        if state is None:
            log.warning("%s is damaged; going back to the one before", folder / name)
        elif state.get("identity") != identity:
            log.warning("%s belongs to another trial (%s); it is not used", folder / name, state.get("identity"))
        else:
            return state
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

"""The storage as every machine of the cluster sees it: looked at from a Ray task on each, before the first trial."""

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from tagsearch.errors import UsageError
from tagsearch.search.placement import Machine

_TIMEOUT_S = 120.0  # of a worker that starts and looks; a mount that hangs must not hang the run
_MOUNT = "mount the same storage at the same path on every machine"


def check_nodes(machines: Sequence[Machine], folder: Path, *, needed: Sequence[Path] = ()) -> None:
    """Raises UsageError, naming machine and path, unless every machine reads in `folder` what this one writes, this one
    what they write, and they find the `needed` files with the sizes they have here."""
    complaints = storage_complaints(machines, folder, needed=needed)
    for machine in machines:
        if complaint := complaints.get(machine.node_id):
            raise UsageError(f"machine {machine.name}: {complaint}")


def storage_complaints(machines: Sequence[Machine], folder: Path, *, needed: Sequence[Path] = ()) -> dict[str, str]:
    """Of each machine that is up, by its node id: what is wrong with the storage as it sees it, "" if nothing is.

    Machines that the cluster starts later are not asked. Raises UsageError if the folder cannot be written here."""
    folder, word = folder.resolve(), uuid.uuid4().hex
    asked = folder / f".nodes-check-{word}"
    sizes = [(str(path.resolve()), path.stat().st_size) for path in needed]
    look = ray.remote(num_cpus=0, max_retries=0)(_look)  # no CPU: a head without any is asked, too
    try:
        asked.write_text(word)
        nodes = [machine.node_id for machine in machines if machine.node_id]
        answers = {
            node: look.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False), name="look at the storage"
            ).remote(str(asked), word, sizes, node)
            for node in nodes
        }
        return {node: _complaint(answers[node], asked, node) for node in nodes}
    except OSError as error:
        raise UsageError(f"the storage {folder} must be writable: {error.strerror or error}") from error
    finally:
        for path in folder.glob(f"{asked.name}*"):
            path.unlink(missing_ok=True)


def _look(asked: str, word: str, sizes: Sequence[tuple[str, int]], node: str) -> str:
    """On the worker: what is wrong."""
    file = Path(asked)
    try:
        if file.read_text() != word:
            return f"{file.parent} is not the driver's folder; {_MOUNT}"
    except OSError as error:
        return f"cannot read in {file.parent} what the driver wrote: {error.strerror}; {_MOUNT}"
    for path, size in sizes:
        try:
            found = os.stat(path).st_size  # noqa: PTH116
        except OSError as error:
            return f"cannot read {path}, a part of the corpus or its features: {error.strerror}; {_MOUNT}"
        if found != size:
            return f"{path} has {found:,} bytes there and {size:,} for the driver; {_MOUNT}"
    try:
        file.with_name(f"{file.name}-{node}").write_text(word)
    except OSError as error:
        return f"cannot write to {file.parent}: {error.strerror}; see to its permissions and space"
    return ""


def _complaint(answer: Any, asked: Path, node: str) -> str:
    try:
        found = str(ray.get(answer, timeout=_TIMEOUT_S))
    except GetTimeoutError:
        return f"did not look at {asked.parent} within {_TIMEOUT_S:.0f} s; does its mount hang?"
    except RayError as error:
        return f"could not look at {asked.parent}: {str(error).strip().splitlines()[0]}"
    if found:
        return found
    written = asked.with_name(f"{asked.name}-{node}")
    if not written.exists():
        return f"what it writes into {asked.parent} does not arrive here; {_MOUNT}"
    return ""

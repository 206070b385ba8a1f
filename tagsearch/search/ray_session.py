"""Ray, started and kept quiet. Everything Ray and its workers print goes to `ray.log` in the run folder."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
from ruamel.yaml import YAML

from tagsearch.errors import UsageError
from tagsearch.search.placement import Machine
from tagsearch.search.signals import kept

_BOOTSTRAP = Path("~/ray_bootstrap_config.yaml").expanduser()  # written by `ray up`

_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",  # with verbose=0: no result tables
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # trials keep the working directory
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray's coming default; unset, it warns
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the loggers wanted are named in phase.py
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # the last report of a trial carries its state, no metric
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # see signals.py
    "TUNE_GLOBAL_CHECKPOINT_S": "inf",  # Ray's own snapshots of all trials are never read back: one at the end
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    # of a lost process, to learn whether it died alone; by default 1 s, after which a busy machine seems lost
    "RAY_timeout_ms_task_wait_for_death_info": "10000",
}


@contextmanager
def ray_session(*, address: str | None, log: Path = Path(os.devnull)) -> Iterator[None]:
    """Ray for the duration of the block: the cluster at `address`, else one of our own on this machine.

    Raises UsageError if the cluster cannot be joined."""
    os.environ.update(_QUIET)
    with _output_to(log):
        _connect(address)
    try:
        with _output_to(log):
            yield
    finally:
        with _output_to(log), kept():
            ray.shutdown()


def _connect(address: str | None) -> None:
    quiet = {"log_to_driver": False, "include_dashboard": False, "logging_level": logging.WARNING}
    try:
        with kept():
            ray.init(address=address or "local", **quiet)
    except (OSError, RuntimeError, ValueError) as error:  # nobody there, another version, no address
        if address in (None, "local"):
            raise
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"no Ray cluster that tagsearch can join at --address {address}: {first}; start one with `ray up "
            "cluster.yaml`, or run on this machine with --address local"
        ) from error


def machines(*, address: str | None) -> list[Machine]:
    """The machines of the Ray that this process has joined by `address`, and those that a cluster would start for
    waiting trials (`ray up` leaves their description on the head, where drivers and jobs run)."""
    alive = [_machine(node) for node in ray.nodes() if node["Alive"]]
    grows = address is not None and _BOOTSTRAP.exists()  # a run's own Ray on a cluster's head does not
    return alive + (startable(_BOOTSTRAP, n_there=len(alive)) if grows else [])


def machines_of(address: str) -> list[Machine]:
    """Those of a cluster that is joined for it alone."""
    with ray_session(address=address):
        return machines(address=address)


def _machine(node: Mapping[str, Any]) -> Machine:
    resources = node["Resources"]
    return Machine(
        name=f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})",
        node_id=str(node["NodeID"]),
        n_cpus=resources.get("CPU", 0.0),
        n_gpus=resources.get("GPU", 0.0),
        memory_bytes=int(resources.get("memory", 0)),
    )


def startable(config: Path, *, n_there: int) -> list[Machine]:
    """Machines that the autoscaler may still start, by the `config` that it was started with.

    Which kinds the `n_there` machines are is not asked: they are taken off the limit on all workers."""
    described = YAML(typ="safe", pure=True).load(config.read_text())
    left = int(described.get("max_workers", 0)) - (n_there - 1)  # the head is no worker
    found = []
    for name, kind in described.get("available_node_types", {}).items():
        n = min(left, int(kind.get("max_workers", 0)))
        if name == described.get("head_node_type") or n <= 0:
            continue
        resources = kind.get("resources", {})
        machine = Machine(name=name, n_cpus=resources.get("CPU", 0), n_gpus=resources.get("GPU", 0), n=n)
        found.append(machine)
        left -= n
    return found


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Send file descriptors 1 and 2 to `log`: Ray's C++ parts write there without asking Python.

    tagsearch's own output goes to a duplicate of the terminal taken before (see progress.Console)."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        for descriptor in (*saved, target):
            os.close(descriptor)

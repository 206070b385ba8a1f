"""Ray, started and kept quiet. Everything Ray and its workers print goes to `ray.log` in the run folder."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray

from tagsearch.errors import UsageError

_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",  # with verbose=0: no result tables
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # trials keep the working directory
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray's coming default; unset, it warns
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the loggers wanted are named in phase.py
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # the last report of a trial carries its state, no metric
    "TUNE_GLOBAL_CHECKPOINT_S": "60",  # Ray's own snapshots are never read back; seldom is enough
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}


@contextmanager
def ray_session(*, address: str | None, log: Path) -> Iterator[None]:
    """Ray for the duration of the block: the cluster at `address`, else one of our own on this machine.

    Raises UsageError if the cluster cannot be joined."""
    os.environ.update(_QUIET)
    with _output_to(log):
        _join(address or "local")
    try:
        with _output_to(log):
            yield
    finally:
        with _output_to(log):
            ray.shutdown()


def _join(address: str) -> None:
    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False, logging_level=logging.WARNING)
    except (OSError, RuntimeError, ValueError) as error:
        if address == "local":
            raise
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"the Ray cluster {address!r} cannot be joined ({reason}); start one with `ray up cluster.yaml`, or take "
            "--address local"
        ) from error


def n_slots(*, gpus_per_trial: float) -> int:
    """How many trials the cluster holds at once: one CPU each, and their share of the GPUs."""
    resources = ray.cluster_resources()
    n_cpus = int(resources.get("CPU", 0))
    if not gpus_per_trial:
        return n_cpus
    return min(n_cpus, int(resources.get("GPU", 0) / gpus_per_trial + 1e-9))


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

"""What trials run on."""

import torch

from tagsearch.errors import UsageError

GPU_SHARE = 0.25  # the report's networks fill a quarter of a GPU at best; more trials at once hide their latencies


def place(gpus_per_trial: float | None, *, cluster_has_gpus: bool | None = None) -> tuple[str, float]:
    """Torch's device and a trial's share of a GPU; `gpus_per_trial` None: a quarter of one if there is one.

    `cluster_has_gpus`: of the cluster that trials run on; None if they run on this machine. Raises UsageError if a
    share is wanted and there is no GPU."""
    if torch.cuda.is_available() if cluster_has_gpus is None else cluster_has_gpus:
        share = GPU_SHARE if gpus_per_trial is None else gpus_per_trial
        return ("cuda", share) if share else ("cpu", 0.0)
    if gpus_per_trial:
        lacks = "torch finds no GPU on this machine" if cluster_has_gpus is None else "the cluster has no GPU"
        raise UsageError(f"--gpus-per-trial {gpus_per_trial:g}: {lacks}")
    return "cpu", 0.0


def gpus_here() -> list[tuple[str, int]]:
    """Name and bytes of memory of each GPU that torch can use."""
    found = [torch.cuda.get_device_properties(k) for k in range(torch.cuda.device_count())]
    return [(str(gpu.name), int(gpu.total_memory)) for gpu in found]


def fastest() -> torch.device:
    """A GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def use_one_thread() -> None:
    """As many trials as cores beat threads within a trial, and one thread gives the same sums every time."""
    torch.set_num_threads(1)

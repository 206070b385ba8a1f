"""What trials run on."""

import torch

from tagsearch.errors import UsageError

GPU_SHARE = 0.25  # the report's networks fill a quarter of a GPU at best; more trials at once hide their latencies


def place(gpus_per_trial: float | None, *, on_cluster: bool = False) -> tuple[str, float]:
    """Torch's device and a trial's share of a GPU; `gpus_per_trial` None: a quarter of one if there is one.

    On a cluster trials run on other machines, which may have the GPU that this one lacks.
    Raises UsageError if a share is wanted and torch finds no GPU here, where trials would run."""
    if on_cluster and gpus_per_trial:
        return "cuda", gpus_per_trial
    if torch.cuda.is_available():
        share = GPU_SHARE if gpus_per_trial is None else gpus_per_trial
        return ("cuda", share) if share else ("cpu", 0.0)
    if gpus_per_trial:
        raise UsageError(f"--gpus-per-trial {gpus_per_trial:g}: torch finds no GPU on this machine")
    return "cpu", 0.0


def fastest() -> torch.device:
    """A GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def use_one_thread() -> None:
    """As many trials as cores beat threads within a trial, and one thread gives the same sums every time."""
    torch.set_num_threads(1)

"""What configurations cost on a machine, as `--probe` measured it, and what a plan makes of that.

A configuration's cost depends on few of its settings; those that share a `cost_key` are measured once. Where a search
draws the model, every model is measured; a drawn width or chunk length is scaled from the configuration's own.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tagsearch.records import Config
from tagsearch.study.chunks import configs_of
from tagsearch.study.schema import Study
from tagsearch.study.settings import kind_of

_FREE = ("lr", "epochs", "schedule", "sampler")  # settings that change neither the time of a step nor its memory
_NETWORK_SHARE = 0.5  # of a trial's GPU memory; the other half is for the features (data.batches)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Of one configuration, trained alone. `seconds_per_chunk`: of validation; `peak_bytes`: of the process's memory,
    on a GPU of the GPU's; `total_bytes`: of the machine's memory, or the GPU's."""

    seconds_per_step: float
    seconds_per_chunk: float
    peak_bytes: int
    total_bytes: int
    device: str  # the processor's kind ("cpu"), or the GPU's name
    on_gpu: bool


@dataclass(frozen=True, kw_only=True)
class ProbedArms:
    """Arms with the cost of one configuration, for a plan's table and plan.json."""

    arms: tuple[str, ...]
    seconds_per_epoch: float
    cost: Measured


def cost_key(config: Config) -> str:
    """Equal for configurations that cost the same: all but rates, lengths and the knobs of the loss."""
    kept = {name: value for name, value in config.items() if kind_of(name) not in _FREE}
    return json.dumps({name: value for name, value in kept.items() if not name.startswith("loss.")}, sort_keys=True)


def to_measure(study: Study) -> dict[str, Config]:
    """One configuration for each cost that the study's trials may have, by cost key."""
    found: dict[str, Config] = {}
    for _, config in configs_of(study):
        found.setdefault(cost_key(config), config)
    return found


def by_cost(
    study: Study, measured: Mapping[str, Measured], *, epoch_seconds: Callable[[Config], float]
) -> tuple[ProbedArms, ...]:
    """The study's arms, those of one cost together; a drawn model is told beside its arm. `epoch_seconds`: of a
    configuration by itself."""
    names: dict[str, dict[str, None]] = {}
    for name, config in configs_of(study):
        names.setdefault(cost_key(config), {})[name] = None
    costs = to_measure(study)
    return tuple(
        ProbedArms(arms=tuple(arms), seconds_per_epoch=epoch_seconds(costs[key]), cost=measured[key])
        for key, arms in names.items()
        if key in measured
    )


def trials_that_fit(measured: Sequence[Measured]) -> int:
    """How many trials of the largest configuration the memory holds at once; 0 if not one."""
    largest = max(measured, key=lambda one: one.peak_bytes)
    share = _NETWORK_SHARE if largest.on_gpu else 1.0
    return int(largest.total_bytes * share / largest.peak_bytes)


def gpu_share(measured: Sequence[Measured], *, most: int) -> float:
    """The fraction of a GPU that a trial needs, 1/n for the most trials n <= `most` whose networks fit beside the
    features; 1.0 where not even one does."""
    return 1 / max(1, min(most, trials_that_fit(measured)))

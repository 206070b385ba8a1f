"""What a model is and costs, for people who choose one: parameters, arithmetic, chunk, front end, speed here."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.flop_counter import FlopCounterMode

from tagsearch import registry
from tagsearch.data.frontend import FrontEnd
from tagsearch.registry import Scalar

# Chunks of a timed step: a CPU takes as long for each in a small batch as in a large one, a GPU wants more to do.
_BATCH = {"cpu": 2, "cuda": 16}


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """`macs`: multiply-accumulates of one chunk's forward pass in convolutions and matrix products, which is nearly
    all of it; `knobs`: the settings that the figures are for."""

    name: str
    summary: str
    source: str
    knobs: Mapping[str, Scalar]
    n_parameters: int
    macs: int
    chunk_seconds: float
    front_end: FrontEnd


def describe(name: str, *, n_tags: int = 50, knobs: Mapping[str, Scalar] | None = None) -> ModelFacts:
    """The facts of model `name`, with `knobs` where its defaults are not meant. Computes shapes only,
    in milliseconds, but for two seconds the first time, while torch loads its rules.

    Raises UnknownNameError if there is no such model."""
    entry = registry.entry("model", name)
    settings = _defaults(name) | dict(knobs or {})
    with torch.device("meta"):
        model = entry.load()(n_tags=n_tags, **settings).eval()
        batch = torch.empty(1, *_chunk_shape(model))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(batch)
    return ModelFacts(
        name=name,
        summary=entry.summary,
        source=entry.source,
        knobs=settings,
        n_parameters=sum(p.numel() for p in model.parameters()),
        macs=counter.get_total_flops() // 2,
        chunk_seconds=model.chunk_seconds,
        front_end=model.front_end,
    )


def measure(
    name: str, *, device: torch.device, seconds: float, n_tags: int = 50, knobs: Mapping[str, Scalar] | None = None
) -> float:
    """Chunks of noise that the model trains on in a second on `device`: forward, backward and a step of SGD.

    Steps for about `seconds`, but at least one, after one that is not timed; memory formats, threads and precision are
    as torch has them. The process's random generators are left as they were."""
    with torch.random.fork_rng([torch.cuda.current_device()] if device.type == "cuda" else []):
        model = registry.entry("model", name).load()(n_tags=n_tags, **(_defaults(name) | dict(knobs or {}))).to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
        batch = 0.1 * torch.randn(_BATCH[device.type], *_chunk_shape(model), device=device)
        labels = torch.zeros(len(batch), n_tags, device=device)
        _step(model, optimizer, batch, labels)
        begun, n_steps = time.perf_counter(), 0
        while n_steps == 0 or time.perf_counter() - begun < seconds:
            _step(model, optimizer, batch, labels)
            n_steps += 1
        return n_steps * len(batch) / (time.perf_counter() - begun)


def _step(model: torch.nn.Module, optimizer: torch.optim.Optimizer, batch: torch.Tensor, labels: torch.Tensor) -> None:
    optimizer.zero_grad()
    binary_cross_entropy_with_logits(model(batch)[0], labels).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    if batch.device.type == "cuda":
        torch.cuda.synchronize(batch.device)


def _defaults(name: str) -> dict[str, Scalar]:
    return {knob: spec.default for knob, spec in registry.entry("model", name).knobs.items()}


def _chunk_shape(model: torch.nn.Module) -> tuple[int, int]:
    """(n_rows, n_frames)."""
    front_end: FrontEnd = model.front_end  # type: ignore[assignment]
    return front_end.n_rows, front_end.frames(float(model.chunk_seconds))  # type: ignore[arg-type]

"""What `plan` prints, and `run` before it starts: the cost of a study, less what an earlier run has of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tagsearch.search.placement import Machine
    from tagsearch.study.cells import Cell, Source
    from tagsearch.study.measured import Measured
    from tagsearch.study.plan import Plan
    from tagsearch.study.schema import Study


def source_named(name: str | None, *, storage: Path) -> "Source | None":
    """The run whose trials are to be taken over. Raises UsageError if there is none of that name."""
    from tagsearch.search.run_folder import find_run
    from tagsearch.study.cells import read_source

    return None if name is None else read_source(find_run(name, storage=storage))


def _tell_reuse(study: "Study", source: "Source", *, device: str) -> "list[Cell]":
    """Say what would be taken over, what not and why. All trials of the study, see `cells`."""
    from tagsearch.study.cells import all_cells, describe
    from tagsearch.study.trained_by import trained_by

    cells = all_cells(study, source, lambda config: trained_by(config, device=device))
    for line in describe(cells, source.name):
        click.echo(line)
    odd = [name for name in study.data if study.data[name] != source.study.data.get(name)]
    if odd:
        click.echo(f"warning: data differ in {', '.join(odd)}; a run is refused if the clips or their labels do")
    return cells


def print_plan(
    study: "Study",
    *,
    max_concurrent: int | None,
    gpus_per_trial: float | None,
    machines: "Sequence[Machine] | None" = None,
    storage: Path,
    measured: "Mapping[str, Measured]",
    source: "Source | None",
) -> "Plan":
    """Of what is not taken over from `source`. `machines`: of the cluster that trials will run on; None: this one."""
    from tagsearch.search.placement import has_gpus, room
    from tagsearch.study.cells import to_do
    from tagsearch.study.overrides import has_gpu
    from tagsearch.study.plan import TRIALS_PER_GPU, predict
    from tagsearch.study.plan_text import describe

    gpu_there, n_slots = has_gpu() if machines is None else has_gpus(machines), max_concurrent
    if machines is not None:
        share = (1 / TRIALS_PER_GPU if gpu_there else 0.0) if gpus_per_trial is None else gpus_per_trial
        n_slots = min(filter(None, (max_concurrent, room(machines, gpus_per_trial=share))), default=None)
    device = "cuda" if gpu_there and gpus_per_trial != 0 else "cpu"
    made = predict(
        study,
        n_slots=n_slots,
        gpus_per_trial=gpus_per_trial,
        gpu_there=gpu_there,
        storage=storage,
        measured=measured,
        to_do=to_do(_tell_reuse(study, source, device=device)) if source else None,
    )
    click.echo(describe(study, made))
    return made


def measure(study: "Study", gpus_per_trial: float | None, *, address: str | None = None) -> "Mapping[str, Measured]":
    """What the study's configurations cost on this machine, by cost key. `address`: of the cluster that trials will run
    on, whose GPUs this machine need not have."""
    from tagsearch.study.data import repeats_short_clips
    from tagsearch.study.measured import to_measure
    from tagsearch.study.overrides import has_gpu
    from tagsearch.study.plan import size_of
    from tagsearch.training.devices import place
    from tagsearch.training.probe import probe

    if gpus_per_trial and address not in (None, "local") and not has_gpu():
        click.echo("warning: this machine of the cluster has no GPU, so the probe measures on its CPU", err=True)
        gpus_per_trial = None
    device, _ = place(gpus_per_trial)
    return probe(
        to_measure(study),
        size=size_of(study),
        device=device,
        repeat_short=repeats_short_clips(study.data),
        say=lambda line: click.echo(line, err=True),
    )


def share_of_gpu(wanted: float | None, measured: "Mapping[str, Measured]") -> float | None:
    """Of a GPU for a trial: as typed, else what was measured to be needed, if it was on a GPU."""
    from tagsearch.study.measured import gpu_share
    from tagsearch.study.plan import TRIALS_PER_GPU

    costs = [one for one in measured.values() if one.on_gpu]
    return wanted if wanted is not None or not costs else gpu_share(costs, most=TRIALS_PER_GPU)

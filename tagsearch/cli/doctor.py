"""The verb that looks before one leaps: doctor."""

from functools import partial
from pathlib import Path

import click

from tagsearch.cli.options import (
    address_option,
    gpus_option,
    probe_option,
    storage_option,
    study_options,
    with_options,
)
from tagsearch.cli.planning import measure
from tagsearch.cli.study import cluster_to_join, read_study_as_typed
from tagsearch.errors import NotReadyError, UsageError


@click.command()
@click.argument("file", required=False)
@with_options(study_options)
@storage_option
@gpus_option
@address_option
@probe_option
def doctor(
    file: str | None, overrides: tuple[str, ...], profile: str | None, data: str | None, seed: int | None,
    storage: Path, gpus_per_trial: float | None, address: str | None, probe: bool,
) -> None:  # fmt: skip
    """Check versions, devices, audio decoding, the storage, and whether trials (of FILE, if given) can be placed.

    \b
    tagsearch doctor
    tagsearch doctor losses.yaml --data mtat=/data/MagnaTagATune --gpus-per-trial 0.5
    tagsearch doctor losses.yaml --probe
    tagsearch doctor losses.yaml --address auto --storage-path /mnt/tagsearch/runs
    """
    from tagsearch.search import doctor
    from tagsearch.search.placement import has_gpus
    from tagsearch.study.plan import TRIALS_PER_GPU

    if probe and file is None:
        raise UsageError("--probe measures what a study's trials cost; name the study: tagsearch doctor FILE --probe")
    address = cluster_to_join(address)
    findings = [*doctor.environment()]
    here, devices = doctor.this_machine()
    findings += [*devices, doctor.audio(), doctor.storage(storage), *doctor.access(storage)]
    machines = [here]
    if address is not None:
        machines, asked = doctor.cluster(address, storage)
        findings += asked
    share = gpus_per_trial
    if share is None:
        share = 1 / TRIALS_PER_GPU if has_gpus(machines) else 0.0
    if machines:
        findings.append(doctor.placement(machines, gpus_per_trial=share))
    if file is not None:
        made = read_study_as_typed(file, overrides, profile=profile, data=data, seed=seed)
        probing = partial(measure, made, gpus_per_trial, address=address) if probe else dict
        findings += doctor.study(made, storage, machines, gpus_per_trial=share, measure=probing)
    for finding in findings:
        click.echo(str(finding))
    n = sum(finding.level == "problem" for finding in findings)
    if n:
        raise NotReadyError(f"{n} problem{'s' * (n > 1)} to be solved before a run")

"""Verbs that take a study from its file to a finished run: run, plan, resume."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tagsearch.cli.options import (
    address_option,
    probe_option,
    run_options,
    storage_option,
    study_arguments,
    with_options,
)
from tagsearch.cli.runs import import_analysis, print_summary
from tagsearch.errors import SomeTrialsFailedError, StoppedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tagsearch.study.extension import Extension
    from tagsearch.study.measured import Measured
    from tagsearch.study.plan import Plan
    from tagsearch.study.schema import Study

ASK_ABOVE_HOURS = 1.0


@click.command()
@with_options(study_arguments)
@with_options(run_options)
@address_option
@storage_option
@click.option("--name", help="Name of the run folder; default: study and time.")
@click.option("-y", "--yes", is_flag=True, help=f"Don't ask before a run of more than {ASK_ABOVE_HOURS:g} hour.")
@click.option("--dry-run", is_flag=True, help="Print the plan and start nothing.")
@probe_option
def run(
    file: str, overrides: tuple[str, ...], profile: str | None, data: str | None, seed: int | None, storage: Path,
    name: str | None, yes: bool, dry_run: bool, probe: bool, **options: Any,
) -> None:  # fmt: skip
    """Run a study: tune, confirm with fresh seeds, print verdicts.

    \b
    tagsearch run search_spaces/losses.yaml
    tagsearch run losses.yaml --data mtat=/data/MagnaTagATune --profile gpu
    """
    from tagsearch.search.address import machine_named

    study = read_study_as_typed(file, overrides, profile=profile, data=data, seed=seed)
    with machine_named(options["address"]):
        measured = measure(study, options["gpus_per_trial"]) if probe else {}
        options["gpus_per_trial"] = _share(options["gpus_per_trial"], measured)
        plan = _print_plan(study, options["max_concurrent"], options["gpus_per_trial"], storage, measured)
    if dry_run:
        return
    _ask(plan.hours, yes=yes)
    from tagsearch.search.run_folder import new_run_folder

    _start(study, new_run_folder(study, storage=storage, name=name), storage, plan=plan, **options)


@click.command()
@with_options(study_arguments)
@click.option("--max-concurrent", type=click.IntRange(min=1), help="Trials at once; default: the cores.")
@click.option("--gpus-per-trial", type=click.FloatRange(min=0), help="Share of a GPU; default 0.25 if there is one.")
@storage_option
@probe_option
def plan(
    file: str, overrides: tuple[str, ...], profile: str | None, data: str | None, seed: int | None,
    max_concurrent: int | None, gpus_per_trial: float | None, storage: Path, probe: bool,
) -> None:  # fmt: skip
    """Print what a study will take and can show; start nothing.

    Arms, trials, epochs, predicted hours and disk, and the smallest effects that its hypotheses can resolve. How much
    scores scatter is taken from an earlier run on the corpus, if there is one.

    \b
    tagsearch plan search_spaces/losses.yaml tune.trials_per_arm=16
    tagsearch plan search_spaces/architectures.yaml --probe
    """
    study = read_study_as_typed(file, overrides, profile=profile, data=data, seed=seed)
    measured = measure(study, gpus_per_trial) if probe else {}
    _print_plan(study, max_concurrent, _share(gpus_per_trial, measured), storage, measured)


@click.command()
@click.argument("run_name", metavar="[RUN]", required=False)
@with_options(run_options)
@address_option
@storage_option
@click.option("--extend", metavar="seeds=N", help="Give a finished run more seeds: its second and last look.")
def resume(run_name: str | None, storage: Path, extend: str | None, **options: Any) -> None:
    """Continue an interrupted run, or give a finished one more seeds.

    RUN: by default the latest. Finished trials are never redone.

    \b
    tagsearch resume
    tagsearch resume runs/losses-20261122T131500Z
    tagsearch resume losses-20261122T131500Z --extend seeds=10
    """
    from tagsearch.search.run_folder import find_run
    from tagsearch.study.parse import read_resolved

    folder = find_run(run_name, storage=storage)
    study = read_resolved(folder)
    extension = _extension(study, folder, extend) if extend is not None else None
    _start(study, folder, storage, extension=extension, **options)


def _extension(study: "Study", folder: Path, text: str) -> "Extension":
    """What --extend asks for, if the run allows it."""
    from tagsearch.search.run_folder import check_extendable
    from tagsearch.study.extension import wanted_extension

    extension = wanted_extension(study, text)
    check_extendable(folder)
    if not extension.as_declared:
        click.echo(
            "The study file does not declare this extension: it is adaptive, and verdicts reach grade B at most."
        )
    return extension


def study_as_typed(
    file: str, overrides: tuple[str, ...], *, data: str | None, seed: int | None, to_stderr: bool = False
) -> tuple[Path, list[str]]:
    """The file that is meant, and all that is changed in it."""
    from tagsearch.study.parse import find_study

    path, note = find_study(file)
    if note:
        click.echo(note, err=to_stderr)
    corpus, _, where = (data or "").partition("=")
    extra = [f"data.corpus={corpus}"] * bool(corpus) + [f"data.path={where}"] * bool(where)
    return path, [*overrides, *extra, *[f"seed={seed}"] * (seed is not None)]


def read_study_as_typed(
    file: str,
    overrides: tuple[str, ...],
    *,
    profile: str | None,
    data: str | None = None,
    seed: int | None = None,
    to_stderr: bool = False,
) -> "Study":
    """Says which file and profile it takes, on standard error where standard output is for a program."""
    path, changes = study_as_typed(file, overrides, data=data, seed=seed, to_stderr=to_stderr)
    return read_changed_study(path, changes, profile=profile, to_stderr=to_stderr)


def read_changed_study(path: Path, changes: list[str], *, profile: str | None, to_stderr: bool = False) -> "Study":
    from tagsearch.study.parse import read_study

    study = read_study(path, overrides=changes, profile=profile)
    if study.profile:
        click.echo(f"profile: {study.profile}", err=to_stderr)
    return study


def measure(study: "Study", gpus_per_trial: float | None) -> "Mapping[str, Measured]":
    """What the study's configurations cost on this machine, by cost key."""
    from tagsearch.study.data import repeats_short_clips
    from tagsearch.study.measured import to_measure
    from tagsearch.study.plan import size_of
    from tagsearch.training.devices import place
    from tagsearch.training.probe import probe

    device, _ = place(gpus_per_trial)
    return probe(
        to_measure(study),
        size=size_of(study),
        device=device,
        repeat_short=repeats_short_clips(study.data),
        say=lambda line: click.echo(line, err=True),
    )


def _share(wanted: float | None, measured: "Mapping[str, Measured]") -> float | None:
    """Of a GPU for a trial: as typed, else what was measured to be needed, if it was on a GPU."""
    from tagsearch.study.measured import gpu_share
    from tagsearch.study.plan import TRIALS_PER_GPU

    costs = [one for one in measured.values() if one.on_gpu]
    return wanted if wanted is not None or not costs else gpu_share(costs, most=TRIALS_PER_GPU)


def _print_plan(
    study: "Study",
    max_concurrent: int | None,
    gpus_per_trial: float | None,
    storage: Path,
    measured: "Mapping[str, Measured]",
) -> "Plan":
    from tagsearch.study.plan import predict
    from tagsearch.study.plan_text import describe

    made = predict(study, n_slots=max_concurrent, gpus_per_trial=gpus_per_trial, storage=storage, measured=measured)
    click.echo(describe(study, made))
    return made


def _ask(hours: float, *, yes: bool) -> None:
    if hours <= ASK_ABOVE_HOURS or yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(
            f"the run would take about {hours:.1f} hours and there is no terminal to ask at; pass -y to start it"
        )
    if not click.confirm(f"Start a run of about {hours:.1f} hours?"):
        raise StoppedError("not started")


def _start(
    study: "Study",
    folder: Path,
    storage: Path,
    *,
    quiet: bool,
    verbose: bool,
    plan: "Plan | None" = None,
    gpus_per_trial: float | None,
    address: str | None,
    extension: "Extension | None" = None,
    **options: Any,
) -> None:
    address = cluster_to_join(address)
    from tagsearch.data.corpus import counts_by_reason, write_bad_files
    from tagsearch.search.address import machine_named
    from tagsearch.search.excerpt_writer import ExcerptWriter
    from tagsearch.search.kept_data import open_or_kept_data
    from tagsearch.search.progress import LiveTable, ProgressBars, console, show_warnings
    from tagsearch.search.ray_session import has_gpus
    from tagsearch.search.run import Options, execute
    from tagsearch.search.run_folder import FOLDER_LINE, extend, open_run, taken
    from tagsearch.search.storage import check_writable, storage_errors
    from tagsearch.search.tensorboard import TensorBoard
    from tagsearch.training.devices import place

    check_writable(storage, n_bytes=plan.disk_bytes if plan else 0)
    device, gpus = place(gpus_per_trial, cluster_has_gpus=has_gpus(address) if address else None)
    out = console()
    show_warnings(out)
    with ProgressBars(out) as progress, machine_named(address):
        corpus, features = open_or_kept_data(study, folder, cache=storage / "cache", progress=progress, say=out.print)
    with storage_errors(folder, way_on=f"free space and go on with `tagsearch resume {folder}`"), taken(folder):
        open_run(folder, study, corpus.table, device=device, plan=plan)
        if extension is not None:
            extend(folder, extension)
        if corpus.bad:
            listed = write_bad_files(folder, corpus.bad)
            out.print(f"left out: {len(corpus.bad):,} clips ({counts_by_reason(corpus.bad)}): see {listed}")
        out.print(f"{FOLDER_LINE}{folder}")
        try:
            execute(
                study,
                folder,
                features,
                options=Options(gpus_per_trial=gpus, address=address, **options),
                device=device,
                observers=[
                    LiveTable(study, out, quiet=quiet, verbose=verbose),
                    TensorBoard(folder),
                    ExcerptWriter(folder, corpus, say=out.print),
                ],
            )
        except SomeTrialsFailedError:
            _finish(folder)
            raise
        _finish(folder)


def cluster_to_join(address: str | None) -> str | None:
    """Checked, and told with who says so; None for Ray on this machine."""
    from tagsearch.search.address import check_address

    if address is None or address == "local":
        return None
    by_environment = click.get_current_context().get_parameter_source("address") is ParameterSource.ENVIRONMENT
    check_address(address, typed=f"RAY_ADDRESS={address}" if by_environment else f"--address {address}")
    click.echo(f"Ray cluster: {address}" + " (RAY_ADDRESS)" * by_environment)
    return address


def _finish(folder: Path) -> None:
    """Figures into TensorBoard, tables and verdicts to the terminal, the report on disk."""
    from tagsearch.search.tensorboard import add_figures

    analysis = import_analysis()
    add_figures(folder, analysis.trial_figures)
    print_summary(analysis.summarize(folder), "table", report=folder / "report")

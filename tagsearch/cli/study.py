"""Verbs that take a study from its file to a finished run: run, plan, resume."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tagsearch.cli.options import (
    address_option,
    gpus_option,
    probe_option,
    reuse_option,
    run_options,
    storage_option,
    study_arguments,
    with_options,
)
from tagsearch.cli.planning import measure, print_plan, share_of_gpu, source_named
from tagsearch.cli.runs import import_analysis, print_summary
from tagsearch.errors import SomeTrialsFailedError, StoppedError, UsageError

if TYPE_CHECKING:
    from tagsearch.search.placement import Machine
    from tagsearch.study.cells import Source
    from tagsearch.study.extension import Extension
    from tagsearch.study.plan import Plan
    from tagsearch.study.schema import Study

ASK_ABOVE_HOURS = 1.0


@click.command()
@with_options(study_arguments)
@with_options(run_options)
@address_option
@storage_option
@click.option("--name", help="Name of the run folder; default: study and time.")
@reuse_option
@click.option("-y", "--yes", is_flag=True, help=f"Don't ask before a run of more than {ASK_ABOVE_HOURS:g} hour.")
@click.option("--dry-run", is_flag=True, help="Print the plan and start nothing.")
@probe_option
def run(
    file: str, overrides: tuple[str, ...], profile: str | None, data: str | None, seed: int | None, storage: Path,
    name: str | None, reuse: str | None, yes: bool, dry_run: bool, probe: bool, **options: Any,
) -> None:  # fmt: skip
    """Run a study: tune, confirm with fresh seeds, print verdicts.

    With --reuse, a study that has grown (arms, seeds, epochs, trials an arm) trains only what an earlier run lacks.

    \b
    tagsearch run search_spaces/losses.yaml
    tagsearch run losses.yaml --data mtat=/data/MagnaTagATune --profile gpu
    tagsearch run losses.yaml confirm.seeds=8 --reuse losses-20261122T131500Z
    """
    from tagsearch.search.address import machine_named

    study = read_study_as_typed(file, overrides, profile=profile, data=data, seed=seed)
    source = source_named(reuse, storage=storage)
    address = options["address"] = cluster_to_join(options["address"])
    machines = _machines_of(address) if address else None
    with machine_named(address):
        measured = measure(study, options["gpus_per_trial"], address=address) if probe else {}
        options["gpus_per_trial"] = share_of_gpu(options["gpus_per_trial"], measured)
        places = {name: options[name] for name in ("max_concurrent", "gpus_per_trial")}
        plan = print_plan(study, storage=storage, measured=measured, source=source, machines=machines, **places)
    if dry_run:
        return
    from tagsearch.search.run_folder import check_name, check_new

    if name is not None:
        check_name(name)
        check_new(storage / name)
    _ask(plan.hours, yes=yes)
    _start(study, None, storage, name=name, plan=plan, source=source, machines=machines, **options)


@click.command()
@with_options(study_arguments)
@click.option("--max-concurrent", type=click.IntRange(min=1), help="Trials at once; default: the cores.")
@gpus_option
@storage_option
@reuse_option
@probe_option
def plan(
    file: str, overrides: tuple[str, ...], profile: str | None, data: str | None, seed: int | None,
    max_concurrent: int | None, gpus_per_trial: float | None, storage: Path, reuse: str | None, probe: bool,
) -> None:  # fmt: skip
    """Print what a study will take and can show; start nothing.

    Arms, trials, epochs, predicted hours and disk, and the smallest effects that its hypotheses can resolve. How much
    scores scatter is taken from an earlier run on the corpus, of the study or one with a like baseline. With --reuse,
    what that run has of the study is told, with the reasons why the rest has to be trained.

    \b
    tagsearch plan search_spaces/losses.yaml tune.trials_per_arm=16
    tagsearch plan losses.yaml confirm.seeds=8 --reuse losses-20261122T131500Z
    tagsearch plan search_spaces/architectures.yaml --probe
    """
    study = read_study_as_typed(file, overrides, profile=profile, data=data, seed=seed)
    source = source_named(reuse, storage=storage)
    measured = measure(study, gpus_per_trial) if probe else {}
    share = share_of_gpu(gpus_per_trial, measured)
    print_plan(
        study, max_concurrent=max_concurrent, gpus_per_trial=share, storage=storage, measured=measured, source=source
    )


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
    options["address"] = cluster_to_join(options["address"])
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
    folder: Path | None,
    storage: Path,
    *,
    name: str | None = None,
    quiet: bool,
    verbose: bool,
    plan: "Plan | None" = None,
    source: "Source | None" = None,
    gpus_per_trial: float | None,
    address: str | None,
    machines: "Sequence[Machine] | None" = None,
    extension: "Extension | None" = None,
    **options: Any,
) -> None:
    """`folder`: None for a new one, to be called `name`. `machines`: of the cluster at `address`, if they are known."""
    from tagsearch.data.corpus import counts_by_reason, write_bad_files
    from tagsearch.search.address import machine_named
    from tagsearch.search.excerpt_writer import ExcerptWriter
    from tagsearch.search.placement import has_gpus
    from tagsearch.search.progress import LiveTable, ProgressBars, console, show_warnings
    from tagsearch.search.run import Options, execute
    from tagsearch.search.run_data import open_or_kept_data
    from tagsearch.search.run_folder import (
        FOLDER_LINE,
        check_new,
        extend,
        new_run_folder,
        open_run,
        resumable,
        taken,
    )
    from tagsearch.search.storage import check_writable, storage_errors
    from tagsearch.search.tensorboard import TensorBoard
    from tagsearch.study.cells import check_same_corpus
    from tagsearch.training.devices import place

    with resumable(folder):
        check_writable(storage, n_bytes=plan.disk_bytes if plan else 0)
        if machines is None and address:
            machines = _machines_of(address)
        device, gpus = place(gpus_per_trial, cluster_has_gpus=None if machines is None else has_gpus(machines))
        out = console()
        show_warnings(out)
        with ProgressBars(out) as progress, machine_named(address):
            corpus, features = open_or_kept_data(
                study, folder, cache=storage / "cache", progress=progress, say=out.print
            )
        if source is not None:
            check_same_corpus(source, corpus.table)
        begun, folder = folder, folder or new_run_folder(study, storage=storage, name=name)
    way_on = f"free space and go on with `tagsearch resume {folder}`"
    with resumable(folder), storage_errors(folder, way_on=way_on), taken(folder):
        if begun is None:
            check_new(folder)  # another run may have had the name in the meantime
        open_run(folder, study, corpus.table, device=device, plan=plan, reuse=source.folder if source else None)
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


def _machines_of(address: str) -> "list[Machine]":
    from tagsearch.search.ray_session import machines_of

    return machines_of(address)


def _finish(folder: Path) -> None:
    """Figures into TensorBoard, tables and verdicts to the terminal, the report on disk."""
    from tagsearch.search.tensorboard import add_figures

    analysis = import_analysis()
    add_figures(folder, analysis.trial_figures)
    print_summary(analysis.summarize(folder), "table", report=folder / "report")

"""Verbs for runs on a cluster, through Ray Jobs: submit, jobs, logs, stop."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from tagsearch.cli import study
from tagsearch.cli.options import study_arguments, with_options
from tagsearch.cli.study import read_changed_study, study_as_typed
from tagsearch.errors import UsageError
from tagsearch.search.signals import Interruption

if TYPE_CHECKING:
    from tagsearch.search.jobs import Cluster, Job

cluster_option = click.option(
    "--address", envvar=["RAY_API_SERVER_ADDRESS", "RAY_ADDRESS"], show_envvar=True, show_default=True,
    default="http://127.0.0.1:8265", help="Dashboard of the cluster; `ray dashboard cluster.yaml` brings it here.",
)  # fmt: skip


@click.command()
@with_options((click.argument("file", required=False), *study_arguments[1:]))
@cluster_option
@click.option("--storage-path", "storage", help="Folder of runs and cache on the cluster: absolute, on a shared mount.")
@click.option("--name", help="Name of the run and of the job; default: study and time.")
@click.option("--resume", "resumed", metavar="RUN", help="Instead of FILE: go on with a run that was stopped or lost.")
@click.option("--python", default="python", show_default=True, help="Python of the cluster's environment.")
@click.option("--wait", is_flag=True, help="Follow the log, and exit with the run's own code.")
def submit(
    file: str | None, overrides: tuple[str, ...], profile: str | None, data: str | None, seed: int | None,
    address: str, storage: str | None, name: str | None, resumed: str | None, python: str, wait: bool, **options: Any,
) -> int:  # fmt: skip
    """Hand a study to a Ray cluster, as a job: checked here, run there.

    \b
    tagsearch submit losses.yaml --profile gpu --storage-path /mnt/tagsearch/runs
    tagsearch submit my.yaml lr=1e-2 --data mtat=/mnt/MagnaTagATune --profile gpu --storage-path /mnt/tagsearch/runs
    tagsearch submit --resume losses-20261122T131500Z
    tagsearch submit --resume losses-20261122T131500Z --extend seeds=10

    Whatever else `run` and `resume` take is passed on to them.
    """
    from tagsearch.search.jobs import Cluster

    if (file is None) == (resumed is None):
        raise UsageError("submit takes a study file, or --resume RUN")
    verb = study.run if resumed is None else study.resume
    common: dict[str, Any] = {"storage": storage, "python": python, "options": _passed_on(verb, options)}
    if resumed is not None:
        if overrides or any(value is not None for value in (profile, data, seed, name)):
            raise UsageError(f"--resume {resumed} goes on with the study as it was begun; leave its settings out")
        cluster = Cluster(address)
        job = _submit_resumed(cluster, resumed, **common)
    else:
        shipment = _checked(file or "", overrides, profile=profile, data=data, seed=seed, name=name, **common)
        cluster = Cluster(address)
        job = cluster.submit(**shipment)
    click.echo(
        f"submitted {job.id} to {cluster.address}; `tagsearch logs {job.id} -f` follows it, "
        f"`tagsearch stop {job.id}` ends it"
    )
    return _follow(cluster, job) if wait else 0


def _options(verb: click.Command) -> dict[str, click.Parameter]:
    """Of `run` or `resume`, those that a job can have, by name: not what submit says itself, or what is asked or shown
    here."""
    own = {*(parameter.name for parameter in submit.params), "yes", "dry_run", "run_name"}
    return {str(parameter.name): parameter for parameter in verb.params if parameter.name not in own}


OF_RUN, OF_RESUME = _options(study.run), _options(study.resume)
submit.params += {**OF_RUN, **OF_RESUME}.values()


def _passed_on(verb: click.Command, options: dict[str, Any]) -> dict[str, Any]:
    """The options of `verb`, by their long names. Raises UsageError if another one's were typed."""
    known, source = OF_RUN if verb is study.run else OF_RESUME, click.get_current_context().get_parameter_source
    for name, parameter in {**OF_RUN, **OF_RESUME}.items():
        if name not in known and source(name) is not ParameterSource.DEFAULT:
            raise UsageError(f"{_flag(parameter)} is no option of `tagsearch {verb.name}`; leave it out")
    return {_flag(parameter): options[name] for name, parameter in known.items()}


def _flag(parameter: click.Parameter) -> str:
    return max(parameter.opts, key=len)


@click.command()
@cluster_option
def jobs(address: str) -> None:
    """Jobs that tagsearch submitted to a cluster, oldest first."""
    from tagsearch.search.jobs import Cluster

    found = Cluster(address).jobs()
    width = max((len(job.id) for job in found), default=0)
    for job in found:
        click.echo(f"{job.id:{width}}  {_time(job.submitted):16}  {job.outcome}")
    if not found:
        click.echo(f"no jobs of tagsearch at {address}")


@click.command()
@click.argument("job_name", metavar="[JOB]", required=False)
@cluster_option
@click.option("-f", "--follow", is_flag=True, help="Until the job has ended; exit with the run's own code.")
def logs(job_name: str | None, address: str, follow: bool) -> int:
    """What a job has printed (default: the last one). JOB is the name of a run, for its last job, or a job's id."""
    from tagsearch.search.jobs import Cluster

    cluster = Cluster(address)
    job = cluster.find(job_name)
    if follow:
        return _follow(cluster, job)
    click.echo(cluster.log(job), nl=False)
    return 0


@click.command()
@click.argument("job_name", metavar="JOB")
@cluster_option
def stop(job_name: str, address: str) -> None:
    """End a job's run. Finished trials are kept, the others' checkpoints too: `submit --resume RUN` goes on."""
    from tagsearch.search.jobs import STOP_S, Cluster

    cluster = Cluster(address)
    job = cluster.find(job_name)
    if job.exit_code is None:
        click.echo(f"stopping {job.id}: its run has {STOP_S} s to end what it is writing")
    job = cluster.stop(job)
    way_on = f"go on with `tagsearch submit --resume {job.run}`"
    if not cluster.left_a_run(job):
        way_on = "its run had not begun, so there is nothing to resume: submit it again, with another --name"
    click.echo(f"{job.id}: {job.outcome}; {way_on}")


def _checked(
    file: str, overrides: tuple[str, ...], *, profile: str | None, data: str | None, seed: int | None,
    name: str | None, storage: str | None, python: str, options: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """What Cluster.submit takes, of a study without a mistake."""
    from tagsearch.search.jobs import check_place, run_command
    from tagsearch.search.run_folder import new_run_name
    from tagsearch.study.chunks import check_known_clips
    from tagsearch.study.elsewhere import check_means_the_same_elsewhere

    path, changes = study_as_typed(file, overrides, data=data, seed=seed)
    check_means_the_same_elsewhere(path, overrides=changes, profile=profile)
    study = read_changed_study(path, changes, profile=profile)
    check_known_clips(study)
    if storage is None:
        raise UsageError("say where the cluster keeps its runs: --storage-path /a/shared/folder")
    run = name or new_run_name(study)
    check_place(run, storage)
    command = run_command(path.name, changes, profile=profile, run=run, storage=storage, python=python, options=options)
    return {"command": command, "job_id": run, "run": run, "storage": storage, "files": {path.name: study.source}}


def _submit_resumed(
    cluster: "Cluster", run: str, *, storage: str | None, python: str, options: dict[str, Any]
) -> "Job":
    """Where the run lies is known from its last job, while the cluster remembers it."""
    from tagsearch.search.jobs import check_place, resume_command, resumed_id

    known = cluster.jobs()
    places = [job.storage for job in known if job.run == run]
    if storage is None and not places:
        raise UsageError(f"{cluster.address} remembers no job of {run}; say where it lies with --storage-path")
    storage = storage or places[-1]
    check_place(run, storage)
    command = resume_command(run, storage=storage, python=python, options=options)
    return cluster.submit(command, job_id=resumed_id(run, known), run=run, storage=storage)


def _follow(cluster: "Cluster", job: "Job") -> int:
    try:
        ended = cluster.follow(job, lambda text: click.echo(text, nl=False))
    except (KeyboardInterrupt, Interruption):
        click.echo(f"{job.id} goes on without being watched; `tagsearch stop {job.id}` ends it", err=True)
        raise
    click.echo(f"{job.id}: {ended.outcome}", err=True)
    return ended.exit_code or 0


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"

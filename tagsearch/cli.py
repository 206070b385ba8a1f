"""The verbs. Each reads its arguments, calls one function and prints; imports wait until a verb needs them, so that
`--help` and bad input answer at once.

Exit codes: see tagsearch.errors.
"""

import shutil
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tagsearch import __version__
from tagsearch.errors import SomeTrialsFailedError, StoppedError, TagsearchError, UsageError

if TYPE_CHECKING:
    from tagsearch.study.schema import Study

_ASK_ABOVE_HOURS = 1.0

_storage = click.option(
    "--storage-path", "storage", type=click.Path(path_type=Path), default=Path("runs"), show_default=True,
    help="Folder of the runs and of the cache (corpora, features).",
)  # fmt: skip
_study_arguments = (
    click.argument("file"),
    click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]..."),
    click.option("--profile", help="Named set of overrides in the study file; default: gpu if there is one, else cpu."),
    click.option("--data", help="CORPUS or CORPUS=PATH, short for data.corpus=... data.path=..."),
    click.option("--seed", type=int, help="Seed of the whole study, short for seed=..."),
)
_run_options = (
    click.option("--max-concurrent", type=click.IntRange(min=1), help="Trials at once; default: what fits."),
    click.option(
        "--gpus-per-trial", type=click.FloatRange(min=0), help="Share of a GPU; default 0.25 if there is one."
    ),
    click.option(
        "--time-budget-s", type=click.FloatRange(min=0, min_open=True), help="Stop after that long; resume goes on."
    ),
    click.option("--max-retries", type=click.IntRange(min=0), default=2, show_default=True, help="Of a failing trial."),
    click.option("--address", help="A running Ray cluster; default: Ray on this machine, for this run only."),
    click.option("-q", "--quiet", is_flag=True, help="No progress."),
    click.option("-v", "--verbose", is_flag=True, help="A line for every trial that ends."),
)


def _with(options: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="tagsearch")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Does it really make music auto-tagging better? Studies on Ray Tune, verdicts one can trust.

    \b
    tagsearch run search_spaces/smoke.yaml           two arms, two minutes
    tagsearch run losses.yaml lr=1e-2 confirm.seeds=3
    tagsearch summarize                              tables and verdicts of the latest run
    tensorboard --logdir runs                        every trial
    """


@cli.command()
@_with(_study_arguments)
@_with(_run_options)
@_storage
@click.option("--name", help="Name of the run folder; default: study and time.")
@click.option("-y", "--yes", is_flag=True, help=f"Don't ask before a run of more than {_ASK_ABOVE_HOURS:g} hour.")
@click.option("--dry-run", is_flag=True, help="Print the plan and start nothing.")
def run(
    file: str, overrides: tuple[str, ...], profile: str | None, data: str | None, seed: int | None, storage: Path,
    name: str | None, yes: bool, dry_run: bool, **options: Any,
) -> None:  # fmt: skip
    """Run a study: tune every arm, confirm with fresh seeds, print the verdicts.

    \b
    tagsearch run search_spaces/losses.yaml
    tagsearch run losses.yaml --data mtat=/data/MagnaTagATune --profile gpu
    """
    study = _read_study(file, overrides, profile=profile, data=data, seed=seed)
    hours = _print_plan(study, options["max_concurrent"])
    if dry_run:
        return
    _ask(hours, yes=yes)
    from tagsearch.search.run_folder import new_run_folder

    _start(study, new_run_folder(study, storage=storage, name=name), storage, **options)


@cli.command()
@_with(_study_arguments)
@click.option("--max-concurrent", type=click.IntRange(min=1), help="Trials at once; default: the cores.")
def plan(
    file: str, overrides: tuple[str, ...], profile: str | None, data: str | None, seed: int | None,
    max_concurrent: int | None,
) -> None:  # fmt: skip
    """Print arms, trials, epochs, predicted hours and disk of a study; start nothing.

    \b
    tagsearch plan search_spaces/losses.yaml tune.trials_per_arm=16
    """
    _print_plan(_read_study(file, overrides, profile=profile, data=data, seed=seed), max_concurrent)


@cli.command()
@click.argument("run_name", metavar="[RUN]", required=False)
@_with(_run_options)
@_storage
def resume(run_name: str | None, storage: Path, **options: Any) -> None:
    """Continue an interrupted run (default: the latest). Finished trials are never redone.

    \b
    tagsearch resume
    tagsearch resume runs/losses-20261122T131500Z
    """
    from tagsearch.search.run_folder import find_run
    from tagsearch.study.parse import read_study

    folder = find_run(run_name, storage=storage)
    _start(read_study(folder / "resolved.yaml"), folder, storage, **options)


@cli.command()
@click.argument("run_name", metavar="[RUN]", required=False)
@_storage
@click.option("-f", "--format", "style", type=click.Choice(["table", "json", "csv", "md", "latex"]), default="table")
def summarize(run_name: str | None, storage: Path, style: str) -> None:
    """Comparison table and verdicts of a run (default: the latest); writes its report/ folder.

    \b
    tagsearch summarize
    tagsearch summarize losses-20261122T131500Z -f json
    """
    from tagsearch.search.run_folder import find_run

    _summarize(find_run(run_name, storage=storage), style)


@cli.command()
@click.argument("run_name", metavar="[RUN]", required=False)
@_storage
def status(run_name: str | None, storage: Path) -> None:
    """States of a run's trials (default: the latest run)."""
    from tagsearch.search.run_folder import find_run
    from tagsearch.search.status import describe

    click.echo(describe(find_run(run_name, storage=storage)))


@cli.command()
@_storage
def ls(storage: Path) -> None:
    """Runs on disk, oldest first."""
    from tagsearch.search.status import list_lines

    for line in list_lines(storage):
        click.echo(line)


def _read_study(
    file: str, overrides: tuple[str, ...], *, profile: str | None, data: str | None, seed: int | None
) -> "Study":
    from tagsearch.study.parse import find_study, read_study

    path, note = find_study(file)
    if note:
        click.echo(note)
    corpus, _, where = (data or "").partition("=")
    extra = [f"data.corpus={corpus}"] * bool(corpus) + [f"data.path={where}"] * bool(where)
    extra += [f"seed={seed}"] * (seed is not None)
    study = read_study(path, overrides=[*overrides, *extra], profile=profile)
    if study.profile:
        click.echo(f"profile: {study.profile}")
    return study


def _print_plan(study: "Study", max_concurrent: int | None) -> float:
    """Predicted hours."""
    from tagsearch.study.plan import predict
    from tagsearch.study.plan_text import describe

    made = predict(study, n_slots=max_concurrent)
    click.echo(describe(study, made))
    return made.hours


def _ask(hours: float, *, yes: bool) -> None:
    if hours <= _ASK_ABOVE_HOURS or yes:
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
    gpus_per_trial: float | None,
    **options: Any,
) -> None:
    from tagsearch.data.corpus import counts_by_reason, write_bad_files
    from tagsearch.search.progress import LiveTable, ProgressBars, console
    from tagsearch.search.run import Options, execute, open_data
    from tagsearch.search.run_folder import open_run, taken
    from tagsearch.search.tensorboard import TensorBoard
    from tagsearch.training.devices import place

    device, gpus = place(gpus_per_trial)
    out = console()
    with ProgressBars(out) as progress:
        corpus, features = open_data(study, cache=storage / "cache", progress=progress, say=out.print)
    folder.mkdir(parents=True, exist_ok=True)
    with taken(folder):
        open_run(folder, study, corpus.table, device=device)
        if corpus.bad:
            listed = write_bad_files(folder, corpus.bad)
            out.print(f"left out: {len(corpus.bad):,} clips ({counts_by_reason(corpus.bad)}): see {listed}")
        out.print(f"run folder: {folder}")
        try:
            execute(
                study,
                folder,
                features,
                options=Options(gpus_per_trial=gpus, **options),
                device=device,
                observers=[LiveTable(study, out, quiet=quiet, verbose=verbose), TensorBoard(folder)],
            )
        except SomeTrialsFailedError:
            _finish(folder)
            raise
        _finish(folder)


def _finish(folder: Path) -> None:
    """Figures into TensorBoard, tables and verdicts to the terminal, the report on disk."""
    from tagsearch.search.tensorboard import add_figures

    analysis = _import_analysis()
    add_figures(folder, analysis.trial_figures)
    _summarize(folder, "table")


def _summarize(folder: Path, style: str) -> None:
    analysis = _import_analysis()
    summary = analysis.summarize(folder)
    click.echo(summary.render(style, width=shutil.get_terminal_size((120, 24)).columns))
    report = analysis.write_report(summary, folder / "report")
    if style == "table":
        click.echo(f"report: {report}")


def _import_analysis() -> Any:
    """tagsearch's own analysis package, not some folder of that name that comes first on the path."""
    import analysis

    if getattr(analysis, "__tagsearch__", None) != __version__:
        where = getattr(analysis, "__file__", None) or next(iter(analysis.__path__))
        raise UsageError(f"{where} hides tagsearch's own package `analysis`; rename it or start from another folder")
    return analysis


def main() -> None:
    """Entry point: one line per error on standard error, and the exit code that its class declares."""
    debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    try:
        code = cli.main(standalone_mode=False)
    except TagsearchError as error:
        if debug:
            traceback.print_exc()
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)

"""Verbs that look at runs: summarize, status, ls."""

import shutil
from pathlib import Path
from typing import Any

import click

from tagsearch import __version__
from tagsearch.cli.options import storage_option
from tagsearch.errors import UsageError


@click.command()
@click.argument("run_names", metavar="[RUN]...", nargs=-1)
@storage_option
@click.option("-f", "--format", "style", type=click.Choice(["table", "json", "csv", "md", "latex"]), default="table")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Folder of the report.")
@click.option("--no-report", is_flag=True, help="Print only.")
@click.option(
    "--fail-unless-confirmed", "demanded", metavar="ID", multiple=True,
    help="Exit with 5 unless this hypothesis is Confirmed; may be given several times.",
)  # fmt: skip
def summarize(
    run_names: tuple[str, ...],
    storage: Path,
    style: str,
    output: Path | None,
    no_report: bool,
    demanded: tuple[str, ...],
) -> None:
    """Tables, verdicts and report of a run, or of several combined.

    RUN: by default the latest; its folder gets a folder report/. Several runs are combined: replicates of one study,
    or studies with the same baseline.

    \b
    tagsearch summarize
    tagsearch summarize losses-20261122T131500Z -f json
    tagsearch summarize losses-a losses-b --output pooled
    tagsearch summarize --no-report --fail-unless-confirmed H1 && echo publish
    """
    from tagsearch.search.run_folder import find_run

    if output and no_report:
        raise UsageError("--output names the folder of a report and --no-report wants none; leave one out")
    folders = [find_run(name, storage=storage) for name in run_names or (None,)]
    analysis = import_analysis()
    run = analysis.combine(folders)
    analysis.demand_declared(run, demanded)
    summary = analysis.summarize(run)
    print_summary(summary, style, report=None if no_report else output or run.folder / "report")
    analysis.demand_confirmed(summary, demanded)


@click.command()
@click.argument("run_name", metavar="[RUN]", required=False)
@storage_option
def status(run_name: str | None, storage: Path) -> None:
    """States of a run's trials (default: the latest run).

    \b
    tagsearch status
    tagsearch status losses-20261122T131500Z
    """
    from tagsearch.search.run_folder import find_run
    from tagsearch.search.status import describe

    click.echo(describe(find_run(run_name, storage=storage)))


@click.command()
@storage_option
def ls(storage: Path) -> None:
    """Runs on disk, oldest first.

    \b
    tagsearch ls
    """
    from tagsearch.search.status import list_lines

    for line in list_lines(storage):
        click.echo(line)


def print_summary(summary: Any, style: str, *, report: Path | None) -> None:
    """Only the table is followed by where the report is: the other formats are for programs."""
    click.echo(summary.render(style, width=terminal_width()))
    if report is None:
        return
    from tagsearch.search.storage import storage_errors

    with storage_errors(report, way_on="free space and run `tagsearch summarize` again"):
        page = import_analysis().write_report(summary, report)
    if style == "table":
        click.echo(f"report: {page}")


def terminal_width() -> int:
    return shutil.get_terminal_size((120, 24)).columns


def import_analysis() -> Any:
    """tagsearch's own analysis package, not some folder of that name that comes first on the path."""
    import analysis

    if getattr(analysis, "__tagsearch__", None) != __version__:
        where = getattr(analysis, "__file__", None) or next(iter(analysis.__path__))
        raise UsageError(f"{where} hides tagsearch's own package `analysis`; rename it or start from another folder")
    return analysis

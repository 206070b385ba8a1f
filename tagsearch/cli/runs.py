"""Verbs that look at runs: summarize, status, ls."""

import shutil
from pathlib import Path
from typing import Any

import click

from tagsearch import __version__
from tagsearch.cli.options import storage_option
from tagsearch.errors import UsageError


@click.command()
@click.argument("run_name", metavar="[RUN]", required=False)
@storage_option
@click.option("-f", "--format", "style", type=click.Choice(["table", "json", "csv", "md", "latex"]), default="table")
def summarize(run_name: str | None, storage: Path, style: str) -> None:
    """Comparison table and verdicts of a run (default: the latest); writes its report/ folder.

    \b
    tagsearch summarize
    tagsearch summarize losses-20261122T131500Z -f json
    """
    from tagsearch.search.run_folder import find_run

    print_summary(find_run(run_name, storage=storage), style)


@click.command()
@click.argument("run_name", metavar="[RUN]", required=False)
@storage_option
def status(run_name: str | None, storage: Path) -> None:
    """States of a run's trials (default: the latest run)."""
    from tagsearch.search.run_folder import find_run
    from tagsearch.search.status import describe

    click.echo(describe(find_run(run_name, storage=storage)))


@click.command()
@storage_option
def ls(storage: Path) -> None:
    """Runs on disk, oldest first."""
    from tagsearch.search.status import list_lines

    for line in list_lines(storage):
        click.echo(line)


def print_summary(folder: Path, style: str) -> None:
    analysis = import_analysis()
    summary = analysis.summarize(folder)
    click.echo(summary.render(style, width=terminal_width()))
    report = analysis.write_report(summary, folder / "report")
    if style == "table":
        click.echo(f"report: {report}")


def terminal_width() -> int:
    return shutil.get_terminal_size((120, 24)).columns


def import_analysis() -> Any:
    """tagsearch's own analysis package, not some folder of that name that comes first on the path."""
    import analysis

    if getattr(analysis, "__tagsearch__", None) != __version__:
        where = getattr(analysis, "__file__", None) or next(iter(analysis.__path__))
        raise UsageError(f"{where} hides tagsearch's own package `analysis`; rename it or start from another folder")
    return analysis

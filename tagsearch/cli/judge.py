"""The verb for numbers that somebody published: judge."""

import math
from pathlib import Path

import click

from tagsearch.cli.runs import import_analysis, terminal_width
from tagsearch.cli.study import read_study_as_typed


@click.command()
@click.argument("file")
@click.argument("numbers", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--profile", help="Named set of overrides in the study file; default: gpu if there is one, else cpu.")
@click.option(
    "--prevalence", type=click.FloatRange(min=0, max=1), default=math.nan,
    help="Mean share of test clips that have a tag: the PR AUC of chance.",
)  # fmt: skip
@click.option("-f", "--format", "style", type=click.Choice(["table", "json", "md"]), default="table")
def judge(
    file: str, numbers: Path, overrides: tuple[str, ...], profile: str | None, prevalence: float, style: str
) -> None:
    """What published scores say of a study's hypotheses.

    The verdicts are of grade D, as single numbers tell nothing of luck; no run is needed.

    NUMBERS is a CSV file with the columns arm, roc_auc, pr_auc and, where known, epochs, jsd, tail/pr_auc, mid/pr_auc,
    head/pr_auc (or roc_auc of a group). Scores are fractions of 1.

    \b
    tagsearch judge losses.yaml published.csv
    tagsearch judge losses.yaml published.csv --prevalence 0.065 -f json
    """
    study = read_study_as_typed(file, overrides, profile=profile, to_stderr=style != "table")
    analysis = import_analysis()
    summary = analysis.judged(study, analysis.read_numbers(numbers, study), prevalence=prevalence)
    click.echo(summary.render(style, width=terminal_width()))

"""The verbs. Each reads its arguments, calls one function and prints; imports wait until a verb needs them, so that
`--help` and bad input answer at once.

Exit codes: see tagsearch.errors.
"""

import sys
import traceback
from contextlib import suppress
from signal import SIGINT

import click

from tagsearch import __version__
from tagsearch.cli import data, doctor, jobs, judge, models, runs, study
from tagsearch.errors import TagsearchError
from tagsearch.search.signals import Interruption, heeded, stopped


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="tagsearch")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Does it really make music auto-tagging better? Studies on Ray Tune, verdicts one can trust.

    \b
    tagsearch run search_spaces/smoke.yaml           two arms, a few minutes
    tagsearch run losses.yaml lr=1e-2 confirm.seeds=3
    tagsearch summarize                              tables and verdicts of the latest run
    tensorboard --logdir runs                        every trial
    """


for command in (
    *(study.run, study.plan, study.resume, runs.summarize, runs.status, runs.ls, judge.judge),
    *(data.data, models.models, doctor.doctor),
    *(jobs.submit, jobs.jobs, jobs.logs, jobs.stop),
):
    cli.add_command(command)


def main() -> None:
    """Entry point: one line per error on standard error, and the exit code that its class declares."""
    debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    try:
        with heeded():
            code = cli.main(standalone_mode=False)
    except Interruption as interruption:
        _tell("interrupted" if interruption.number == SIGINT else f"error: stopped by {interruption}")
        code = stopped(interruption.number, "").exit_code
    except TagsearchError as error:
        if debug:
            traceback.print_exc()
        _tell(f"error: {error}")
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def _tell(line: str) -> None:
    with suppress(OSError):  # nobody reads any more; the exit code says it, too
        click.echo(line, err=True)

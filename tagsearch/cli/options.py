"""Arguments that several verbs share."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from tagsearch.errors import UsageError


class Folder(click.Path):
    """A folder of the file system; an address is refused before a folder of that odd name is made."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if "://" in str(value):
            raise UsageError(
                f"--storage-path must be a folder that every machine mounts, not {value}: runs are not kept in object "
                "stores; mount it (NFS, EFS, or a file system over the store) and give the folder"
            )
        return super().convert(value, param, ctx)


class Number(click.FloatRange):
    """A finite one: comparisons with a range let nan pass, and neither a share nor seconds can be infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


storage_option = click.option(
    "--storage-path", "storage", type=Folder(path_type=Path, file_okay=False), default=Path("runs"),
    show_default=True, help="Folder of the runs and of the cache (corpora, features).",
)  # fmt: skip
study_options = (
    click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]..."),
    click.option("--profile", help="Named set of overrides in the study file; default: gpu if there is one, else cpu."),
    click.option("--data", help="CORPUS or CORPUS=PATH, short for data.corpus=... data.path=..."),
    click.option("--seed", type=int, help="Seed of the whole study, short for seed=..."),
)
study_arguments = (click.argument("file"), *study_options)
probe_option = click.option(
    "--probe", is_flag=True, help="Train each kind of trial for a few steps first: the plan goes by what that took."
)
reuse_option = click.option(
    "--reuse", metavar="RUN",
    help="Take over the trials that an earlier run (name or path) has of this study; train only the others.",
)  # fmt: skip
gpus_option = click.option("--gpus-per-trial", type=Number(min=0), help="Share of a GPU; default 0.25 if there is one.")
_LONGEST_S = 1e9  # thirty years; what the system's clocks take ends a little above
run_options = (
    click.option("--max-concurrent", type=click.IntRange(min=1), help="Trials at once; default: what fits."),
    gpus_option,
    click.option("--time-budget-s", type=Number(min=0, min_open=True), help="Stop after that long; resume goes on."),
    click.option(
        "--trial-time-limit-s",
        type=Number(min=0, min_open=True, max=_LONGEST_S),
        help="A trial that takes longer for one epoch hangs: it is ended and retried.",
    ),
    click.option(
        "--max-retries",
        type=click.IntRange(min=0),
        default=2,
        show_default=True,
        help="Of a failing trial; a lost machine costs none.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="No progress."),
    click.option("-v", "--verbose", is_flag=True, help="A line for every trial that ends."),
)


address_option = click.option(
    "--address", envvar="RAY_ADDRESS", show_envvar=True,
    help="A running Ray cluster that this machine belongs to (auto, or HOST:PORT); default: Ray on this machine, for "
    "this run only (local).",
)  # fmt: skip


def with_options(options: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate

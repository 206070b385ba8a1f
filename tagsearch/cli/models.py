"""Verbs about architectures: models list, models show, models import."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tagsearch.cli.runs import terminal_width
from tagsearch.registry import MODELS, Knob, Scalar, model_entry

if TYPE_CHECKING:
    from rich.table import Table

    from tagsearch.models.facts import ModelFacts

MEASURE_SECONDS = 1.0  # each


@click.group()
def models() -> None:
    """Architectures: cost, settings, published weights."""


@models.command("list")
@click.option("--measure", is_flag=True, help="Train each for a second on this device, at full width.")
def list_models(measure: bool) -> None:
    """Every architecture with its size, arithmetic, chunk and paper.

    \b
    tagsearch models list
    tagsearch models list --measure
    """
    from rich.console import Console
    from rich.table import Table

    from tagsearch.models.facts import describe

    table = Table(box=None, pad_edge=False)
    for column in ("model", "parameters", "MMACs/chunk", "chunk s", "hears", *(["clips/s"] * measure), "source"):
        table.add_column(column, justify="left" if column in ("model", "hears", "source") else "right")
    for name in MODELS:
        facts = describe(name)
        speed = [f"{_clips_per_second(name):.1f}"] if measure else []
        table.add_row(name, *_size(facts), facts.front_end.label, *speed, facts.source)
    Console(width=terminal_width()).print(table)


@models.command()
@click.argument("name")
@click.argument("settings", nargs=-1, metavar="[KNOB=VALUE]...")
@click.option("--tags", "n_tags", type=click.IntRange(min=1), default=50, show_default=True, help="Number of tags.")
def show(name: str, settings: tuple[str, ...], n_tags: int) -> None:
    """One architecture: its settings with their ranges and reasons, its cost, its speed here.

    \b
    tagsearch models show short_chunk width=16
    """
    from rich.console import Console

    from tagsearch.models.facts import describe
    from tagsearch.study.arguments import knobs_from_arguments

    knobs = knobs_from_arguments("model", name, settings)
    facts = describe(name, n_tags=n_tags, knobs=knobs)
    parameters, macs, chunk = _size(facts)
    speed = _clips_per_second(name, knobs)
    out = Console(width=terminal_width(), highlight=False)
    out.print(f"{name}: {facts.summary}\nsource: {facts.source}")
    out.print(f"{parameters} parameters with {n_tags} tags, {macs} million multiply-accumulates a chunk of {chunk} s")
    out.print(
        f"hears {facts.front_end.label}; trains on {speed:.1f} chunks a second on this device, one trial at a time"
    )
    out.print(_knob_table(name, facts))


@models.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--as", "name", required=True, metavar="MODEL", help="The architecture that the weights are of.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder to write; default: models/MODEL.")
def import_weights(path: Path, name: str, out: Path | None) -> None:
    """Turn published weights (a state dict with the reference's names) into a model folder of ours.

    \b
    tagsearch models import musicnn.pth --as musicnn --out models/musicnn
    """
    from tagsearch.models.folder import save_model
    from tagsearch.models.published import import_checkpoint

    model_entry(name)
    folder = out or Path("models") / name
    imported = import_checkpoint(path, name)
    save_model(imported, folder)
    knobs = ", ".join(f"{knob} {value}" for knob, value in imported.knobs.items())
    click.echo(f"{name} with {imported.n_tags} tags ({knobs}): {folder}")


def _size(facts: "ModelFacts") -> tuple[str, str, str]:
    return f"{facts.n_parameters:,}", f"{facts.macs / 1e6:,.0f}", f"{facts.chunk_seconds:.2f}"


def _clips_per_second(name: str, knobs: dict[str, Scalar] | None = None) -> float:
    from tagsearch.models.facts import measure
    from tagsearch.training.devices import fastest

    return measure(name, device=fastest(), seconds=MEASURE_SECONDS, knobs=knobs)


def _knob_table(name: str, facts: "ModelFacts") -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("setting", "value", "allowed", "why this default"):
        table.add_column(column)
    for knob, spec in model_entry(name).knobs.items():
        table.add_row(knob, str(facts.knobs[knob]), _allowed(spec), f"{spec.default}: {spec.reason}")
    return table


def _allowed(spec: Knob) -> str:
    return spec.range_text() if spec.choices is None else ", ".join(map(str, spec.choices))

"""Verbs about corpora and their cache: data prepare, data inspect, data clean."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tagsearch.cli.options import storage_option, with_options
from tagsearch.cli.runs import import_analysis, terminal_width
from tagsearch.errors import CorpusError, UsageError

if TYPE_CHECKING:
    from tagsearch.data.corpus import OpenCorpus

DEFAULT_MODEL = "cnn1d"

_corpus_arguments = (
    click.argument("corpus"),
    click.argument("settings", nargs=-1, metavar="[KEY=VALUE]..."),
    click.option("--path", help="Folder of the corpus, short for path=..."),
)


@click.group()
def data() -> None:
    """Corpora: decode and cache one, look at its labels, clean the cache."""


@data.command()
@with_options(_corpus_arguments)
@click.option(
    "--model", "models", multiple=True, metavar="NAME", help="Prepare what this model hears; may be repeated. "
    f"Default: {DEFAULT_MODEL}, whose log-mel most models share.",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="A file that cannot be used is an error.")
@storage_option
def prepare(
    corpus: str, settings: tuple[str, ...], path: str | None, models: tuple[str, ...], strict: bool, storage: Path
) -> None:
    """Decode a corpus and cache its features; can be killed and continued. `run` does it by itself when needed.

    \b
    tagsearch data prepare mtat --path /data/MagnaTagATune
    tagsearch data prepare folder --path ~/music labels=tags.csv --model short_chunk --model sample_cnn
    """
    from tagsearch.data.corpus import counts_by_reason, open_corpus, write_bad_files
    from tagsearch.data.preparation import prepare_corpus
    from tagsearch.registry import model_entry
    from tagsearch.search.progress import ProgressBars, console
    from tagsearch.study.arguments import data_from_arguments
    from tagsearch.study.chunks import check_models
    from tagsearch.study.data import repeats_short_clips

    chosen = data_from_arguments(corpus, settings, path=path)
    names = tuple(dict.fromkeys(models or (DEFAULT_MODEL,)))
    entries = [model_entry(name) for name in names]
    check_models(names, chosen)
    front_ends = list(dict.fromkeys(model.load().front_end for model in entries))
    out = console()
    with ProgressBars(out) as progress:
        opened = open_corpus(chosen, cache=storage / "cache", progress=progress)
        ready, prepared = prepare_corpus(
            opened, front_ends, cache=storage / "cache", progress=progress, say=out.print,
            chunk_seconds=max(model.default_chunk_seconds for model in entries),
            repeat_short=repeats_short_clips(chosen),
        )  # fmt: skip
    for line in _sizes(ready):
        out.print(line)
    for features in prepared:
        out.print(f"features: {features.folder}")
    if ready.bad:
        listed = write_bad_files(prepared[0].folder, ready.bad)
        told = f"{len(ready.bad):,} clips left out ({counts_by_reason(ready.bad)}): see {listed}"
        if strict:
            raise CorpusError(f"--strict wants every file to be usable; {told}")
        out.print(told)


@data.command()
@with_options(_corpus_arguments)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the page; default: inspect/<corpus> in the storage.",
)  # fmt: skip
@storage_option
def inspect(corpus: str, settings: tuple[str, ...], path: str | None, out: Path | None, storage: Path) -> None:
    """Label analysis of a corpus: counts, imbalance, synonyms, contradictions, shared artists. Decodes nothing.

    \b
    tagsearch data inspect mtat --path /data/MagnaTagATune split=filtered
    """
    from tagsearch.data.corpus import leave_out, open_corpus, write_bad_files
    from tagsearch.search.progress import ProgressBars, console
    from tagsearch.study.arguments import data_from_arguments

    chosen = data_from_arguments(corpus, settings, path=path)
    with ProgressBars(console()) as progress:
        opened = leave_out(open_corpus(chosen, cache=storage / "cache", progress=progress), ())
    analysis = import_analysis()
    labels = analysis.CorpusLabels(table=opened.table)
    click.echo(analysis.labels_text(labels, width=terminal_width()))
    page = analysis.inspect(labels, out or storage / "inspect" / opened.table.name)
    if opened.bad:
        write_bad_files(page.parent, opened.bad)
    click.echo(f"page: {page}")


@data.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@storage_option
def clean(dry_run: bool, yes: bool, storage: Path) -> None:
    """Remove from the cache what no run needs any more: features of audio that is gone or was changed, built-in corpora
    that no run uses, what killed processes left. Whatever is needed again is made again; runs are not touched.

    \b
    tagsearch data clean --dry-run
    tagsearch data clean -y --storage-path /mnt/tagsearch/runs
    """
    from tagsearch.data.cleaning import find_waste, remove
    from tagsearch.search.needs import needs_of_runs

    waste, kept = find_waste(storage / "cache", needs_of_runs(storage))
    for line in kept:
        click.echo(f"kept: {line}")
    for one in waste:
        click.echo(f"{one.n_bytes / 1e6:12,.1f} MB  {one.what}")
    click.echo(f"{sum(one.n_bytes for one in waste) / 1e6:12,.1f} MB  in all, of {storage / 'cache'}")
    if dry_run or not waste or not (yes or _agreed()):
        return
    for one in waste:
        if not remove(one):
            click.echo(f"kept: {one.what}: somebody has begun to use it")


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at; pass -y to remove it")
    return click.confirm("Remove it?")


def _sizes(corpus: "OpenCorpus") -> list[str]:
    from tagsearch.records import SPLITS

    table = corpus.table
    clips = ", ".join(f"{split} {len(table.rows(split)):,}" for split in SPLITS)
    return [f"corpus {table.name}: {clips} clips, {len(table.tags)} tags", *table.notes]

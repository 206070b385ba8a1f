"""The corpus and the features that a run's trials read.

Audio lies on disks that are unmounted, machines that are gone. A run that was begun goes on without it, by what the run
and the cache keep of it, unless the excerpts of its test clips have still to be cut.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tagsearch.data.corpus import OpenCorpus, Progress, open_corpus
from tagsearch.data.features import files_of, find_view, write_view
from tagsearch.data.preparation import prepare_corpus
from tagsearch.errors import MissingCorpusError
from tagsearch.excerpts import has_excerpts
from tagsearch.records import is_run, read_corpus
from tagsearch.registry import entry
from tagsearch.study.chunks import longest_chunk_of, models_of
from tagsearch.study.data import repeats_short_clips
from tagsearch.study.schema import Study
from tagsearch.study.tag_groups import check_tags


def open_data(
    study: Study, *, cache: Path, progress: Progress, say: Callable[[str], None] = lambda line: None
) -> tuple[OpenCorpus, Mapping[str, Path]]:
    """The corpus without its bad and too short clips, and the feature view of every model that the study may train.

    All arms have the same clips, those that hold the longest chunk of any of the models; the shorter ones, too, if the
    study repeats them. Raises StudyError if a hypothesis is about a tag that the corpus lacks."""
    corpus = open_corpus(study.data, cache=cache, progress=progress)
    check_tags(study, corpus.table.tags)
    models = {name: entry("model", name).load() for name in models_of(study)}
    front_ends = list(dict.fromkeys(model.front_end for model in models.values()))  # models may share one
    corpus, prepared = prepare_corpus(
        corpus,
        front_ends,
        cache=cache,
        progress=progress,
        chunk_seconds=longest_chunk_of(study),
        repeat_short=repeats_short_clips(study.data),
        say=say,
    )
    views = {each.front_end: write_view(each, corpus.table) for each in prepared}
    return corpus, {name: views[model.front_end] for name, model in models.items()}


def open_or_kept_data(
    study: Study, folder: Path | None, *, cache: Path, progress: Progress, say: Callable[[str], None]
) -> tuple[OpenCorpus, Mapping[str, Path]]:
    """What `open_data` gives for the run in `folder` (None: a new one); if the corpus is missing, what is kept of it,
    and a line that says so. Raises MissingCorpusError if that is not enough."""
    try:
        return open_data(study, cache=cache, progress=progress, say=say)
    except MissingCorpusError as error:
        kept = _kept_data(study, folder, cache) if folder is not None else None
        if kept is None:
            raise
        say(f"{error}; the run goes on without it, with its own table of clips and the features in {cache}")
        return kept


def _kept_data(study: Study, folder: Path, cache: Path) -> tuple[OpenCorpus, Mapping[str, Path]] | None:
    if not is_run(folder) or not has_excerpts(folder):
        return None
    table = read_corpus(folder)
    found = {name: find_view(cache, entry("model", name).load().front_end, table) for name in models_of(study)}
    views = {name: view for name, view in found.items() if view is not None}
    if len(views) < len(found):
        return None
    missing = Path(str(study.data["path"]))
    return OpenCorpus(table=table, root=missing, sample_rate=0), views  # of audio that nobody reads


def needed_files(folder: Path, views: Iterable[Path]) -> list[Path]:
    """What every worker must find of the corpus: its table and its features."""
    files = [folder / "corpus.npz"] if (folder / "corpus.npz").exists() else []
    return files + [file for view in dict.fromkeys(views) if view.is_file() for file in files_of(view)]

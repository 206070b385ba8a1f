"""The data of a run whose corpus is not there any more: what the run and the cache keep of it is all that trials read.

Audio lies on disks that are unmounted, machines that are gone. A run that was begun goes on without it, unless the
excerpts of its test clips have still to be cut.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from tagsearch.data.corpus import OpenCorpus, Progress
from tagsearch.data.features import find_view
from tagsearch.errors import MissingCorpusError
from tagsearch.excerpts import has_excerpts
from tagsearch.records import is_run, read_corpus
from tagsearch.registry import entry
from tagsearch.search.run import open_data
from tagsearch.study.chunks import models_of
from tagsearch.study.schema import Study


def open_or_kept_data(
    study: Study, folder: Path, *, cache: Path, progress: Progress, say: Callable[[str], None]
) -> tuple[OpenCorpus, Mapping[str, Path]]:
    """What `open_data` gives for the run in `folder`; if the corpus is missing, what is kept of it, and a line that
    says so. Raises MissingCorpusError if that is not enough."""
    try:
        return open_data(study, cache=cache, progress=progress, say=say)
    except MissingCorpusError as error:
        kept = _kept_data(study, folder, cache)
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

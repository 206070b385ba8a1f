"""What the runs of a storage need of its cache."""

from pathlib import Path
from typing import Any

from tagsearch.data.cleaning import Needs
from tagsearch.errors import TagsearchError
from tagsearch.records import list_runs, read_corpus
from tagsearch.search.run_folder import is_finished, is_taken
from tagsearch.study.yaml_reader import read_source, read_yaml


def needs_of_runs(storage: Path) -> Needs:
    """A finished run needs no features; extended, it has them computed again if they are gone."""
    fingerprints, corpora, unknown = set(), set(), []
    for folder in list_runs(storage):
        try:
            data = _data(folder)
            if data["corpus"] == "builtin":
                corpora.add((str(data["size"]), int(data["seed"])))
            if is_taken(folder) or not is_finished(folder):
                fingerprints.add(read_corpus(folder).fingerprint)
        except (TagsearchError, KeyError, TypeError, ValueError):
            unknown.append(folder.name)
    return Needs(fingerprints=frozenset(fingerprints), corpora=frozenset(corpora), unknown=tuple(unknown))


def _data(run: Path) -> Any:
    """The section `data:` of a run's study, as resolved."""
    file = run / "resolved.yaml"
    return read_yaml(read_source(file), str(file)).plain["data"]

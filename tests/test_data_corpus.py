"""Opening a corpus by what a study file says about it."""

from pathlib import Path

import pytest

from tagsearch.data.corpus import open_corpus
from tagsearch.errors import CorpusError, UnknownNameError


def no_progress(what: str, done: int, total: int) -> None:
    pass


def test_an_unknown_corpus_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'mtat'"):
        open_corpus({"corpus": "mtatt"}, cache=tmp_path, progress=no_progress)


def test_an_unknown_setting_of_a_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="corpus builtin has no setting 'sizes'; did you mean 'size'"):
        open_corpus({"corpus": "builtin", "sizes": "full"}, cache=tmp_path, progress=no_progress)


def test_a_setting_outside_its_choices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="size must be one of full, small, not 'huge'"):
        open_corpus({"corpus": "builtin", "size": "huge"}, cache=tmp_path, progress=no_progress)


def test_a_setting_of_every_corpus_is_checked_and_not_handed_to_it(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="pad must be one of refuse, repeat, not 'zeros'"):
        open_corpus({"corpus": "mtat", "pad": "zeros"}, cache=tmp_path, progress=no_progress)
    with pytest.raises(CorpusError, match="needs `path`"):  # the loader's own complaint
        open_corpus({"corpus": "mtat", "pad": "repeat"}, cache=tmp_path, progress=no_progress)


def test_settings_that_are_not_given_take_their_defaults(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="needs `path`"):  # whose default is no path at all
        open_corpus({"corpus": "mtat"}, cache=tmp_path, progress=no_progress)

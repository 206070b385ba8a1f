"""Opening a corpus by what a study file says about it."""

from pathlib import Path

import numpy as np
import pytest

from tagsearch.data import folder
from tagsearch.data.corpus import BadFile, leave_out, open_corpus
from tagsearch.errors import CorpusError, RecordError, UnknownNameError
from tagsearch.records import CorpusTable
from tests.fake_corpus import make_table
from tests.fake_mtat import touch


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


def test_the_note_on_shared_artists_counts_the_clips_that_are_left(tmp_path: Path) -> None:
    rows = ("a,train,Al", "b,valid,Bo", "c,test,Al", "d,test,Al", "e,test,Cy")
    (tmp_path / "labels.csv").write_text("path,split,artist,rock\n" + "".join(f"{row},1\n" for row in rows))
    touch(tmp_path, *"abcde")
    given = {"path": str(tmp_path), "labels": "", "tags": "all", "sample_rate": 16_000}
    corpus = folder.load(cache=tmp_path, progress=no_progress, **given)
    assert corpus.table.notes == ("1 of the 2 artists in test are in train too, with 2 of the 3 test clips.",)
    assert leave_out(corpus, []) is corpus
    rest = leave_out(corpus, [BadFile(path="c", reason="truncated")])
    assert rest.table.notes == (
        "1 of the 2 artists in test are in train too, with 1 of the 2 test clips.",
        "1 of 5 clips are left out (1 truncated): see bad_files.csv",
    )
    assert len(leave_out(rest, [BadFile(path="d", reason="truncated")]).table.notes) == 1  # none is shared any more


def test_a_table_of_another_version_is_refused(tmp_path: Path) -> None:
    make_table(n_train=1, n_valid=1, n_test=1).save(tmp_path / "corpus.npz")
    arrays = dict(np.load(tmp_path / "corpus.npz"))
    del arrays["notes"], arrays["songs"]
    np.savez(tmp_path / "corpus.npz", **arrays)
    with pytest.raises(RecordError, match=r"corpus\.npz lacks notes, songs: another version of tagsearch wrote it"):
        CorpusTable.load(tmp_path / "corpus.npz")

"""What of a cache is waste, and what never is."""

import os
import shutil
import time
from pathlib import Path

import pytest
from filelock import FileLock

from tagsearch.data.builtin.make import make_corpus
from tagsearch.data.cleaning import Needs, find_waste, remove
from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.features import open_features, write_view
from tagsearch.data.frontend import LOG_MEL
from tagsearch.data.store import prepare
from tests.fake_corpus import make_table, silent, write_corpus
from tests.fake_store import prepare_quietly

LONG_AGO = time.time() - 7200


@pytest.fixture
def corpus(tmp_path: Path) -> OpenCorpus:
    return write_corpus(tmp_path / "audio", make_table(n_train=2, n_valid=2, n_test=2), seconds=[0.2])


@pytest.fixture
def store(corpus: OpenCorpus, tmp_path: Path) -> Path:
    """Features of the corpus in tmp_path/cache, with a view, made two hours ago."""
    prepared = prepare(corpus, LOG_MEL, cache=tmp_path / "cache", progress=silent)
    write_view(prepared, corpus.table)
    age(tmp_path / "cache")
    return prepared.folder


def age(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (LONG_AGO, LONG_AGO))


def needs(corpus: OpenCorpus, **others: object) -> Needs:
    return Needs(fingerprints=frozenset({corpus.table.fingerprint}), **others)  # type: ignore[arg-type]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def clean(cache: Path, of_runs: Needs) -> tuple[list[str], list[str]]:
    """What was removed and what was kept, in words; the bytes told are those that are gone."""
    before = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    waste, kept = find_waste(cache, of_runs)
    assert all(remove(one) for one in waste)
    after = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    assert sum(one.n_bytes for one in waste) == before - after
    return [one.what for one in waste], kept


def test_features_of_audio_that_is_there_and_the_view_of_a_run_stay(
    corpus: OpenCorpus, store: Path, tmp_path: Path
) -> None:
    before = files(store)
    assert clean(tmp_path / "cache", needs(corpus)) == ([], [])
    assert files(store) == before


def test_a_view_of_no_unfinished_run_goes_and_the_features_stay(
    corpus: OpenCorpus, store: Path, tmp_path: Path
) -> None:
    before = files(store)
    (what,), _ = clean(tmp_path / "cache", Needs())
    assert what.startswith("views that no unfinished run has")
    assert {Path(name).parent.name for name in before - files(store)} == {"views"}
    again = prepare_quietly(corpus, tmp_path / "cache")
    assert len(open_features(write_view(again, corpus.table)).blocks) == 6


def test_a_view_of_a_run_that_is_being_started_stays(corpus: OpenCorpus, store: Path, tmp_path: Path) -> None:
    (view,) = (store / "views").iterdir()
    os.utime(view)
    assert clean(tmp_path / "cache", Needs()) == ([], [])


def test_a_run_that_cannot_be_read_keeps_what_it_may_need(store: Path, tmp_path: Path) -> None:
    assert clean(tmp_path / "cache", Needs(unknown=("torn",))) == (
        [],
        ["what torn needs: it cannot be read; mend or remove it"],
    )


def test_features_of_a_folder_that_is_gone_go_with_their_store(corpus: OpenCorpus, store: Path, tmp_path: Path) -> None:
    shutil.rmtree(corpus.root)
    view, features = clean(tmp_path / "cache", Needs())[0]
    assert view.startswith("views")
    assert features == f"features of audio in {corpus.root}, which is not there: {store}"
    assert not store.exists()


def test_what_an_unfinished_run_maps_stays_though_its_audio_is_gone(
    corpus: OpenCorpus, store: Path, tmp_path: Path
) -> None:
    shutil.rmtree(corpus.root)
    assert clean(tmp_path / "cache", needs(corpus))[0] == []
    (view,) = (store / "views").iterdir()
    assert len(open_features(view).blocks) == 6


def test_a_shard_goes_when_not_one_of_its_files_is_as_it_was(corpus: OpenCorpus, store: Path, tmp_path: Path) -> None:
    first, *others = [corpus.root / path for path in corpus.table.paths.tolist()]
    for path in others:
        path.write_bytes(path.read_bytes() + b" ")
    (store / "views" / next((store / "views").iterdir()).name).unlink()
    assert clean(tmp_path / "cache", Needs())[0] == []
    first.unlink()
    (what,), _ = clean(tmp_path / "cache", Needs())
    assert what.startswith(f"features of audio in {corpus.root}, whose files are gone or were changed")
    assert not [name for name in files(store) if name.endswith((".bin", ".json"))]


def test_what_killed_builds_left_goes(corpus: OpenCorpus, store: Path, tmp_path: Path) -> None:
    (store / ".0123456789abcdef.bin.tmp").write_bytes(b"half")
    (store / "0123456789abcdef.bin").write_bytes(b"no .json yet")
    (what,), _ = clean(tmp_path / "cache", needs(corpus))
    assert what == f"parts of features, left by processes that were killed: {store}"


def test_a_store_that_is_being_built_is_left_alone(corpus: OpenCorpus, store: Path, tmp_path: Path) -> None:
    shutil.rmtree(corpus.root)
    waste, _ = find_waste(tmp_path / "cache", Needs())
    before = files(store)
    with FileLock(store / ".lock"):
        assert find_waste(tmp_path / "cache", Needs()) == ([], [f"{store}: it is being written"])
        assert [remove(one) for one in waste] == [False, False]
    assert files(store) == before


def test_files_that_tagsearch_does_not_make_are_never_waste(corpus: OpenCorpus, store: Path, tmp_path: Path) -> None:
    shutil.rmtree(corpus.root)
    foreign = (
        "notes.txt",
        "views/mine.npz",
        "mine.json",
        "mine.bin",
        ".mine.tmp",
        "../mine/x.bin",
        "../../corpora/mine/corpus.json",
    )
    for name in foreign:
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_text("mine")
    age(tmp_path / "cache")
    clean(tmp_path / "cache", Needs())
    assert all((store.parent / store.name / name).read_text() == "mine" for name in foreign)


def test_features_of_an_unknown_folder_stay_and_are_told(corpus: OpenCorpus, store: Path, tmp_path: Path) -> None:
    (store / "audio_folder.txt").unlink()
    shutil.rmtree(corpus.root)
    removed, kept = clean(tmp_path / "cache", needs(corpus))
    assert removed == []
    assert kept == [f"{store}: whose audio it is of is not known; `tagsearch data prepare` notes it"]


# --- the corpora that tagsearch makes --------------------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = make_corpus(tmp_path / "cache" / "corpora", "builtin-tiny", n_albums=1, seed=7, progress=silent)
    age(tmp_path / "cache")
    return folder


def test_a_corpus_that_a_run_names_stays(made: Path, tmp_path: Path) -> None:
    before = files(made)
    assert clean(tmp_path / "cache", Needs(corpora=frozenset({("tiny", 7)}))) == ([], [])
    assert clean(tmp_path / "cache", Needs(unknown=("torn",)))[0] == []
    assert files(made) == before


def test_a_corpus_that_no_run_names_goes_and_can_be_made_again(made: Path, tmp_path: Path) -> None:
    before = files(made)
    (what,), _ = clean(tmp_path / "cache", Needs(corpora=frozenset({("tiny", 6)})))
    assert what == f"corpus {made.name}, which no run uses"
    assert not made.exists()
    again = make_corpus(tmp_path / "cache" / "corpora", "builtin-tiny", n_albums=1, seed=7, progress=silent)
    assert (again, files(again)) == (made, before)


def test_a_corpus_is_kept_for_what_somebody_put_into_it(made: Path, tmp_path: Path) -> None:
    (made / "notes.txt").write_text("mine")
    age(made)
    assert clean(tmp_path / "cache", Needs()) == ([], [f"{made}: notes.txt is not tagsearch's"])
    assert (made / "corpus.json").exists()


def test_half_a_corpus_goes_unless_it_is_being_made(made: Path, tmp_path: Path) -> None:
    stem = made.name[:-8]
    draft = made.parent / f".{stem}draft"
    (draft / "0").mkdir(parents=True)
    (draft / "0" / "a.flac").write_bytes(b"half")
    used = Needs(corpora=frozenset({("tiny", 7)}))
    with FileLock(made.parent / f".{stem}lock"):
        assert clean(tmp_path / "cache", used)[0] == []
    assert clean(tmp_path / "cache", used)[0] == [f"a part of a corpus, left by a process that was killed: {draft}"]
    assert not draft.exists()

"""A run whose corpus is gone: what is kept of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.features import open_features
from tagsearch.errors import MissingCorpusError
from tagsearch.excerpts import write_excerpts
from tagsearch.search.address import machine_named
from tagsearch.search.run_data import open_or_kept_data
from tagsearch.search.run_folder import open_run
from tagsearch.study.parse import read_study
from tagsearch.study.schema import Study
from tests.fake_corpus import make_table, silent, write_corpus, write_label_file

Open = Callable[[], tuple[OpenCorpus, dict[str, Path]]]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """On a folder of ten clips."""
    table = make_table(n_train=6, n_valid=2, n_test=2)
    write_corpus(tmp_path / "music", table)
    write_label_file(tmp_path / "music" / "tags.csv", table)
    file_of_study = tmp_path / "s.yaml"
    file_of_study.write_text(
        f"study: x\ndata: {{corpus: folder, path: {tmp_path / 'music'}}}\nbase: {{model: cnn1d}}\n"
        "arms: {a: , b: {model: cnn2d}}\n"
    )
    return read_study(file_of_study)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def again(study: Study, tmp_path: Path, said: list[str]) -> Open:
    """Opens the data of the run `run`."""

    def open_again() -> tuple[OpenCorpus, dict[str, Path]]:
        corpus, views = open_or_kept_data(
            study, tmp_path / "run", cache=tmp_path / "cache", progress=silent, say=said.append
        )
        return corpus, dict(views)

    return open_again


@pytest.fixture
def begun(study: Study, tmp_path: Path, again: Open) -> OpenCorpus:
    """The corpus of a run whose excerpts are cut."""
    corpus, _ = again()
    open_run(tmp_path / "run", study, corpus.table, device="cpu")
    write_excerpts(tmp_path / "run", [])
    return corpus


@pytest.mark.parametrize("gone", ["folder", "mount"])
def test_a_run_goes_on_with_what_is_kept_where_its_corpus_is_gone(
    begun: OpenCorpus, tmp_path: Path, again: Open, said: list[str], gone: str
) -> None:
    features = {model: open_features(view).blocks for model, view in again()[1].items()}
    said.clear()
    shutil.rmtree(tmp_path / "music")
    if gone == "mount":
        (tmp_path / "music").mkdir()
    corpus, views = again()
    assert corpus.table.fingerprint == begun.table.fingerprint
    assert corpus.table.paths.tolist() == begun.table.paths.tolist()
    assert set(views) == {"cnn1d", "cnn2d"}
    for model, view in views.items():
        kept = [block.tobytes() for block in open_features(view).blocks]
        assert kept == [block.tobytes() for block in features[model]]
    (line,) = said
    assert str(tmp_path / "music") in line
    assert "the run goes on without it" in line


def forget_excerpts(folder: Path) -> None:
    shutil.rmtree(folder / "run" / "excerpts")


def forget_features(folder: Path) -> None:
    shutil.rmtree(folder / "cache")


def damage_features(folder: Path) -> None:
    shard = next((folder / "cache").rglob("*.bin"))
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(content)


def never_begin(folder: Path) -> None:
    (folder / "run" / "resolved.yaml").unlink()


@pytest.mark.parametrize("lose", [forget_excerpts, forget_features, damage_features, never_begin])
@pytest.mark.usefixtures("begun")
def test_a_corpus_that_is_still_needed_is_missed(tmp_path: Path, again: Open, lose: Callable[[Path], None]) -> None:
    shutil.rmtree(tmp_path / "music")
    lose(tmp_path)
    with pytest.raises(MissingCorpusError, match=r"music cannot be read: No such file or directory$"):
        again()


@pytest.mark.parametrize(("address", "named"), [("10.0.0.1:6379", "machine head-1: "), ("local", ""), (None, "")])
def test_on_a_cluster_the_machine_without_the_corpus_is_named(
    tmp_path: Path, study: Study, monkeypatch: pytest.MonkeyPatch, address: str | None, named: str
) -> None:
    monkeypatch.setattr("platform.node", lambda: "head-1")
    shutil.rmtree(tmp_path / "music")
    with pytest.raises(MissingCorpusError, match=f"^{named}corpus folder"), machine_named(address):
        open_or_kept_data(study, tmp_path / "run", cache=tmp_path / "cache", progress=silent, say=print)

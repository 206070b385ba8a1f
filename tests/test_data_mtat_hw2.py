"""The homework's archive."""

from pathlib import Path

import pytest

from tagsearch.data import mtat_hw2
from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.tags import TOP_50
from tagsearch.errors import CorpusError
from tests.fake_mtat import Row, touch, write_annotations

ROWS: list[Row] = [
    (1, ("rock",), "0/band-record-01-song-0-29.mp3"),
    (2, (), "0/band-record-01-song-29-58.mp3"),
    (3, ("pop",), "7/band-record-02-other-0-29.mp3"),
    (4, ("harp",), "c/harpist-album-01-song.v2-0-29.mp3"),
    (5, ("rock",), "d/band-late_record-01-song-0-29.mp3"),
]


def load(root: Path, *, tags: str = "top50") -> OpenCorpus:
    return mtat_hw2.load(cache=root, progress=lambda *_: None, path=str(root), tags=tags, merge="none")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_annotations(tmp_path, ROWS)
    touch(tmp_path, *(mtat_hw2.npy_path(path) for _, _, path in ROWS if path[0] != "7"))
    return tmp_path


def test_clips_with_a_tag_in_the_homeworks_folders_are_listed_with_their_npy_files(root: Path) -> None:
    corpus = load(root)
    assert corpus.table.paths.tolist() == [
        "waveform/0/band-record-01-song-0-29.npy",
        "waveform/c/harpist-album-01-song.v2-0-29.npy",
        "waveform/d/band-late_record-01-song-0-29.npy",
    ]
    assert corpus.table.splits.tolist() == [0, 1, 2]
    assert corpus.table.tags == TOP_50
    assert corpus.sample_rate == 16_000
    assert corpus.bad == ()


def test_song_and_artist_are_those_of_the_mp3(root: Path) -> None:
    table = load(root, tags="all").table
    assert table.artists.tolist() == [0, 1, 0]
    assert table.songs.tolist() == [0, 1, 2]


def test_a_missing_clip_is_listed_under_its_npy_name(root: Path) -> None:
    write_annotations(root, [*ROWS, (6, ("rock",), "a/x-y-01-z-0-29.mp3")])
    assert [(file.path, file.reason) for file in load(root).bad] == [("waveform/a/x-y-01-z-0-29.npy", "missing")]


def test_no_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="corpus mtat_hw2 needs `path`"):
        mtat_hw2.load(cache=tmp_path, progress=lambda *_: None, path="", tags="all", merge="none")

"""From clips to an open corpus."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.splits import DROPPED
from tagsearch.data.table import Clips, open_clips
from tagsearch.data.works import Work
from tagsearch.errors import CorpusError
from tests.fake_mtat import touch

WHERE = {"train": "in box 1", "valid": "in box 2", "test": "in box 3"}
CLIPS = Clips(
    tags=("a", "b"),
    clip_ids=np.array([9, 4, 6, 5, 1]),
    paths=["v.mp3", "w.mp3", "x.mp3", "y.mp3", "z.mp3"],
    works=[Work(song=f"{artist}{n}", album=artist, artist=artist) for n, artist in enumerate("PQPRP")],
    splits=np.array([2, 0, 1, DROPPED, 0], dtype=np.int8),
    labels=np.array([[0, 1], [1, 0], [1, 1], [0, 0], [0, 1]], dtype=np.uint8),
)


def opened(root: Path, clips: Clips = CLIPS) -> OpenCorpus:
    return open_clips(clips, name="x", root=root, sample_rate=16_000, where=WHERE, notes=["A note."], min_seconds=3.0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    touch(tmp_path, *CLIPS.paths)
    return tmp_path


def test_rows_are_sorted_by_id_and_keep_what_belongs_to_them(root: Path) -> None:
    table = opened(root).table
    assert table.clip_ids.tolist() == [1, 4, 6, 9]
    assert table.paths.tolist() == ["z.mp3", "w.mp3", "x.mp3", "v.mp3"]
    assert table.labels.tolist() == [[0, 1], [1, 0], [1, 1], [0, 1]]
    assert table.splits.tolist() == [0, 0, 1, 2]
    assert table.songs.tolist() == [0, 1, 2, 3]
    assert table.artists.tolist() == table.albums.tolist() == [0, 1, 0, 0]


def test_the_order_of_the_clips_does_not_change_the_table(root: Path) -> None:
    first = opened(root).table
    other = opened(root, CLIPS.taken(np.array([3, 1, 4, 0, 2]))).table
    assert other.fingerprint == first.fingerprint
    assert other.artists.tolist() == first.artists.tolist()


def test_files_of_clips_in_no_split_are_not_looked_for(root: Path) -> None:
    (root / "y.mp3").unlink()
    assert opened(root).bad == ()


def test_missing_and_empty_files_are_left_out_and_listed(root: Path) -> None:
    (root / "w.mp3").unlink()
    corpus = opened(root)
    assert corpus.table.clip_ids.tolist() == [1, 6, 9]
    assert [(file.path, file.reason) for file in corpus.bad] == [("w.mp3", "missing")]


def test_a_split_without_audio_is_refused_with_the_first_file_looked_for(root: Path) -> None:
    (root / "x.mp3").write_bytes(b"")
    message = r"^the valid split needs clips with audio in box 2; .* holds none \(x\.mp3: empty\)$"
    with pytest.raises(CorpusError, match=message):
        opened(root)


def test_a_split_without_clips_is_refused(root: Path) -> None:
    with pytest.raises(CorpusError, match=r"^the test split needs clips with audio in box 3; .* holds none$"):
        opened(root, CLIPS.taken(np.array([1, 2, 3, 4])))


def test_artists_in_test_that_are_in_train_too_are_counted(root: Path) -> None:
    notes = opened(root).table.notes
    assert notes == ("A note.", "1 of the 1 artists in test are in train too, with 1 of the 1 test clips.")
    apart = replace(CLIPS, works=[Work(song=path, album=path, artist=path) for path in CLIPS.paths])
    assert opened(root, apart).table.notes == ("A note.",)


def test_what_is_given_arrives(root: Path) -> None:
    corpus = opened(root)
    assert (corpus.table.name, corpus.root, corpus.sample_rate, corpus.min_seconds) == ("x", root, 16_000, 3.0)


def test_the_fingerprint_follows_labels_tags_paths_splits_artists_and_audio(root: Path) -> None:
    touch(root, "v2.mp3")
    works = [replace(work, artist="S") for work in CLIPS.works]
    variants = [
        CLIPS,
        replace(CLIPS, labels=1 - CLIPS.labels),
        replace(CLIPS, tags=("a", "c")),
        replace(CLIPS, paths=["v2.mp3", *CLIPS.paths[1:]]),
        replace(CLIPS, splits=np.array([2, 1, 0, DROPPED, 0], dtype=np.int8)),
        replace(CLIPS, works=works),
    ]
    prints = {opened(root, clips).table.fingerprint for clips in variants}
    (root / "v.mp3").write_bytes(b"another length")
    prints.add(opened(root).table.fingerprint)
    assert len(prints) == 7


def test_the_fingerprint_ignores_where_the_corpus_lies(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    before = opened(root).table.fingerprint
    moved = root.rename(tmp_path_factory.mktemp("elsewhere") / "corpus")
    assert opened(moved).table.fingerprint == before

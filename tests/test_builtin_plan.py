"""Who made which album in which folder."""

from collections import Counter, defaultdict

import pytest

from tagsearch.data.builtin import ALBUMS
from tagsearch.data.builtin.plan import SongPlan, plan
from tagsearch.data.builtin.styles import STYLES
from tagsearch.data.splits import FOLDERS
from tagsearch.data.works import work_of

FULL = plan(ALBUMS["full"], seed=0)


def clips_of(split: str, songs: tuple[SongPlan, ...]) -> int:
    return sum(song.n_clips for song in songs if song.folder in FOLDERS[split])


def test_the_full_corpus_has_a_large_validation_and_test_split() -> None:
    assert 1100 <= clips_of("train", FULL) <= 1300
    assert 350 <= clips_of("valid", FULL) <= 450
    assert 900 <= clips_of("test", FULL) <= 1200


def test_the_small_corpus_has_clips_in_every_split() -> None:
    small = plan(ALBUMS["small"], seed=0)
    assert 200 <= sum(song.n_clips for song in small) <= 300
    assert min(clips_of(split, small) for split in FOLDERS) >= 25


def test_the_test_folders_hold_many_artists() -> None:
    assert len({song.artist for song in FULL if song.folder in FOLDERS["test"]}) >= 100


def test_about_half_of_the_test_clips_are_by_artists_of_the_training_folders() -> None:
    known = {song.artist for song in FULL if song.folder in FOLDERS["train"]}
    by_known = clips_of("test", tuple(song for song in FULL if song.artist in known))
    assert 0.4 < by_known / clips_of("test", FULL) < 0.7


def test_an_album_lies_in_one_folder() -> None:
    folders = defaultdict(set)
    for song in FULL:
        folders[song.album].add(song.folder)
    assert len(folders) == ALBUMS["full"]
    assert {len(found) for found in folders.values()} == {1}


def test_every_style_is_in_every_split_about_as_often_as_its_weight_says() -> None:
    total = sum(style.weight for style in STYLES.values())
    for folders in FOLDERS.values():
        songs = Counter(song.style for song in FULL if song.folder in folders)
        for name, style in STYLES.items():
            expected = style.weight / total * songs.total()
            assert abs(songs[name] - expected) <= 4, name  # two albums


def test_clip_ids_run_on_from_one() -> None:
    ids = [song.first_clip + clip for song in FULL for clip in range(song.n_clips)]
    assert ids == list(range(1, len(ids) + 1))


def test_the_paths_tell_song_album_and_artist_apart_as_planned() -> None:
    works = {path: work_of(path) for song in FULL for path in song.paths}
    assert len(works) == sum(song.n_clips for song in FULL)
    assert len({work.song for work in works.values()}) == len(FULL)
    assert len({work.album for work in works.values()}) == ALBUMS["full"]
    assert len({work.artist for work in works.values()}) == len({song.artist for song in FULL})


def test_clips_of_a_song_are_cut_two_lengths_apart() -> None:
    song = next(song for song in FULL if song.n_clips == 3)
    assert [path.rsplit("-", 2)[1:] for path in song.paths] == [["0", "8.flac"], ["16", "24.flac"], ["32", "40.flac"]]


@pytest.mark.parametrize("n_albums", [5, 50])
def test_the_plan_follows_the_seed(n_albums: int) -> None:
    assert plan(n_albums, seed=1) == plan(n_albums, seed=1)
    assert plan(n_albums, seed=1) != plan(n_albums, seed=2)

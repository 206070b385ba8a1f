"""What a path tells of a clip's origin."""

import pytest

from tagsearch.data.works import Work, numbered, work_of


@pytest.mark.parametrize(
    ("path", "song", "album", "artist"),
    [
        ("0/a_b-c_d-02-e_f-30-59.mp3", "0/a_b-c_d-02-e_f", "0/a_b-c_d", "a_b"),
        ("e/a-c-d-02-e-7-f-30-59.mp3", "e/a-c-d-02-e-7-f", "e/a-c-d", "a"),
        ("0/a-c-02-30-30-59.flac", "0/a-c-02-30", "0/a-c", "a"),
        ("0/strange name-0-8.mp3", "0/strange name", "0/strange name", "strange name"),
        ("0/noise.v2.mp3", "0/noise.v2", "0/noise.v2", "noise.v2"),
    ],
)
def test_the_path_tells_song_album_and_artist(path: str, song: str, album: str, artist: str) -> None:
    assert work_of(path) == Work(song=song, album=album, artist=artist)


def test_ids_count_from_zero_in_order_of_appearance() -> None:
    assert numbered(["b", "a", "b", "c", "a"]).tolist() == [0, 1, 0, 2, 1]

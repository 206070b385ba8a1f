"""What a path tells of a clip's origin."""

import pytest

from tagsearch.data.works import Work, credited, numbered, work_of


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


@pytest.mark.parametrize(
    ("compilation", "title", "artist"),
    [
        ("magnatune_compilation-rock", "beth_quist_crazy", "beth_quist"),
        ("various_artists-sampler", "alchemy_cargo_cult", "cargo_cult"),
        ("various_artists-sampler", "alchemy_the_cargo_cult", "the_cargo_cult"),
        ("magnatune_compilation-rock", "cargo_cults", "magnatune_compilation"),
        ("magnatune_compilation-rock", "scott_hill_you_think", "magnatune_compilation"),
    ],
    ids=["begins", "ends", "longest name", "whole words", "not known elsewhere"],
)
def test_a_clip_of_a_compilation_is_credited_to_its_performer(compilation: str, title: str, artist: str) -> None:
    others = ("beth_quist", "cargo_cult", "the_cargo_cult", "beth")
    paths = [f"b/{compilation}-03-{title}-0-29.mp3", *(f"1/{name}-x-01-y-0-29.mp3" for name in others)]
    before = [work_of(path) for path in paths]
    after = credited(before)
    assert after[0] == Work(song=before[0].song, album=before[0].album, artist=artist)
    assert after[1:] == before[1:]

"""The notes of the built-in corpus."""

import numpy as np
import pytest

from tagsearch.data.builtin.instruments import KITS, TIMBRES
from tagsearch.data.builtin.plan import CLIP_SECONDS, plan
from tagsearch.data.builtin.roles import ROLES
from tagsearch.data.builtin.score import SongScore, compose
from tagsearch.data.builtin.styles import STYLES

SONGS = plan(60, seed=3)
SCORES = [compose(song, seed=3) for song in SONGS]


def test_every_clip_has_notes_within_its_time() -> None:
    for score in SCORES:
        n_steps = CLIP_SECONDS / score.step_seconds
        for clip in score.clips:
            assert clip.parts
            for part in clip.parts:
                assert len(part.notes) > 0
                assert part.notes[:, 0].min() >= 0
                assert part.notes[:, 0].max() < n_steps + 1
                assert part.notes[:, 1].min() >= 1


def test_instruments_play_within_an_octave_of_their_register() -> None:
    for score in SCORES:
        for part in (part for clip in score.clips for part in clip.parts if part.instrument in TIMBRES):
            timbre = TIMBRES[part.instrument]
            distance = part.notes[:, 2] - timbre.centre
            assert distance.min() >= -12 - timbre.roam, part.instrument
            assert distance.max() <= 24 + timbre.roam, part.instrument  # power chords reach an octave up


def test_drum_notes_name_drums_of_their_kit() -> None:
    drums = [part for score in SCORES for clip in score.clips for part in clip.parts if part.instrument in KITS]
    assert drums
    assert all(part.notes[:, 2].max() < len(KITS[part.instrument]) for part in drums)


def test_melodies_keep_to_the_scale_of_the_song() -> None:
    score = next(score for score in SCORES if score.style == "cello suite")
    pitches = np.concatenate([part.notes[:, 2] for clip in score.clips for part in clip.parts])
    assert len(np.unique(pitches % 12)) <= 7


def test_clips_of_a_song_differ() -> None:
    for score in SCORES:
        first, second = score.clips[:2]
        same_band = [part.instrument for part in first.parts] == [part.instrument for part in second.parts]
        assert not same_band or any(
            not np.array_equal(one.notes, other.notes) for one, other in zip(first.parts, second.parts, strict=True)
        )


def test_a_song_needs_no_other_song_to_be_composed() -> None:
    assert compose(SONGS[40], seed=3).digest() == SCORES[40].digest()


def test_the_digest_follows_the_seed() -> None:
    assert compose(SONGS[0], seed=4).digest() != SCORES[0].digest()


def test_songs_of_an_artist_are_recorded_more_alike_than_others() -> None:
    tilts: dict[int, list[int]] = {}
    for song, score in zip(SONGS, SCORES, strict=True):
        tilts.setdefault(song.artist, []).append(score.mix.tilt_db)
    within = np.mean([np.var(values) for values in tilts.values() if len(values) > 1])
    assert within < 0.7 * np.var([tilt for values in tilts.values() for tilt in values])


def everything_played() -> set[str]:
    return {instrument for style in STYLES.values() for part in style.parts for instrument in part.instruments}


def test_the_styles_use_every_instrument_and_only_known_ones() -> None:
    assert everything_played() == TIMBRES.keys() | KITS.keys()


def test_the_styles_use_every_role_and_only_known_ones() -> None:
    assert {part.role for style in STYLES.values() for part in style.parts} == ROLES.keys()


def songs_of(style: str) -> list[SongScore]:
    plans = [song for song in SONGS if song.style == style]
    return [compose(song, seed=3) for song in plans]


@pytest.mark.parametrize("style", ["metal", "ambient", "raga"])
def test_a_song_keeps_to_the_tempo_of_its_style(style: str) -> None:
    low, high = STYLES[style].tempo
    assert all(low <= score.tempo <= high for score in songs_of(style))

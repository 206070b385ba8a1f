"""The front end's arithmetic."""

import dataclasses

import pytest

from tagsearch.data.frontend import LOG_MEL, LogMel


def test_the_homeworks_chunk_of_three_seconds_has_188_frames() -> None:
    assert LOG_MEL.frames(3.0) == 188


@pytest.mark.parametrize(("seconds", "frames"), [(0.016, 2), (0.0159, 1), (8.0, 501), (29.1, 1819)])
def test_frames_are_centred_on_every_hop(seconds: float, frames: int) -> None:
    assert LOG_MEL.frames(seconds) == frames


def test_every_field_makes_another_key_and_equal_front_ends_share_one() -> None:
    others = [
        dataclasses.replace(LOG_MEL, **{field.name: getattr(LOG_MEL, field.name) + 1})
        for field in dataclasses.fields(LOG_MEL)
        if field.name != "kind"
    ]
    assert len({front_end.key() for front_end in [LOG_MEL, *others]}) == 1 + len(others)
    assert LogMel().key() == LOG_MEL.key()

"""What would decide a part whose members are open."""

import pytest

from analysis.verdict.judgement import Needs
from analysis.verdict.needs import easiest, hardest

SIX, NINE = Needs(seeds=6), Needs(seeds=9)
ARTISTS = Needs(artists=200)  # seeds alone do not do
NEVER = Needs()


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ([SIX, NINE], NINE),
        ([SIX, ARTISTS], ARTISTS),
        ([SIX, NEVER], NEVER),
        ([ARTISTS, Needs(artists=90)], ARTISTS),
        ([], NEVER),
    ],
)
def test_all_of_them_need_what_the_hardest_needs(needs, expected):
    assert hardest(needs) == expected
    assert easiest(needs, len(needs)) == expected


@pytest.mark.parametrize(
    ("needs", "n", "expected"),
    [
        ([NINE, SIX], 1, SIX),
        ([NINE, ARTISTS, SIX], 2, NINE),
        ([ARTISTS, SIX], 1, SIX),
        ([NEVER, ARTISTS], 1, ARTISTS),
        ([NEVER], 1, NEVER),
        ([SIX], 0, NEVER),
    ],
)
def test_some_of_them_need_what_the_easiest_need(needs, n, expected):
    assert easiest(needs, n) == expected

import numpy as np
import pytest

from analysis.labels.siblings import measure

# song 0: three clips, tag 0 on two of them; song 1: two clips, tag 0 on one; song 2: one clip
LABELS = np.array([[1, 0], [1, 1], [0, 1], [1, 0], [0, 1], [1, 1]], dtype=np.uint8)
SONGS = np.array([0, 0, 0, 1, 1, 2])


def test_agreement_is_counted_over_ordered_pairs_of_siblings():
    # tag 0: clip 0 has two siblings, one with it; so has clip 1; clip 3 has one, without: 2 of 5
    assert measure(LABELS, SONGS).agreement == pytest.approx([2 / 5, 2 / 5])


def test_the_base_rate_counts_clips_without_siblings_too():
    assert measure(LABELS, SONGS).base == pytest.approx([4 / 6, 4 / 6])


def test_the_lift_counts_each_clip_with_siblings_once():
    # tag 0 on both: clips 0 and 1 each have it on one of two siblings, clip 3 on none: (1/2 + 1/2) / 5 clips; rate 3/5
    assert measure(LABELS, SONGS).lift[0, 0] == pytest.approx((1 / 5) / (3 / 5) ** 2)
    # tag 0 then tag 1: clip 0: both siblings have tag 1; clip 1: one of two; clip 3: its only one
    assert measure(LABELS, SONGS).lift[0, 1] == pytest.approx((1 + 1 / 2 + 1) / 5 / (3 / 5) ** 2)


def test_a_corpus_without_siblings_says_so_and_keeps_its_base_rates():
    found = measure(LABELS, np.arange(6))
    assert np.isnan(found.agreement).all()
    assert np.isnan(found.correlation).all()
    assert not found.reliable.any()
    assert (found.inflation == 1).all()
    assert found.base == pytest.approx([4 / 6, 4 / 6])


def test_an_empty_corpus_is_measured_without_a_warning():
    found = measure(np.zeros((0, 3), dtype=np.uint8), np.zeros(0, dtype=np.int32))
    assert np.isnan(found.base).all()
    assert np.isnan(found.agreement).all()


def songs_with(true: np.ndarray, chances: list[float], seed: int = 0):
    """Four clips of each song; `true` (n_songs, n_tags), each said with its chance."""
    rng = np.random.default_rng(seed)
    songs = np.repeat(np.arange(len(true)), 4)
    return (true[songs] & (rng.random((len(songs), true.shape[1])) < chances)).astype(np.uint8), songs


def test_two_words_for_one_thing_correlate_fully_however_often_one_is_left_out():
    thing = np.random.default_rng(1).random((2000, 1)) < 0.3
    found = measure(*songs_with(np.hstack([thing, thing]), [0.7, 0.2]))
    assert found.reliable.all()
    assert found.correlation[0, 1] == pytest.approx(1, abs=0.08)


def test_a_narrower_word_correlates_as_the_things_do():
    rng = np.random.default_rng(2)
    wide = rng.random(4000) < 0.5
    narrow = wide & (rng.random(4000) < 0.2)
    found = measure(*songs_with(np.column_stack([wide, narrow]), [0.6, 0.6]))
    assert found.correlation[0, 1] == pytest.approx(
        np.sqrt(0.1 * 0.5 / (0.5 * 0.9)), abs=0.08
    )  # of 0.5 and 0.1, nested


def test_a_tag_strewn_at_random_is_not_reliable():
    rng = np.random.default_rng(3)
    labels = (rng.random((2000, 2)) < 0.3).astype(np.uint8)
    found = measure(labels, np.repeat(np.arange(500), 4))
    assert not found.reliable.any()
    assert np.isnan(found.correlation).all()


def test_unrelated_tags_of_whole_songs_count_as_one_clip_a_song():
    true = np.random.default_rng(4).random((3000, 2)) < 0.5
    found = measure(*songs_with(true, [1.0, 1.0]))
    assert found.inflation[0, 1] == pytest.approx(4, abs=0.01)  # four equal clips a song

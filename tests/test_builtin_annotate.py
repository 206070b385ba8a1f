"""The simulated listeners: what is said follows from the score, with omissions, synonyms and a long tail."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from tagsearch.data.builtin import ALBUMS
from tagsearch.data.builtin.annotate import CONCEPTS, HEARD_AS, annotate, salience
from tagsearch.data.builtin.instruments import KITS, TIMBRES
from tagsearch.data.builtin.make import without_audio
from tagsearch.data.builtin.plan import plan
from tagsearch.data.builtin.score import ClipScore, Mix, Part, SongScore
from tagsearch.data.builtin.styles import STYLES
from tagsearch.data.splits import FOLDERS
from tagsearch.data.tags import TOP_50

MIX = Mix(level_db=-8, reverb_ms=300, wet_pct=10, tilt_db=0, low_cut_hz=40, high_cut_hz=8000, hiss_db=-80)
SONGS = plan(ALBUMS["full"], seed=0)
FOLDER = np.array([song.folder for song in SONGS for _ in range(song.n_clips)])
SONG = np.array([song.index for song in SONGS for _ in range(song.n_clips)])


@pytest.fixture(scope="module")
def labels() -> npt.NDArray[np.uint8]:
    return np.concatenate([labels for _, labels in without_audio(SONGS, seed=0)])


def said(labels: npt.NDArray[np.uint8], *tags: str) -> npt.NDArray[np.bool_]:
    """Clips with any of the tags."""
    columns = [TOP_50.index(tag) for tag in tags]
    return np.any(labels[:, columns], axis=1)


def part(instrument: str, *, step: int = 4, gain_db: int = 0) -> Part:
    onset = np.arange(0, 64, step)
    notes = np.stack([onset, np.full_like(onset, step), np.full_like(onset, 60), np.full_like(onset, 90)], axis=1)
    return Part(
        instrument=instrument, gain_db=gain_db, slope_pct=100, decay_pct=100, notes=notes.astype(np.int32)
    )  # fmt: skip


def score(*parts: Part, style: str = "piano solo", tempo: int = 120, level_db: int = -8) -> SongScore:
    clip = ClipScore(gain_db=0, parts=parts)
    return SongScore(
        style=style, tempo=tempo, typical_pct=100, mix=replace(MIX, level_db=level_db), clips=(clip,)
    )  # fmt: skip


def heard(song: SongScore) -> dict[str, float]:
    return salience(song, song.clips[0])


def test_the_words_of_all_concepts_are_the_fifty_tags_once_each() -> None:
    assert sorted(word for concept in CONCEPTS.values() for word in concept.words) == sorted(TOP_50)


def test_instruments_and_styles_speak_only_of_known_concepts() -> None:
    spoken = {concept for heard in HEARD_AS.values() for concept in heard}
    spoken |= {concept for style in STYLES.values() for concept in style.says}
    assert spoken < CONCEPTS.keys()
    assert HEARD_AS.keys() == TIMBRES.keys() | KITS.keys()


def test_a_louder_part_is_more_salient_than_a_softer_one() -> None:
    found = heard(score(part("piano"), part("flute", gain_db=-15)))
    assert found["piano"] > found["flute"] > 0.0


def test_an_absent_instrument_is_not_salient() -> None:
    assert "guitar" not in heard(score(part("piano")))


def test_quick_notes_are_fast_and_long_ones_slow() -> None:
    assert heard(score(part("piano", step=1), tempo=150)).get("fast", 0) > 0.5
    assert heard(score(part("piano", step=8), tempo=60)).get("slow", 0) > 0.5
    assert "slow" not in heard(score(part("piano", step=1), tempo=150))


def test_loudness_is_read_from_the_gains_of_the_score() -> None:
    assert heard(score(part("piano"), level_db=8)).get("loud", 0) > 0.5
    assert heard(score(part("piano"), level_db=-25)).get("quiet", 0) > 0.5


def test_no_voice_is_noticed_only_without_one() -> None:
    assert heard(score(part("piano"))).get("no voice") == 1.0
    assert "no voice" not in heard(score(part("piano"), part("female voice")))


def test_one_instrument_alone_is_solo() -> None:
    assert heard(score(part("cello"))).get("solo", 0) > heard(score(part("cello"), part("piano"))).get("solo", 0)


def test_labels_follow_the_generator() -> None:
    song = score(part("piano"), part("soprano"))
    first = [annotate(song, np.random.default_rng(seed)) for seed in (1, 1, *range(2, 12))]
    assert np.array_equal(first[0], first[1])
    assert any(not np.array_equal(first[0], other) for other in first[2:])


def test_synonyms_come_at_the_rates_given_for_them() -> None:
    song = score(part("female voice"))
    random = np.random.default_rng(0)
    many = np.concatenate([annotate(song, random) for _ in range(4000)])
    noticed = said(many, *CONCEPTS["female"].words)
    for word, rate in CONCEPTS["female"].words.items():
        assert said(many, word)[noticed].mean() == pytest.approx(rate, abs=0.03)


# --- the whole corpus, against what MTAT is like -------------------------------------------------------------------


def test_tags_have_a_long_tail_with_guitar_at_its_head(labels: npt.NDArray[np.uint8]) -> None:
    counts = labels.sum(axis=0)
    assert TOP_50[int(counts.argmax())] == "guitar"
    assert counts.max() / counts.min() > 8
    assert np.sort(counts)[-5:].sum() > 0.2 * counts.sum()
    assert np.sort(counts)[:25].sum() < 0.3 * counts.sum()


def test_every_tag_can_be_measured_in_every_split(labels: npt.NDArray[np.uint8]) -> None:
    n_valid = labels[np.isin(FOLDER, list(FOLDERS["valid"]))].sum(axis=0)
    n_test = labels[np.isin(FOLDER, list(FOLDERS["test"]))].sum(axis=0)
    n_train = labels[np.isin(FOLDER, list(FOLDERS["train"]))].sum(axis=0)
    assert n_valid.min() >= 1
    assert n_test.min() >= 8
    assert n_train.min() >= 8


def test_clips_have_about_three_tags_and_one_in_six_has_none(labels: npt.NDArray[np.uint8]) -> None:
    n_tags = labels.sum(axis=1)
    assert 0.11 <= np.mean(n_tags == 0) <= 0.18
    assert n_tags[n_tags > 0].mean() == pytest.approx(3.3, abs=0.3)


def test_contradictions_are_rare_but_there(labels: npt.NDArray[np.uint8]) -> None:
    no_voice = said(labels, *CONCEPTS["no voice"].words)
    voice = said(labels, *CONCEPTS["voice"].words, *CONCEPTS["female"].words, *CONCEPTS["male"].words)
    assert 0 < np.mean(voice[no_voice]) < 0.08
    assert np.mean(said(labels, "fast")[said(labels, "slow")]) < 0.05


def test_omission_is_common(labels: npt.NDArray[np.uint8]) -> None:
    spoken = said(labels, *(word for name in ("voice", "female", "male", "no voice") for word in CONCEPTS[name].words))
    assert np.mean(~spoken) > 0.4


def sibling_agreement(labels: npt.NDArray[np.uint8], tag: str) -> float:
    """P(tag on a clip | tag on another clip of the same song)."""
    has = said(labels, tag)
    pairs = [(i, j) for i in np.flatnonzero(has) for j in np.flatnonzero(SONG[i] == SONG) if i != j]
    return float(np.mean([has[j] for _, j in pairs]))


def test_clips_of_a_song_agree_on_instruments_but_hardly_on_no_vocals(labels: npt.NDArray[np.uint8]) -> None:
    assert sibling_agreement(labels, "sitar") > 0.45
    assert sibling_agreement(labels, "opera") > 0.45
    assert sibling_agreement(labels, "no vocals") < 0.15

"""Sound from scores: pitch, length, level, determinism."""

import numpy as np
import pytest

from tagsearch.data.builtin.instruments import KITS, TIMBRES
from tagsearch.data.builtin.plan import plan
from tagsearch.data.builtin.score import ClipScore, Mix, Part, SongScore, compose
from tagsearch.data.builtin.synth import N_SAMPLES, Audio, render

MIX = Mix(level_db=-8, reverb_ms=300, wet_pct=0, tilt_db=0, low_cut_hz=20, high_cut_hz=9000, hiss_db=-100)
A4 = 69


def played(instrument: str, pitch: int, *, hiss_db: int = -100, gain_db: int = 0) -> SongScore:
    """One note from the second second of the clip on; a step is an eighth of a second."""
    notes = np.array([[8, 16, pitch, 100]], dtype=np.int32)
    part = Part(instrument=instrument, gain_db=gain_db, slope_pct=100, decay_pct=100, notes=notes)
    mix = Mix(**{**vars(MIX), "hiss_db": hiss_db})
    return SongScore(style="rock", tempo=120, typical_pct=100, mix=mix, clips=(ClipScore(gain_db=0, parts=(part,)),))


def sound(instrument: str, pitch: int, **rest: int) -> Audio:
    return render(played(instrument, pitch, **rest), seed=0, song=0)[0]


def power_near(audio: Audio, hertz: float) -> float:
    """Share of the power within 3 % of the first eight harmonics of a frequency."""
    spectrum = np.abs(np.fft.rfft(audio[16_000:48_000])) ** 2
    bins = np.fft.rfftfreq(32_000, 1 / 16_000)
    near = sum((np.abs(bins - n * hertz) < 0.03 * n * hertz) for n in range(1, 9))
    return float(spectrum[np.asarray(near) > 0].sum() / spectrum.sum())


@pytest.mark.parametrize("instrument", ["piano", "violin", "flute", "female voice", "synth lead", "nylon guitar"])
def test_a_written_a_sounds_at_440_hertz(instrument: str) -> None:
    audio = sound(instrument, A4)
    assert power_near(audio, 440.0) > 0.9
    assert power_near(audio, 440.0 * 2 ** (0.5)) < 0.3


@pytest.mark.parametrize("instrument", sorted(TIMBRES))
def test_every_instrument_sounds_when_it_plays_and_is_silent_before(instrument: str) -> None:
    audio = sound(instrument, TIMBRES[instrument].centre)
    assert audio.shape == (N_SAMPLES,)
    assert np.all(np.isfinite(audio))
    assert np.abs(audio).max() <= 1.0
    assert np.sqrt(np.mean(audio[16_100:32_000] ** 2)) > 0.003
    assert np.sqrt(np.mean(audio[:15_000] ** 2)) < 0.001


@pytest.mark.parametrize(("kit", "drum"), [(kit, drum) for kit in KITS for drum in range(4)])
def test_every_drum_sounds_at_once_and_dies_away(kit: str, drum: int) -> None:
    audio = sound(kit, drum)
    onset, tail = np.abs(audio[16_000:17_600]).max(), np.abs(audio[48_000:]).max()
    assert onset > 0.01
    assert tail < 0.05 * onset


def test_gain_is_in_decibels() -> None:
    loud, soft = (np.sqrt(np.mean(sound("piano", 60, gain_db=gain) ** 2)) for gain in (-6, -26))
    assert 20 * np.log10(loud / soft) == pytest.approx(20, abs=0.5)


def test_hiss_lies_at_its_level_below_full_scale() -> None:
    silence = sound("piano", 60, hiss_db=-40)[:15_000]
    assert 20 * np.log10(np.sqrt(np.mean(silence**2))) == pytest.approx(-40, abs=0.3)


def test_the_same_seed_sounds_the_same_and_another_one_differs() -> None:
    song = plan(30, seed=5)[20]
    score = compose(song, seed=5)
    first, again, other = (render(score, seed, song.index) for seed in (5, 5, 6))
    np.testing.assert_allclose(first, again, atol=1e-6)
    assert np.abs(np.array(first) - np.array(other)).max() > 1e-3

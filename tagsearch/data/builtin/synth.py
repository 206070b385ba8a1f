"""From a score to sound, with NumPy and SciPy.

Conventions: float32 mono at SAMPLE_RATE, full scale 1. A tone is read from a wavetable; tones are kept for the length
of a song, whose clips share most of them. A recording (equaliser and room) is one filter,
applied in the frequency domain.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from tagsearch.data.builtin.instruments import KITS, TIMBRES, Formants, Hit, Timbre
from tagsearch.data.builtin.plan import CLIP_SECONDS, Purpose, generator
from tagsearch.data.builtin.score import ClipScore, Mix, Part, SongScore
from tagsearch.data.mtat import SAMPLE_RATE

Audio = npt.NDArray[np.float32]
Response = npt.NDArray[np.complex64]
N_SAMPLES = CLIP_SECONDS * SAMPLE_RATE
_TABLE = 2048  # samples of a wavetable; read without interpolation, its error lies 60 dB down
_VIBRATO_HZ = 5.5
_MIX_GAIN = 0.11  # headroom for a handful of parts
_HIT_SECONDS = 0.9


def render(score: SongScore, seed: int, song: int) -> list[Audio]:
    """The clips of a song, N_SAMPLES each."""
    random = generator(seed, Purpose.SOUND, song)
    room = _recording(score.mix, random)
    studio = _Studio(step_seconds=score.step_seconds, random=random)
    return [_finish(_play(clip, studio), clip, score.mix, room, random) for clip in score.clips]


@dataclass(kw_only=True)
class _Studio:
    """What a song's clips share: the tones already made."""

    step_seconds: float
    random: np.random.Generator
    tones: dict[tuple[object, ...], Audio] = field(default_factory=dict)
    tables: dict[tuple[object, ...], tuple[Audio, Audio]] = field(default_factory=dict)


def _play(clip: ClipScore, studio: _Studio) -> Audio:
    total = np.zeros(N_SAMPLES, dtype=np.float32)
    for part in clip.parts:
        sound = np.zeros(N_SAMPLES, dtype=np.float32)
        for onset, duration, pitch, velocity in part.notes.tolist():
            start = int(onset * studio.step_seconds * SAMPLE_RATE)
            tone = _sound_of(part, pitch, duration, onset, studio)[: max(0, N_SAMPLES - start)]
            sound[start : start + len(tone)] += tone * np.float32(velocity / 100)
        drive = TIMBRES[part.instrument].drive if part.instrument in TIMBRES else 0.0
        if drive:
            sound = np.tanh(np.float32(drive) * sound) / np.float32(np.tanh(0.4 * drive) / 0.4)
        total += sound * np.float32(_gain(part.gain_db))
    return total


def _gain(db: float) -> float:
    return float(10.0 ** (db / 20))


def _sound_of(part: Part, pitch: int, duration: int, onset: int, studio: _Studio) -> Audio:
    if part.instrument in KITS:
        key: tuple[object, ...] = (part.instrument, pitch)
        if key not in studio.tones:
            studio.tones[key] = _hit(KITS[part.instrument][pitch], part.decay_pct / 100, studio.random)
        return studio.tones[key]
    timbre = TIMBRES[part.instrument]
    vowel = (onset + pitch) % len(timbre.vowels) if timbre.vowels else 0
    key = (part.instrument, part.slope_pct, part.decay_pct, pitch, duration, vowel)
    if key not in studio.tones:
        studio.tones[key] = _tone(timbre, part, pitch, duration, vowel, studio)
    return studio.tones[key]


def _tone(timbre: Timbre, part: Part, pitch: int, duration: int, vowel: int, studio: _Studio) -> Audio:
    """A note: two wavetables, the brighter of which dies away first, and some noise."""
    seconds = duration * studio.step_seconds
    n = min(N_SAMPLES, int((seconds + 3 * timbre.release) * SAMPLE_RATE))
    time = np.arange(n, dtype=np.float32) / np.float32(SAMPLE_RATE)
    hertz = 440.0 * 2.0 ** ((pitch - 69) / 12)
    key = (part.instrument, part.slope_pct, pitch, vowel)
    if key not in studio.tables:
        formants = timbre.vowels[vowel] if timbre.vowels else ()
        studio.tables[key] = _wavetables(timbre, timbre.slope * part.slope_pct / 100, hertz, formants)
    dull, bright = studio.tables[key]
    decay = timbre.decay * part.decay_pct / 100 * 2.0 ** ((60 - pitch) / 24)
    envelope = _envelope(time, timbre, seconds, decay)
    tone = np.zeros(n, dtype=np.float32)
    fade = np.exp(-time * np.float32(3.0 / decay)) if decay else np.float32(1.0)
    for voice in range(timbre.n_voices):
        place = _place(time, hertz, timbre, voice, float(studio.random.random()))
        tone += dull[place] + bright[place] * fade
    tone *= np.float32(timbre.n_voices**-0.5)
    if timbre.breath:
        tone += _noise(n, studio.random, timbre.breath)
    tone *= envelope
    if timbre.strike:
        n_strike = min(n, SAMPLE_RATE // 40)
        tone[:n_strike] += _noise(n_strike, studio.random, timbre.strike) * np.linspace(
            1, 0, n_strike, dtype=np.float32
        )
    return tone * np.float32(timbre.level)


def _noise(n: int, random: np.random.Generator, level: float) -> Audio:
    return random.standard_normal(n, dtype=np.float32) * np.float32(level)


def _place(time: Audio, hertz: float, timbre: Timbre, voice: int, start: float) -> npt.NDArray[np.int32]:
    """Where in the wavetable each sample is read."""
    spread = (voice / (timbre.n_voices - 1) - 0.5) * timbre.detune if timbre.n_voices > 1 else 0.0
    cycles = np.float32(hertz * 2.0 ** (spread / 1200)) * time + np.float32(start)
    if timbre.vibrato:
        depth = hertz * (2.0 ** (timbre.vibrato / 1200) - 1.0) / (2 * np.pi * _VIBRATO_HZ)
        angle = time * np.float32(2 * np.pi * _VIBRATO_HZ) + np.float32(6.28 * start)
        cycles += np.float32(depth) * np.sin(angle)
    return (cycles * np.float32(_TABLE)).astype(np.int32) & (_TABLE - 1)


def _wavetables(timbre: Timbre, slope: float, hertz: float, formants: Formants) -> tuple[Audio, Audio]:
    """One cycle, power 1 together: the lower or slower part of the spectrum, and the part that dies away first."""
    number = np.arange(1, max(2, int(0.47 * SAMPLE_RATE / hertz)))
    level = number ** (-slope)
    level[1::2] *= timbre.even
    if timbre.pluck:
        level *= np.abs(np.sin(np.pi * number * timbre.pluck)) + 0.03
    if formants:
        level *= 0.35 + sum(gain / (1.0 + ((number * hertz - centre) / width) ** 2) for centre, gain, width in formants)
    level /= np.sqrt(np.sum(level**2) / 2)
    quick = np.clip(timbre.shimmer * (0.5 + number / 8), 0, 0.95)
    return _cycle(level * (1 - quick)), _cycle(level * quick)


def _cycle(level: npt.NDArray[np.float64]) -> Audio:
    """Harmonics in Schroeder phases, which keep the peaks low."""
    spectrum = np.zeros(_TABLE // 2 + 1, dtype=np.complex128)
    number = np.arange(1, min(len(level), _TABLE // 2) + 1)
    spectrum[number] = level[: len(number)] * np.exp(1j * np.pi * number**2 / max(8, len(number)))
    cycle: Audio = (fft.irfft(spectrum, _TABLE) * (_TABLE / 2)).astype(np.float32)
    return cycle


def _envelope(time: Audio, timbre: Timbre, seconds: float, decay: float) -> Audio:
    envelope: Audio = np.minimum(time / np.float32(timbre.attack), np.float32(1))
    if decay:
        envelope *= np.exp(-time / np.float32(decay))
    end = int(seconds * SAMPLE_RATE)
    if end < len(time):
        envelope[end:] *= np.exp((np.float32(seconds) - time[end:]) / np.float32(timbre.release))
    return envelope


def _hit(hit: Hit, decay_ratio: float, random: np.random.Generator) -> Audio:
    time = np.arange(int(_HIT_SECONDS * SAMPLE_RATE), dtype=np.float32) / np.float32(SAMPLE_RATE)
    sound = np.zeros_like(time)
    if hit.tone:
        glide = np.float32(hit.decay * 0.3)
        cycles = hit.end * time + (hit.start - hit.end) * glide * (1 - np.exp(-time / glide))
        sound += np.float32(hit.tone) * np.sin(2 * np.pi * cycles) * np.exp(-time / np.float32(hit.decay * decay_ratio))
    if hit.noise:
        noise = _banded(_noise(len(time), random, 1.0), hit.band)
        sound += np.float32(2 * hit.noise) * noise * np.exp(-time / np.float32(hit.noise_decay * decay_ratio))
    return (2 * sound).astype(np.float32)


def _banded(noise: Audio, band: tuple[float, float]) -> Audio:
    spectrum = fft.rfft(noise)
    hertz = fft.rfftfreq(len(noise), 1 / SAMPLE_RATE)
    spectrum[(hertz < band[0]) | (hertz > band[1])] = 0
    filtered: Audio = fft.irfft(spectrum, len(noise))
    return filtered


# --- the recording -------------------------------------------------------------------------------------------------


def _recording(mix: Mix, random: np.random.Generator) -> Response:
    """Frequency response of equaliser and room, for a transform that holds a clip and its reverberation."""
    n_room = int(mix.reverb_ms / 1000 * SAMPLE_RATE)
    n = 2 * fft.next_fast_len((N_SAMPLES + n_room + 1) // 2, real=True)
    decay = np.exp(np.linspace(0, -6.9, n_room, dtype=np.float32))  # 60 dB over its length
    room: Any = fft.rfft(_noise(n_room, random, 1.0) * decay / np.float32(np.sqrt(np.sum(decay**2))), n)
    hertz = fft.rfftfreq(n, 1 / SAMPLE_RATE).astype(np.float32)
    octaves = np.log2(np.maximum(hertz, 30) / 600) / 7.5  # -0.6 to 0.5
    tone = 10 ** (mix.tilt_db * octaves / 20)
    tone /= np.sqrt(1 + (mix.low_cut_hz / np.maximum(hertz, 1)) ** 4)
    tone /= np.sqrt(1 + (hertz / mix.high_cut_hz) ** 8)
    wet = mix.wet_pct / 100
    response: Response = (tone * ((1 - wet) + wet * room)).astype(np.complex64)
    return response


def _finish(dry: Audio, clip: ClipScore, mix: Mix, room: Response, random: np.random.Generator) -> Audio:
    n = 2 * (len(room) - 1)
    sound = fft.irfft(fft.rfft(dry, n) * room, n)[:N_SAMPLES]
    sound *= np.float32(_MIX_GAIN * _gain(mix.level_db + clip.gain_db + 10))
    sound += _noise(N_SAMPLES, random, _gain(mix.hiss_db))
    limited: Audio = np.tanh(sound)
    return limited

"""The styles of the built-in corpus, as data: who plays what, how fast, how loud, and what a listener would call it.

Conventions: tempo in beats a minute, levels in whole dB, times in ms, scales in semitones above the key note; `pace`
in sixteenth notes. `says` maps a concept (see `annotate`) to how salient it is in the style, in [0, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass

Scale = tuple[int, ...]

MAJOR: Scale = (0, 2, 4, 5, 7, 9, 11)
MINOR: Scale = (0, 2, 3, 5, 7, 8, 10)
DORIAN: Scale = (0, 2, 3, 5, 7, 9, 10)
HARMONIC: Scale = (0, 2, 3, 5, 7, 8, 11)
RAGA: Scale = (0, 1, 4, 5, 7, 8, 11)
BLUES: Scale = (0, 3, 5, 6, 7, 10, 12)
CLUSTER: Scale = (0, 1, 2, 6, 7, 8, 11)


@dataclass(frozen=True, kw_only=True)
class PartRule:
    """One part of the band. `chance`: that a song has it; `keep`: that a clip of such a song does."""

    role: str  # a key of roles.ROLES
    instruments: tuple[str, ...]  # a song has one of them
    pace: tuple[int, ...]
    gain_db: int
    chance: float
    keep: float


@dataclass(frozen=True, kw_only=True)
class Style:
    weight: float  # relative share of the albums
    tempo: tuple[int, int]
    scales: tuple[Scale, ...]
    parts: tuple[PartRule, ...]
    says: Mapping[str, float]
    level_db: tuple[int, int] = (-12, -4)
    reverb_ms: tuple[int, int] = (200, 900)


def _part(
    role: str,
    *instruments: str,
    pace: tuple[int, ...] = (2, 4),
    gain_db: int = 0,
    chance: float = 1.0,
    keep: float = 0.85,
) -> PartRule:
    return PartRule(role=role, instruments=instruments, pace=pace, gain_db=gain_db, chance=chance, keep=keep)


_CLASSICAL = (MAJOR, MINOR, HARMONIC)

# fmt: off
STYLES: dict[str, Style] = {
    "harpsichord suite": Style(
        weight=5.0, tempo=(70, 130), scales=_CLASSICAL, level_db=(-14, -6), reverb_ms=(400, 1400),
        parts=(
            _part("melody", "harpsichord", pace=(1, 2, 2)),
            _part("chords", "harpsichord", pace=(4, 8), gain_db=-4),
            _part("melody", "violin", "flute", "cello", pace=(2, 4), gain_db=-2, chance=0.35, keep=0.6),
        ),
        says={"classical": 0.8, "solo": 0.15},
    ),
    "string quartet": Style(
        weight=8.0, tempo=(60, 140), scales=_CLASSICAL, level_db=(-16, -6), reverb_ms=(500, 1800),
        parts=(
            _part("melody", "violin", pace=(1, 2, 4)),
            _part("chords", "string ensemble", pace=(8, 16), gain_db=-5, chance=0.8),
            _part("arpeggio", "violin", "cello", pace=(2, 4), gain_db=-4, chance=0.4),
            _part("bass", "cello", pace=(4, 8), gain_db=-3, chance=0.6),
        ),
        says={"classical": 0.85},
    ),
    "cello suite": Style(
        weight=2.5, tempo=(50, 95), scales=_CLASSICAL, level_db=(-16, -8), reverb_ms=(500, 1600),
        parts=(
            _part("melody", "cello", pace=(2, 4, 4), keep=1.0),
            _part("arpeggio", "piano", "harpsichord", pace=(2, 4), gain_db=-6, chance=0.35),
        ),
        says={"classical": 0.75, "solo": 0.3},
    ),
    "opera": Style(
        weight=8.5, tempo=(55, 110), scales=_CLASSICAL, level_db=(-13, -4), reverb_ms=(700, 1900),
        parts=(
            _part("melody", "soprano", "soprano", "tenor", pace=(4, 4, 8), gain_db=3, keep=0.92),
            _part("chords", "string ensemble", pace=(8, 16), gain_db=-5, chance=0.7),
            _part("arpeggio", "piano", "harpsichord", "harp", pace=(2, 4), gain_db=-5, chance=0.4),
        ),
        says={"classical": 0.45},
    ),
    "choir": Style(
        weight=4.5, tempo=(50, 90), scales=(MAJOR, MINOR, DORIAN), level_db=(-14, -6), reverb_ms=(1000, 2400),
        parts=(
            _part("pad", "choir", pace=(8, 16), keep=1.0),
            _part("melody", "choir", pace=(4, 8), gain_db=-3, chance=0.7),
            _part("chords", "organ", pace=(16,), gain_db=-8, chance=0.4),
        ),
        says={"classical": 0.35},
    ),
    "piano solo": Style(
        weight=6.5, tempo=(55, 140), scales=(MAJOR, MINOR, DORIAN), level_db=(-17, -6), reverb_ms=(300, 1300),
        parts=(
            _part("melody", "piano", pace=(1, 2, 4), keep=1.0),
            _part("arpeggio", "piano", pace=(1, 2), gain_db=-4, chance=0.7),
            _part("chords", "piano", pace=(4, 8), gain_db=-4, chance=0.5),
        ),
        says={"classical": 0.55, "solo": 0.25},
    ),
    "guitar recital": Style(
        weight=7.5, tempo=(60, 130), scales=(MAJOR, MINOR, DORIAN, HARMONIC), level_db=(-17, -7),
        parts=(
            _part("arpeggio", "nylon guitar", pace=(1, 2, 2), keep=1.0),
            _part("melody", "nylon guitar", pace=(2, 4), gain_db=2, chance=0.7),
            _part("melody", "flute", "violin", pace=(4, 4, 8), gain_db=-4, chance=0.2),
        ),
        says={"classical": 0.35, "solo": 0.2},
    ),
    "flute and company": Style(
        weight=4.0, tempo=(60, 130), scales=(MAJOR, DORIAN), level_db=(-15, -7), reverb_ms=(400, 1500),
        parts=(
            _part("melody", "flute", pace=(1, 2, 4), keep=1.0),
            _part("arpeggio", "harp", "nylon guitar", "harpsichord", pace=(2, 4), gain_db=-4, chance=0.8),
            _part("chords", "string ensemble", pace=(8, 16), gain_db=-8, chance=0.3),
        ),
        says={"classical": 0.4},
    ),
    "harp": Style(
        weight=3.5, tempo=(55, 110), scales=(MAJOR, DORIAN), level_db=(-16, -8), reverb_ms=(500, 1700),
        parts=(
            _part("arpeggio", "harp", pace=(1, 2, 2), keep=1.0),
            _part("melody", "harp", "flute", "harp", pace=(2, 4), chance=0.7),
        ),
        says={"classical": 0.3, "solo": 0.2, "quiet": 0.2},
    ),
    "raga": Style(
        weight=6.5, tempo=(60, 130), scales=(RAGA, (0, 2, 4, 6, 7, 9, 11), MINOR), level_db=(-14, -6),
        parts=(
            _part("melody", "sitar", pace=(1, 2, 2, 4), keep=0.97),
            _part("drone", "tanpura", pace=(16,), gain_db=-6),
            _part("drums", "tabla", pace=(1, 2), gain_db=-2, chance=0.75, keep=0.7),
        ),
        says={"indian": 0.9},
    ),
    "rock": Style(
        weight=11.5, tempo=(90, 150), scales=(MAJOR, MINOR, BLUES), level_db=(-9, -2), reverb_ms=(100, 500),
        parts=(
            _part("riff", "distorted guitar", "electric guitar", "distorted guitar", pace=(2,), keep=0.9),
            _part("bass", "bass guitar", pace=(2, 4)),
            _part("drums", "rock kit", pace=(2,), gain_db=1, keep=0.9),
            _part("melody", *["male voice"] * 3, "female voice", pace=(2, 4), gain_db=2, chance=0.75, keep=0.65),
            _part("melody", "electric guitar", pace=(1, 2, 4), gain_db=-2, chance=0.4, keep=0.6),
        ),
        says={"rock": 0.85},
    ),
    "metal": Style(
        weight=5.0, tempo=(110, 180), scales=(MINOR, HARMONIC, CLUSTER), level_db=(-6, 0), reverb_ms=(80, 350),
        parts=(
            _part("riff", "distorted guitar", pace=(1,), gain_db=2, keep=1.0),
            _part("riff", "distorted guitar", pace=(1, 2), chance=0.6),
            _part("bass", "bass guitar", pace=(1, 2)),
            _part("drums", "rock kit", pace=(1,), gain_db=2, keep=0.95),
            _part("melody", "shout", pace=(2, 4), gain_db=2, chance=0.6, keep=0.6),
        ),
        says={"rock": 0.75, "metal": 0.85, "loud": 0.3},
    ),
    "country": Style(
        weight=3.5, tempo=(85, 140), scales=(MAJOR, MAJOR, BLUES), level_db=(-12, -5), reverb_ms=(100, 500),
        parts=(
            _part("strum", "steel guitar", pace=(2,), keep=0.95),
            _part("bass", "bass guitar", pace=(4,), gain_db=-1),
            _part("drums", "brush kit", pace=(2,), gain_db=-3, chance=0.6),
            _part("melody", "fiddle", pace=(1, 2), gain_db=-1, chance=0.55, keep=0.6),
            _part("melody", "male voice", "male voice", "female voice", pace=(2, 4), gain_db=2, chance=0.8, keep=0.7),
        ),
        says={"country": 0.8},
    ),
    "songwriter": Style(
        weight=6.0, tempo=(65, 115), scales=(MAJOR, MINOR, DORIAN), level_db=(-14, -6), reverb_ms=(150, 800),
        parts=(
            _part("arpeggio", "steel guitar", "nylon guitar", "piano", pace=(2, 2, 4), keep=1.0),
            _part("melody", "female voice", "male voice", pace=(2, 4, 4), gain_db=3, keep=0.8),
            _part("drums", "brush kit", pace=(4,), gain_db=-6, chance=0.3),
            _part("bass", "bass guitar", pace=(4, 8), gain_db=-4, chance=0.4),
        ),
        says={"pop": 0.2, "country": 0.1},
    ),
    "pop": Style(
        weight=6.0, tempo=(85, 130), scales=(MAJOR, MINOR), level_db=(-10, -3), reverb_ms=(150, 700),
        parts=(
            _part("melody", "female voice", "female voice", "male voice", pace=(2, 4), gain_db=3, keep=0.8),
            _part("strum", "electric guitar", "steel guitar", pace=(2, 4), gain_db=-3, chance=0.6),
            _part("pad", "synth pad", "piano", pace=(8, 16), gain_db=-4, chance=0.7),
            _part("bass", "bass guitar", "synth bass", pace=(2, 4)),
            _part("drums", "rock kit", "machine", pace=(2,)),
        ),
        says={"pop": 0.65, "rock": 0.25},
    ),
    "techno": Style(
        weight=13.0, tempo=(118, 150), scales=(MINOR, DORIAN, CLUSTER), level_db=(-9, -2), reverb_ms=(100, 600),
        parts=(
            _part("drums", "machine", pace=(2, 2, 1), gain_db=2, keep=0.95),
            _part("bass", "synth bass", pace=(1, 2)),
            _part("arpeggio", "square lead", "synth lead", pace=(1, 2), gain_db=-3, chance=0.85),
            _part("pad", "synth pad", pace=(16,), gain_db=-6, chance=0.5),
        ),
        says={"techno": 0.85, "electronic": 0.5, "dance": 0.15, "beat": 0.2},
    ),
    "dance": Style(
        weight=5.5, tempo=(110, 135), scales=(MAJOR, MINOR), level_db=(-8, -2), reverb_ms=(100, 500),
        parts=(
            _part("drums", "machine", pace=(2,), gain_db=2, keep=0.97),
            _part("bass", "synth bass", pace=(2,)),
            _part("chords", "piano", "synth lead", pace=(2, 4), gain_db=-3, chance=0.8),
            _part("melody", "female voice", "male voice", pace=(2, 4), gain_db=2, chance=0.5, keep=0.6),
        ),
        says={"dance": 0.6, "techno": 0.45, "electronic": 0.3, "pop": 0.25, "beat": 0.25},
    ),
    "electronica": Style(
        weight=6.5, tempo=(75, 115), scales=(MINOR, DORIAN), level_db=(-12, -4), reverb_ms=(200, 1000),
        parts=(
            _part("drums", "machine", pace=(2, 4), chance=0.85),
            _part("bass", "synth bass", pace=(2, 4), chance=0.8),
            _part("arpeggio", "bell", "synth lead", "square lead", pace=(1, 2, 4), gain_db=-2),
            _part("pad", "synth pad", pace=(16,), gain_db=-4, chance=0.7),
        ),
        says={"electronic": 0.7, "techno": 0.2, "beat": 0.2, "synth": 0.2},
    ),
    "ambient": Style(
        weight=8.5, tempo=(40, 80), scales=(MINOR, DORIAN, MAJOR), level_db=(-18, -8), reverb_ms=(1200, 2600),
        parts=(
            _part("pad", "synth pad", "drone", pace=(16,), keep=1.0),
            _part("drone", "drone", pace=(16,), gain_db=-3, chance=0.6),
            _part("arpeggio", "bell", "synth lead", "piano", pace=(4, 8), gain_db=-6, chance=0.5, keep=0.6),
        ),
        says={"ambient": 0.8, "electronic": 0.25, "slow": 0.35},
    ),
    "new age": Style(
        weight=4.5, tempo=(50, 85), scales=(MAJOR, DORIAN), level_db=(-16, -8), reverb_ms=(900, 2200),
        parts=(
            _part("pad", "synth pad", pace=(16,), gain_db=-4),
            _part("arpeggio", "piano", "harp", "nylon guitar", pace=(2, 4), chance=0.8),
            _part("melody", "flute", "bell", pace=(4, 8), gain_db=-1, chance=0.6, keep=0.7),
        ),
        says={"new age": 0.6, "ambient": 0.5, "slow": 0.2},
    ),
    "experiment": Style(
        weight=3.5, tempo=(45, 160), scales=(CLUSTER, RAGA), level_db=(-16, -3), reverb_ms=(100, 2200),
        parts=(
            _part("melody", "noise", "shout", "square lead", pace=(1, 2, 8)),
            _part("drone", "noise", "drone", pace=(8, 16), gain_db=-3, chance=0.7),
            _part("drums", "tabla", "machine", pace=(1, 4), gain_db=-2, chance=0.4),
            _part("arpeggio", "bell", "distorted guitar", pace=(1, 4), gain_db=-4, chance=0.4),
        ),
        says={"weird": 0.65, "ambient": 0.2, "electronic": 0.25},
    ),
}
# fmt: on

"""What the instruments of the built-in corpus sound like, as data: one `Timbre` or drum `Hit` each.

Conventions: times in seconds, frequencies in Hz, pitches as MIDI numbers, levels as linear amplitude. A tone is a
wavetable with harmonic n at n**-slope, shaped by pluck position and formants, under an attack-decay-release envelope.
"""

from dataclasses import dataclass

Formants = tuple[tuple[float, float, float], ...]  # (centre Hz, gain, bandwidth Hz)


@dataclass(frozen=True, kw_only=True)
class Timbre:
    centre: int  # the middle of its range
    roam: int = 7  # semitones that a song's register may lie above or below it
    slope: float  # of the spectrum: a larger one is duller
    attack: float
    decay: float = 0.0  # time constant at middle C; 0: sustained for as long as the note
    release: float = 0.05
    even: float = 1.0  # level of even harmonics: 0.2 sounds hollow
    pluck: float = 0.0  # where the string is plucked, as a fraction of its length; 0: it is not
    vowels: tuple[Formants, ...] = ()
    vibrato: float = 0.0  # cents
    n_voices: int = 1
    detune: float = 0.0  # cents between the outer voices
    breath: float = 0.0  # level of noise under the tone
    strike: float = 0.0  # level of noise at the onset
    shimmer: float = 0.5  # share of the spectrum that dies four times as fast as the rest
    drive: float = 0.0  # overdrive of the whole part
    level: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One drum: a falling sine and a burst of band-passed noise."""

    start: float = 0.0  # Hz
    end: float = 0.0
    decay: float = 0.1
    tone: float = 0.0
    noise: float = 0.0
    band: tuple[float, float] = (200.0, 7000.0)
    noise_decay: float = 0.1


_BODY_VIOLIN: Formants = ((480, 2.0, 200), (1100, 1.6, 400), (2700, 2.2, 800))
_BODY_CELLO: Formants = ((220, 2.2, 120), (600, 1.5, 250), (1500, 1.2, 600))
_FEMALE: tuple[Formants, ...] = (
    ((850, 9, 130), (1220, 6, 150), (2810, 3, 250)),
    ((430, 9, 110), (2200, 4, 200), (3000, 3, 250)),
    ((500, 9, 110), (1000, 5, 140), (2800, 2, 250)),
)
_MALE: tuple[Formants, ...] = (
    ((700, 9, 110), (1090, 6, 130), (2440, 3, 220)),
    ((360, 9, 90), (1840, 4, 170), (2500, 3, 220)),
    ((430, 9, 90), (840, 5, 120), (2400, 2, 220)),
)

TIMBRES: dict[str, Timbre] = {
    "harpsichord": Timbre(
        centre=64, roam=10, slope=0.45, attack=0.002, decay=0.7, pluck=0.13, strike=0.25, shimmer=0.35
    ),
    "piano": Timbre(
        centre=62, roam=12, slope=1.5, attack=0.004, decay=1.1, strike=0.08, n_voices=2, detune=3, shimmer=0.6
    ),
    "nylon guitar": Timbre(centre=57, roam=8, slope=1.25, attack=0.004, decay=0.6, pluck=0.3, strike=0.1, shimmer=0.7),
    "steel guitar": Timbre(centre=59, slope=0.85, attack=0.003, decay=0.9, pluck=0.2, strike=0.15, shimmer=0.6),
    "electric guitar": Timbre(centre=60, slope=1.1, attack=0.005, decay=1.4, pluck=0.25, drive=2.0, level=0.8),
    "distorted guitar": Timbre(centre=50, slope=0.9, attack=0.005, decay=3.0, pluck=0.2, drive=14.0, level=0.75),
    "harp": Timbre(centre=69, slope=1.7, attack=0.004, decay=1.3, pluck=0.45, strike=0.05, release=0.6, shimmer=0.5),
    "sitar": Timbre(
        centre=58,
        slope=0.5,
        attack=0.003,
        decay=1.3,
        pluck=0.08,
        vibrato=25,
        strike=0.2,
        shimmer=0.2,
        vowels=(((1400, 3, 600), (2800, 3, 900)),),
    ),
    "tanpura": Timbre(centre=48, slope=0.4, attack=0.05, decay=2.5, pluck=0.1, shimmer=0.1, level=0.5),
    "violin": Timbre(centre=74, slope=0.95, attack=0.06, vibrato=22, breath=0.02, vowels=(_BODY_VIOLIN,)),
    "fiddle": Timbre(centre=74, slope=0.8, attack=0.025, vibrato=8, breath=0.03, vowels=(_BODY_VIOLIN,)),
    "cello": Timbre(centre=50, slope=1.0, attack=0.08, vibrato=18, breath=0.02, vowels=(_BODY_CELLO,)),
    "string ensemble": Timbre(
        centre=64,
        roam=8,
        slope=1.1,
        attack=0.14,
        release=0.25,
        vibrato=12,
        n_voices=4,
        detune=22,
        vowels=(_BODY_VIOLIN,),
        level=0.8,
    ),
    "flute": Timbre(centre=79, slope=2.3, attack=0.05, even=0.6, vibrato=14, breath=0.12),
    "soprano": Timbre(centre=74, roam=3, slope=1.2, attack=0.07, vibrato=75, vowels=_FEMALE, level=1.2),
    "tenor": Timbre(centre=60, roam=3, slope=1.1, attack=0.07, vibrato=65, vowels=_MALE, level=1.2),
    "female voice": Timbre(
        centre=67, roam=4, slope=1.3, attack=0.05, vibrato=16, breath=0.04, vowels=_FEMALE, level=1.1
    ),
    "male voice": Timbre(centre=55, roam=4, slope=1.2, attack=0.05, vibrato=14, breath=0.03, vowels=_MALE, level=1.1),
    "shout": Timbre(centre=52, roam=6, slope=0.6, attack=0.03, vibrato=30, breath=0.35, vowels=_MALE, drive=4.0),
    "choir": Timbre(
        centre=64,
        roam=5,
        slope=1.3,
        attack=0.15,
        release=0.3,
        vibrato=14,
        n_voices=4,
        detune=30,
        breath=0.03,
        vowels=_FEMALE,
    ),
    "organ": Timbre(centre=60, slope=1.2, attack=0.03, even=0.8, n_voices=2, detune=4, level=0.7),
    "bass guitar": Timbre(centre=36, roam=4, slope=1.6, attack=0.006, decay=0.7, pluck=0.2, shimmer=0.5, level=1.1),
    "synth bass": Timbre(centre=36, roam=4, slope=1.0, attack=0.004, decay=0.4, shimmer=0.6, level=1.1),
    "synth lead": Timbre(centre=69, roam=12, slope=0.9, attack=0.01, n_voices=2, detune=14, level=0.7),
    "square lead": Timbre(centre=67, roam=12, slope=1.0, attack=0.005, even=0.05, decay=0.5, shimmer=0.4, level=0.8),
    "synth pad": Timbre(centre=60, roam=12, slope=1.5, attack=0.5, release=0.8, n_voices=4, detune=26, level=0.7),
    "drone": Timbre(
        centre=43, roam=8, slope=1.3, attack=1.2, release=1.0, n_voices=3, detune=18, breath=0.06, level=0.8
    ),
    "bell": Timbre(
        centre=76, roam=12, slope=1.1, attack=0.003, decay=0.9, even=0.3, release=0.5, shimmer=0.7, level=0.7
    ),
    "noise": Timbre(
        centre=66, roam=12, slope=0.3, attack=0.02, vibrato=160, breath=0.9, n_voices=2, detune=180, level=0.6
    ),
}

KITS: dict[str, tuple[Hit, ...]] = {
    "rock kit": (
        Hit(start=110, end=48, decay=0.12, tone=1.0, noise=0.15, noise_decay=0.01),
        Hit(start=220, end=170, decay=0.06, tone=0.4, noise=0.7, band=(900, 7000), noise_decay=0.11),
        Hit(noise=0.30, band=(5000, 7900), noise_decay=0.035),
        Hit(noise=0.5, band=(3000, 7900), noise_decay=0.5),
    ),
    "brush kit": (
        Hit(start=90, end=50, decay=0.1, tone=0.6),
        Hit(noise=0.4, band=(1500, 7000), noise_decay=0.14),
        Hit(noise=0.15, band=(5000, 7900), noise_decay=0.06),
        Hit(noise=0.2, band=(4000, 7900), noise_decay=0.3),
    ),
    "machine": (
        Hit(start=190, end=45, decay=0.16, tone=1.2, noise=0.1, noise_decay=0.005),
        Hit(noise=0.6, band=(900, 4500), noise_decay=0.09),
        Hit(noise=0.28, band=(6500, 7900), noise_decay=0.02),
        Hit(noise=0.32, band=(5500, 7900), noise_decay=0.14),
    ),
    "tabla": (
        Hit(start=95, end=82, decay=0.25, tone=0.9),
        Hit(start=310, end=300, decay=0.12, tone=0.7, noise=0.2, noise_decay=0.01),
        Hit(start=420, end=415, decay=0.07, tone=0.5, noise=0.2, noise_decay=0.01),
        Hit(start=140, end=190, decay=0.2, tone=0.8),
    ),
}

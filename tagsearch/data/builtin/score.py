"""The notes of the built-in corpus: what is played in every clip, before it sounds.

Conventions: notes as in `roles`; gains in whole dB. Everything is integers, so a score is the same on every machine. A
song repeats a progression of chords; its clips differ in who plays and in the notes.
"""

import hashlib
import math
from dataclasses import asdict, dataclass

import numpy as np

from tagsearch.data.builtin.instruments import KITS, TIMBRES
from tagsearch.data.builtin.plan import CLIP_SECONDS, Purpose, SongPlan, generator
from tagsearch.data.builtin.roles import BAR, ROLES, Frame, Notes, Player
from tagsearch.data.builtin.styles import STYLES, Style

_PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 4, 5, 3), (0, 0, 3, 4), (0, 6, 5, 4), (0, 2, 3, 3), (0, 0, 0, 0))


@dataclass(frozen=True, kw_only=True)
class Part:
    """One player in one clip. `slope_pct`, `decay_pct`: this song's instrument against the usual one, in percent."""

    instrument: str
    gain_db: int
    slope_pct: int
    decay_pct: int
    notes: Notes


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How a song was recorded. `hiss_db` is relative to full scale, `wet_pct` the share of reverberation."""

    level_db: int
    reverb_ms: int
    wet_pct: int
    tilt_db: int  # from the lowest to the highest octave
    low_cut_hz: int
    high_cut_hz: int
    hiss_db: int


@dataclass(frozen=True, kw_only=True)
class ClipScore:
    gain_db: int  # against the song's level
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class SongScore:
    style: str
    tempo: int  # quarter notes a minute
    typical_pct: int  # how typical of its style, as a listener would hear it
    mix: Mix
    clips: tuple[ClipScore, ...]

    @property
    def step_seconds(self) -> float:
        return 15.0 / self.tempo

    def digest(self) -> bytes:
        """Hash of everything in the score."""
        content = hashlib.sha256(repr((self.style, self.tempo, self.typical_pct, asdict(self.mix))).encode())
        for clip in self.clips:
            content.update(repr((clip.gain_db, len(clip.parts))).encode())
            for part in clip.parts:
                head = (part.instrument, part.gain_db, part.slope_pct, part.decay_pct, part.notes.shape)
                content.update(repr(head).encode() + part.notes.astype("<i4").tobytes())
        return content.digest()


def compose(song: SongPlan, seed: int) -> SongScore:
    random = generator(seed, Purpose.SCORE, song.index)
    habits = generator(seed, Purpose.ARTIST, song.artist)
    style = STYLES[song.style]
    tempo = _between(random, style.tempo)
    key = 54 + int(random.integers(12))
    scale = style.scales[int(random.integers(len(style.scales)))]
    progression = _PROGRESSIONS[int(random.integers(len(_PROGRESSIONS)))]
    mix = _mix(style, habits, random)
    band = _band(style, random)
    n_steps = math.ceil(CLIP_SECONDS * tempo / 15)
    clips = []
    for _ in range(song.n_clips):
        first_bar = int(random.integers(4))
        chords = tuple(progression[(first_bar + bar) % 4] for bar in range(n_steps // BAR + 1))
        frame = Frame(scale=scale, key=key, chords=chords, n_steps=n_steps)
        clips.append(_clip(band, frame, random))
    return SongScore(
        style=song.style, tempo=tempo, typical_pct=_between(random, (70, 100)), mix=mix, clips=tuple(clips)
    )


def _between(random: np.random.Generator, bounds: tuple[int, int]) -> int:
    return int(random.integers(bounds[0], bounds[1] + 1))


def _mix(style: Style, habits: np.random.Generator, random: np.random.Generator) -> Mix:
    """Half of it is the artist's habit, the other half the song's chance."""

    def drawn(low: int, high: int) -> int:
        return (_between(habits, (low, high)) + _between(random, (low, high))) // 2

    return Mix(
        level_db=drawn(*style.level_db),
        reverb_ms=drawn(*style.reverb_ms),
        wet_pct=drawn(4, 40),
        tilt_db=drawn(-14, 10),
        low_cut_hz=drawn(20, 160),
        high_cut_hz=drawn(3500, 9500),
        hiss_db=drawn(-82, -48),
    )


def _band(style: Style, random: np.random.Generator) -> tuple[Player, ...]:
    players: list[Player] = []
    for number, rule in enumerate(style.parts):
        joins = random.random() < rule.chance
        instrument = rule.instruments[int(random.integers(len(rule.instruments)))]
        player = Player(
            rule=rule,
            instrument=instrument,
            centre=_centre(instrument, random),
            pace=rule.pace[int(random.integers(len(rule.pace)))],
            pattern=int(random.integers(2**31)),
            slope_pct=_between(random, (75, 135)),
            decay_pct=_between(random, (60, 160)),
        )
        if joins or (number == len(style.parts) - 1 and not players):
            players.append(player)
    return tuple(players)


def _centre(instrument: str, random: np.random.Generator) -> int:
    if instrument in KITS:
        return 0
    timbre = TIMBRES[instrument]
    return timbre.centre + _between(random, (-timbre.roam, timbre.roam))


def _clip(band: tuple[Player, ...], frame: Frame, random: np.random.Generator) -> ClipScore:
    stays = [bool(random.random() < player.rule.keep) for player in band]
    if not any(stays):
        stays[int(random.integers(len(stays)))] = True
    parts = []
    for player, plays in zip(band, stays, strict=True):
        notes = ROLES[player.rule.role](frame, player, random)
        if plays:
            part = Part(
                instrument=player.instrument,
                gain_db=player.rule.gain_db + _between(random, (-3, 3)),
                slope_pct=player.slope_pct,
                decay_pct=player.decay_pct,
                notes=notes,
            )
            parts.append(part)
    return ClipScore(gain_db=_between(random, (-4, 3)), parts=tuple(parts))

"""The notes of the built-in corpus: what is played in every clip, before it sounds.

Conventions: time in steps of a sixteenth note; notes are int32 rows (onset, duration, pitch, velocity) with MIDI
pitches and velocities, for drums the pitch is the drum's number in its kit; gains in whole dB. Everything is integers,
so a score is the same on every machine. A song repeats a progression of chords; its clips differ in who plays and in
the notes.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from tagsearch.data.builtin.instruments import KITS, TIMBRES
from tagsearch.data.builtin.plan import CLIP_SECONDS, Purpose, SongPlan, generator
from tagsearch.data.builtin.styles import STYLES, PartRule, Scale, Style

Notes = npt.NDArray[np.int32]
BAR = 16
_PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 4, 5, 3), (0, 0, 3, 4), (0, 6, 5, 4), (0, 2, 3, 3), (0, 0, 0, 0))
_WALK = (-2, -1, -1, 0, 1, 1, 2, 4, -3)  # melodic steps on the scale, mostly small


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


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """What all parts of a clip share."""

    scale: Scale
    key: int  # MIDI pitch of the key note, around middle C
    chords: tuple[int, ...]  # scale degree of each bar's chord, from the clip's first bar on
    n_steps: int


@dataclass(frozen=True, kw_only=True)
class _Player:
    """A part of a song's band: the rule it follows, and what it keeps through all clips."""

    rule: PartRule
    instrument: str
    pace: int
    pattern: int  # seed of its rhythm
    slope_pct: int
    decay_pct: int


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
        frame = _Frame(scale=scale, key=key, chords=chords, n_steps=n_steps)
        clips.append(_clip(band, frame, random))
    return SongScore(
        style=song.style, tempo=tempo, typical_pct=_between(random, (55, 100)), mix=mix, clips=tuple(clips)
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


def _band(style: Style, random: np.random.Generator) -> tuple[_Player, ...]:
    players: list[_Player] = []
    for number, rule in enumerate(style.parts):
        joins = random.random() < rule.chance
        player = _Player(
            rule=rule,
            instrument=rule.instruments[int(random.integers(len(rule.instruments)))],
            pace=rule.pace[int(random.integers(len(rule.pace)))],
            pattern=int(random.integers(2**31)),
            slope_pct=_between(random, (80, 125)),
            decay_pct=_between(random, (60, 160)),
        )
        if joins or (number == len(style.parts) - 1 and not players):
            players.append(player)
    return tuple(players)


def _clip(band: tuple[_Player, ...], frame: _Frame, random: np.random.Generator) -> ClipScore:
    stays = [bool(random.random() < player.rule.keep) for player in band]
    if not any(stays):
        stays[int(random.integers(len(stays)))] = True
    parts = []
    for player, plays in zip(band, stays, strict=True):
        notes = ROLES[player.rule.role](frame, player, random)
        if plays and len(notes):
            part = Part(
                instrument=player.instrument,
                gain_db=player.rule.gain_db + _between(random, (-3, 3)),
                slope_pct=player.slope_pct,
                decay_pct=player.decay_pct,
                notes=notes,
            )
            parts.append(part)
    return ClipScore(gain_db=_between(random, (-4, 3)), parts=tuple(parts))


# --- roles: what a player does in a clip ---------------------------------------------------------------------------


def _pitch(frame: _Frame, instrument: str, degree: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """MIDI pitches of scale degrees, folded to within an octave of the instrument's centre."""
    octave, place = np.divmod(np.asarray(degree, dtype=np.int64), len(frame.scale))
    pitch = frame.key + 12 * octave + np.array(frame.scale, dtype=np.int64)[place]
    centre = TIMBRES[instrument].centre
    folded: npt.NDArray[np.int64] = pitch - 24 * ((pitch - (centre - 12)) // 24)
    return folded


def _register(frame: _Frame, instrument: str) -> int:
    """Degrees to add so that chords begin near the instrument's centre instead of being folded apart."""
    return round((TIMBRES[instrument].centre - frame.key) / 12) * len(frame.scale)


def _notes(onset: npt.ArrayLike, duration: npt.ArrayLike, pitch: npt.ArrayLike, velocity: npt.ArrayLike) -> Notes:
    columns = np.broadcast_arrays(onset, duration, pitch, velocity)
    return np.stack(columns, axis=1).astype(np.int32)


def _chord_at(frame: _Frame, onset: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.array(frame.chords, dtype=np.int64)[onset // BAR]


def _melody(frame: _Frame, player: _Player, random: np.random.Generator) -> Notes:
    durations = np.array(player.rule.pace, dtype=np.int64)[random.integers(len(player.rule.pace), size=frame.n_steps)]
    onset = np.cumsum(durations) - durations
    n = int(np.searchsorted(onset, frame.n_steps))
    steps = np.array(_WALK, dtype=np.int64)[random.integers(len(_WALK), size=n)]
    degree = (np.cumsum(steps) + random.integers(7)) % 12 - 3
    sounds = random.random(n) < 0.88
    velocity = random.integers(70, 111, size=n)
    pitch = _pitch(frame, player.instrument, degree + _register(frame, player.instrument))
    return _notes(onset[:n], durations[:n], pitch, velocity)[sounds]


def _stacked(frame: _Frame, player: _Player, random: np.random.Generator, every: int, tones: tuple[int, ...]) -> Notes:
    """A chord every so many steps, its tones given as scale degrees above the root."""
    onset = np.arange(0, frame.n_steps, every)
    root = _chord_at(frame, onset) + _register(frame, player.instrument)
    pitch = _pitch(frame, player.instrument, root[:, None] + np.array(tones))
    velocity = random.integers(65, 101, size=len(onset))
    return _notes(np.repeat(onset, len(tones)), every, pitch.ravel(), np.repeat(velocity, len(tones)))


def _chords(frame: _Frame, player: _Player, random: np.random.Generator) -> Notes:
    return _stacked(frame, player, random, player.pace, (0, 2, 4))


def _pad(frame: _Frame, player: _Player, random: np.random.Generator) -> Notes:
    return _stacked(frame, player, random, player.pace, (-3, 0, 2, 4))


def _strum(frame: _Frame, player: _Player, random: np.random.Generator) -> Notes:
    notes = _stacked(frame, player, random, player.pace, (0, 2, 4, 7))
    return notes[_rhythm(player, 0.8)[notes[:, 0] % BAR]]


def _drone(frame: _Frame, player: _Player, random: np.random.Generator) -> Notes:
    onset = np.arange(0, frame.n_steps, player.pace)
    pitch = _pitch(frame, player.instrument, np.tile([0, 4], (len(onset), 1)))
    return _notes(np.repeat(onset, 2), player.pace, pitch.ravel(), int(random.integers(70, 100)))


def _arpeggio(frame: _Frame, player: _Player, random: np.random.Generator) -> Notes:
    onset = np.arange(0, frame.n_steps, player.pace)
    figure = np.random.Generator(np.random.PCG64(player.pattern)).integers(0, 4, size=8)
    tone = np.array((0, 2, 4, 7), dtype=np.int64)[figure[np.arange(len(onset)) % 8]]
    degree = _chord_at(frame, onset) + tone + _register(frame, player.instrument)
    velocity = random.integers(65, 101, size=len(onset))
    return _notes(onset, player.pace, _pitch(frame, player.instrument, degree), velocity)


def _rhythm(player: _Player, density: float) -> npt.NDArray[np.bool_]:
    """The player's own pattern: which of a bar's steps sound. The first one does."""
    sounds: npt.NDArray[np.bool_] = np.random.Generator(np.random.PCG64(player.pattern)).random(BAR) < density
    sounds[0] = True
    return sounds


def _bass(frame: _Frame, player: _Player, random: np.random.Generator) -> Notes:
    onset = np.arange(0, frame.n_steps, player.pace)
    onset = onset[_rhythm(player, 0.75)[onset % BAR]]
    pitch = _pitch(frame, player.instrument, _chord_at(frame, onset) + _register(frame, player.instrument))
    return _notes(onset, player.pace, pitch, random.integers(80, 111, size=len(onset)))


def _riff(frame: _Frame, player: _Player, random: np.random.Generator) -> Notes:
    """Power chords: root, fifth and octave on the player's rhythm."""
    onset = np.arange(0, frame.n_steps, player.pace)
    onset = onset[_rhythm(player, 0.65)[onset % BAR]]
    root = _pitch(frame, player.instrument, _chord_at(frame, onset) + _register(frame, player.instrument))
    pitch = root[:, None] + np.array((0, 7, 12))
    velocity = np.repeat(random.integers(85, 121, size=len(onset)), 3)
    return _notes(np.repeat(onset, 3), player.pace, pitch.ravel(), velocity)


_GROOVES = {  # kit -> for each of its drums, patterns of a bar
    "rock kit": (("x.......x.......", "x.....x.x.......", "x..x..x...x....."), ("....x.......x...",),
                 ("x.x.x.x.x.x.x.x.", "x...x...x...x..."), ("x...............", "................")),
    "brush kit": (("x.......x.......", "x..........x...."), ("....x.......x...", "..x...x...x...x."),
                  ("x.x.x.x.x.x.x.x.", "x..xx..xx..xx..x"), ("................",)),
    "machine": (("x...x...x...x...", "x...x...x...x...", "x.....x...x....."), ("....x.......x...", "....x..x....x..."),
                ("..x...x...x...x.", "xxxxxxxxxxxxxxxx", "x.xxx.xxx.xxx.xx"), ("................", "..x...x...x...x.")),
    "tabla": (("x.....x...x.....", "x...x.....x..x.."), ("..x...x.x...x.x.", "x.x.x.x.x.x.x.x."),
              ("...x..x....x..x.", ".x.x.x.x.x.x.x.x"), ("........x.......", "....x.......x...")),
}  # fmt: skip


def _drums(frame: _Frame, player: _Player, random: np.random.Generator) -> Notes:
    """A groove of the kit; a slow pace halves it, a quick one doubles the kick."""
    taste = np.random.Generator(np.random.PCG64(player.pattern))
    step = np.arange(frame.n_steps)
    hits = []
    for drum, patterns in enumerate(_GROOVES[player.instrument]):
        pattern = patterns[int(taste.integers(len(patterns)))]
        position = step // 2 if player.pace == 4 else step * 2 if player.pace == 1 and drum == 0 else step
        sounds = np.array([cell == "x" for cell in pattern])[position % BAR]
        if player.pace == 4:
            sounds &= step % 2 == 0
        sounds &= random.random(frame.n_steps) < 0.96
        onset = step[sounds]
        hits.append(_notes(onset, 1, drum, random.integers(80, 121, size=len(onset))))
    return np.concatenate(hits)


Role = Callable[[_Frame, _Player, np.random.Generator], Notes]
ROLES: dict[str, Role] = {
    "melody": _melody,
    "chords": _chords,
    "pad": _pad,
    "strum": _strum,
    "drone": _drone,
    "arpeggio": _arpeggio,
    "bass": _bass,
    "riff": _riff,
    "drums": _drums,
}

assert set(KITS) == set(_GROOVES)

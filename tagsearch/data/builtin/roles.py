"""What a player does in a clip: one function a role, from chords to notes.

Conventions: time in steps of a sixteenth note; notes are int32 rows (onset, duration, pitch, velocity) with MIDI
pitches and velocities; for drums the pitch is the drum's number in its kit. Degrees count the notes of a scale, 0 the
key note.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tagsearch.data.builtin.instruments import KITS
from tagsearch.data.builtin.styles import PartRule, Scale

Notes = npt.NDArray[np.int32]
BAR = 16
_WALK = (-2, -1, -1, 0, 1, 1, 2, 4, -3)  # melodic steps on the scale, mostly small


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What all parts of a clip share."""

    scale: Scale
    key: int  # MIDI pitch of the key note, around middle C
    chords: tuple[int, ...]  # scale degree of each bar's chord, from the clip's first bar on
    n_steps: int


@dataclass(frozen=True, kw_only=True)
class Player:
    """A part of a song's band: the rule it follows, and what it keeps through all clips."""

    rule: PartRule
    instrument: str
    pace: int
    centre: int  # MIDI pitch in the middle of its register in this song
    slope_pct: int
    decay_pct: int
    pattern: int

    def taste(self) -> np.random.Generator:
        """The same numbers in every clip: what the player repeats."""
        return np.random.Generator(np.random.PCG64(self.pattern))


def _pitch(frame: Frame, player: Player, degree: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """MIDI pitches of scale degrees, folded to within an octave of the player's centre."""
    octave, place = np.divmod(np.asarray(degree, dtype=np.int64), len(frame.scale))
    pitch = frame.key + 12 * octave + np.array(frame.scale, dtype=np.int64)[place]
    folded: npt.NDArray[np.int64] = pitch - 24 * ((pitch - (player.centre - 12)) // 24)
    return folded


def _register(frame: Frame, player: Player) -> int:
    """Degrees to add so that chords begin near the player's centre instead of being folded apart."""
    return round((player.centre - frame.key) / 12) * len(frame.scale)


def _notes(onset: npt.ArrayLike, duration: npt.ArrayLike, pitch: npt.ArrayLike, velocity: npt.ArrayLike) -> Notes:
    columns = np.broadcast_arrays(onset, duration, pitch, velocity)
    return np.stack(columns, axis=1).astype(np.int32)


def _chord_at(frame: Frame, onset: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.array(frame.chords, dtype=np.int64)[onset // BAR]


def _melody(frame: Frame, player: Player, random: np.random.Generator) -> Notes:
    durations = np.array(player.rule.pace, dtype=np.int64)[random.integers(len(player.rule.pace), size=frame.n_steps)]
    onset = np.cumsum(durations) - durations
    n = int(np.searchsorted(onset, frame.n_steps))
    steps = np.array(_WALK, dtype=np.int64)[random.integers(len(_WALK), size=n)]
    degree = (np.cumsum(steps) + random.integers(7)) % 12 - 3
    sounds = random.random(n) < 0.88
    sounds[0] = True
    velocity = random.integers(70, 111, size=n)
    pitch = _pitch(frame, player, degree + _register(frame, player))
    return _notes(onset[:n], durations[:n], pitch, velocity)[sounds]


def _stacked(frame: Frame, player: Player, random: np.random.Generator, every: int, tones: tuple[int, ...]) -> Notes:
    """A chord every so many steps, its tones given as scale degrees above the root."""
    onset = np.arange(0, frame.n_steps, every)
    root = _chord_at(frame, onset) + _register(frame, player)
    pitch = _pitch(frame, player, root[:, None] + np.array(tones))
    velocity = random.integers(65, 101, size=len(onset))
    return _notes(np.repeat(onset, len(tones)), every, pitch.ravel(), np.repeat(velocity, len(tones)))


def _chords(frame: Frame, player: Player, random: np.random.Generator) -> Notes:
    return _stacked(frame, player, random, player.pace, (0, 2, 4))


def _pad(frame: Frame, player: Player, random: np.random.Generator) -> Notes:
    return _stacked(frame, player, random, player.pace, (-3, 0, 2, 4))


def _strum(frame: Frame, player: Player, random: np.random.Generator) -> Notes:
    notes = _stacked(frame, player, random, player.pace, (0, 2, 4, 7))
    return notes[_rhythm(player, 0.8)[notes[:, 0] % BAR]]


def _drone(frame: Frame, player: Player, random: np.random.Generator) -> Notes:
    onset = np.arange(0, frame.n_steps, player.pace)
    pitch = _pitch(frame, player, np.tile([0, 4], (len(onset), 1)))
    return _notes(np.repeat(onset, 2), player.pace, pitch.ravel(), int(random.integers(70, 100)))


def _arpeggio(frame: Frame, player: Player, random: np.random.Generator) -> Notes:
    onset = np.arange(0, frame.n_steps, player.pace)
    figure = player.taste().integers(0, 4, size=8)
    tone = np.array((0, 2, 4, 7), dtype=np.int64)[figure[np.arange(len(onset)) % 8]]
    degree = _chord_at(frame, onset) + tone + _register(frame, player)
    velocity = random.integers(65, 101, size=len(onset))
    return _notes(onset, player.pace, _pitch(frame, player, degree), velocity)


def _rhythm(player: Player, density: float) -> npt.NDArray[np.bool_]:
    """The player's own pattern: which of a bar's steps sound. The first one does."""
    sounds: npt.NDArray[np.bool_] = player.taste().random(BAR) < density
    sounds[0] = True
    return sounds


def _bass(frame: Frame, player: Player, random: np.random.Generator) -> Notes:
    onset = np.arange(0, frame.n_steps, player.pace)
    onset = onset[_rhythm(player, 0.75)[onset % BAR]]
    pitch = _pitch(frame, player, _chord_at(frame, onset) + _register(frame, player))
    return _notes(onset, player.pace, pitch, random.integers(80, 111, size=len(onset)))


def _riff(frame: Frame, player: Player, random: np.random.Generator) -> Notes:
    """Power chords: root, fifth and octave on the player's rhythm."""
    onset = np.arange(0, frame.n_steps, player.pace)
    onset = onset[_rhythm(player, 0.65)[onset % BAR]]
    root = _pitch(frame, player, _chord_at(frame, onset) + _register(frame, player))
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


def _drums(frame: Frame, player: Player, random: np.random.Generator) -> Notes:
    """A groove of the kit; a slow pace halves it, a quick one doubles the kick."""
    taste = player.taste()
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


Role = Callable[[Frame, Player, np.random.Generator], Notes]
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

"""The listeners of the built-in corpus: what they notice in a score, and in which of several words they say it.

Two stages, after what MTAT's annotations show: synonyms are rarely used together, so an absent word means little;
omission is common, contradiction rare. A clip's listeners spend some effort on it (Gamma); a concept of salience s is
noticed with probability 1 - (1 - q s)**effort; then one of its words is chosen, others are added now and then. Labels
depend on the score alone, never on rendered audio. Word rates and q are fitted to tag counts of MTAT.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv

from tagsearch.data.builtin.instruments import KITS, TIMBRES
from tagsearch.data.builtin.score import ClipScore, SongScore
from tagsearch.data.builtin.styles import STYLES
from tagsearch.data.tags import TOP_50

EFFORT_SHAPE = 1.2
EFFORT_SCALE = 1.3
FALSE_RATE = 0.002  # per concept and unit of effort: a slip, the only source of contradictions


@dataclass(frozen=True, kw_only=True)
class Concept:
    """Something to be noticed. `words`: the tags for it, each with its rate among clips where it was noticed."""

    q: float
    words: Mapping[str, float]


def _one(tag: str, q: float) -> Concept:
    return Concept(q=q, words={tag: 1.0})


CONCEPTS: dict[str, Concept] = {
    "guitar": _one("guitar", 0.8),
    "classical": Concept(q=0.72, words={"classical": 0.97, "classic": 0.15}),
    "slow": _one("slow", 0.4),
    "techno": _one("techno", 0.95),
    "strings": _one("strings", 0.62),
    "drums": _one("drums", 0.26),
    "electronic": _one("electronic", 0.85),
    "rock": _one("rock", 0.95),
    "fast": _one("fast", 0.62),
    "piano": _one("piano", 0.8),
    "ambient": _one("ambient", 0.92),
    "beat": Concept(q=0.31, words={"beat": 0.88, "beats": 0.32}),
    "violin": _one("violin", 0.52),
    "voice": Concept(q=0.6, words={"vocal": 0.56, "vocals": 0.38, "singing": 0.39, "voice": 0.21}),
    "synth": _one("synth", 0.4),
    "female": Concept(q=0.72, words={"female": 0.76, "woman": 0.51, "female vocal": 0.31, "female voice": 0.24}),
    "indian": _one("indian", 0.92),
    "opera": _one("opera", 0.88),
    "male": Concept(q=0.85, words={"male": 0.66, "man": 0.35, "male vocal": 0.47, "male voice": 0.30}),
    "no voice": Concept(q=0.085, words={"no vocals": 0.54, "no vocal": 0.45, "no voice": 0.26}),
    "harpsichord": _one("harpsichord", 0.72),
    "loud": _one("loud", 0.18),
    "quiet": Concept(q=0.48, words={"quiet": 0.58, "soft": 0.54}),
    "flute": _one("flute", 0.62),
    "pop": _one("pop", 0.75),
    "sitar": _one("sitar", 0.9),
    "solo": _one("solo", 0.16),
    "choir": Concept(q=0.85, words={"choir": 0.88, "choral": 0.60}),
    "new age": _one("new age", 0.95),
    "dance": _one("dance", 0.8),
    "harp": _one("harp", 0.75),
    "cello": _one("cello", 0.36),
    "weird": _one("weird", 0.95),
    "country": _one("country", 0.72),
    "metal": _one("metal", 0.95),
}

HEARD_AS: dict[str, Mapping[str, float]] = {  # instrument -> concepts, with the salience when it plays alone
    "harpsichord": {"harpsichord": 1.0, "strings": 0.1},
    "piano": {"piano": 1.0},
    "nylon guitar": {"guitar": 1.0, "strings": 0.15},
    "steel guitar": {"guitar": 1.0},
    "electric guitar": {"guitar": 1.0},
    "distorted guitar": {"guitar": 0.85, "rock": 0.4, "loud": 0.2},
    "harp": {"harp": 0.95, "strings": 0.2},
    "sitar": {"sitar": 0.95, "guitar": 0.15, "strings": 0.15},
    "tanpura": {"indian": 0.6},
    "violin": {"violin": 1.0, "strings": 0.7},
    "fiddle": {"violin": 0.7, "country": 0.5},
    "cello": {"cello": 1.0, "strings": 0.6, "violin": 0.25},
    "string ensemble": {"strings": 0.9, "violin": 0.6},
    "flute": {"flute": 1.0},
    "soprano": {"female": 1.0, "opera": 1.0, "voice": 0.6},
    "tenor": {"male": 1.0, "opera": 0.9, "voice": 0.6},
    "female voice": {"female": 1.0, "voice": 0.8},
    "male voice": {"male": 1.0, "voice": 0.8},
    "shout": {"male": 0.6, "voice": 0.4, "weird": 0.2},
    "choir": {"choir": 1.0, "voice": 0.4, "female": 0.3},
    "organ": {},
    "bass guitar": {},
    "synth bass": {"synth": 0.4},
    "synth lead": {"synth": 0.9, "electronic": 0.4},
    "square lead": {"synth": 0.8, "electronic": 0.5},
    "synth pad": {"synth": 0.7, "ambient": 0.3},
    "drone": {"ambient": 0.5, "synth": 0.4},
    "bell": {"synth": 0.4},
    "noise": {"weird": 0.6},
    "rock kit": {"drums": 1.0, "beat": 0.3},
    "brush kit": {"drums": 0.8},
    "machine": {"drums": 0.7, "beat": 0.9},
    "tabla": {"drums": 0.9, "indian": 0.3},
}
VOICES = frozenset(name for name, heard in HEARD_AS.items() if "voice" in heard)


def annotate(score: SongScore, random: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Labels (n_clips, 50) of a song, columns in the order of TOP_50."""
    return np.array([_labels(salience(score, clip), random) for clip in score.clips], dtype=np.uint8)


def _labels(salient: Mapping[str, float], random: np.random.Generator) -> list[int]:
    effort = EFFORT_SCALE * float(gammaincinv(EFFORT_SHAPE, random.random()))
    said: set[str] = set()
    for name, concept in CONCEPTS.items():
        chance = 1.0 - (1.0 - concept.q * salient.get(name, 0.0)) ** effort
        slip = FALSE_RATE * effort
        noticed = random.random() < chance + slip
        words = _words(concept, random)
        if noticed:
            said |= words
    return [int(tag in said) for tag in TOP_50]


def _words(concept: Concept, random: np.random.Generator) -> set[str]:
    """A first word by the rates' proportions, every other one so often that the rates come out as given."""
    total = sum(concept.words.values())
    place = random.random() * total
    said: set[str] = set()
    for word, rate in concept.words.items():
        is_first = 0.0 <= place < rate
        place -= rate
        share = rate / total
        is_added = random.random() * (1.0 - share) < rate - share
        if is_first or is_added:
            said.add(word)
    return said


def salience(score: SongScore, clip: ClipScore) -> dict[str, float]:
    """How much each concept stands out in a clip, in [0, 1], by its score alone; absent concepts are left out."""
    typical = score.typical_pct / 100
    heard = {concept: strength * typical for concept, strength in STYLES[score.style].says.items()}
    powers = _powers(clip)
    total = sum(powers.values())
    for instrument, power in powers.items():
        presence = min(1.0, 1.5 * (power / total) ** 0.5)
        for concept, strength in HEARD_AS[instrument].items():
            heard[concept] = max(heard.get(concept, 0.0), strength * presence)
    for concept, strength in (_pace(score, clip) | _loudness(score, clip, total)).items():
        heard[concept] = min(1.0, heard.get(concept, 0.0) + strength)
    if len(powers) == 1:
        heard["solo"] = heard.get("solo", 0.0) + 0.35
    if not VOICES & powers.keys():
        heard["no voice"] = 1.0
    return {concept: strength for concept, strength in heard.items() if strength > 0.0}


def _powers(clip: ClipScore) -> dict[str, float]:
    """Instrument -> its notes' summed power; a drum counts as a long note."""
    powers: dict[str, float] = {}
    for part in clip.parts:
        length = 2 if part.instrument in KITS else part.notes[:, 1]
        power = float(np.sum(part.notes[:, 3].astype(np.float64) ** 2 * length)) * 10.0 ** (part.gain_db / 10)
        level = 1.0 if part.instrument in KITS else TIMBRES[part.instrument].level
        powers[part.instrument] = powers.get(part.instrument, 0.0) + power * level**2
    return powers


def _pace(score: SongScore, clip: ClipScore) -> dict[str, float]:
    """Slow and fast: from the beat and from how many steps have an onset, both in events a second."""
    n_onsets = len(np.unique(np.concatenate([part.notes[:, 0] for part in clip.parts])))
    last = max(int(part.notes[:, 0].max()) for part in clip.parts) + 1
    pace = 0.5 * n_onsets / (last * score.step_seconds) + score.tempo / 60
    return {"slow": min(1.0, max(0.0, (3.4 - pace) / 1.2)), "fast": min(1.0, max(0.0, (pace - 5.0) / 1.5))}


def _loudness(score: SongScore, clip: ClipScore, power: float) -> dict[str, float]:
    last = max(int(part.notes[:, 0].max()) for part in clip.parts) + 1
    level = score.mix.level_db + clip.gain_db + 10.0 * float(np.log10(power / (last * 90.0**2)))
    return {"quiet": min(1.0, max(0.0, (-10.0 - level) / 6.0)), "loud": min(1.0, max(0.0, (level + 2.0) / 6.0))}

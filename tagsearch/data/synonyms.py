"""Declared merges of MagnaTagATune's synonymous tags: one column for several words, positive if any of them is.

A merge is a setting of the corpus, off by default, because it changes the task: scores on merged tags compare with
nothing published. Each set begins with the word that stays: of its words among the usual 50 the most frequent one. Only
columns that exist are merged; if the first word of a set is not among them, the next stays.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Sets = tuple[tuple[str, ...], ...]


def _sets(text: str) -> Sets:
    return tuple(tuple(line.strip().split("|")) for line in text.strip().splitlines())


MERGES: Mapping[str, Sets] = {
    "none": (),
    # The 29 sets proposed in github.com/keunwoochoi/magnatagatune-list (with `female vocal`, which codes that use the
    # list add); its author is not sure of opera and hard.
    "synonyms": _sets("""
        beat|beats
        chant|chanting
        choir|choral
        classical|classic|clasical
        drums|drum
        electronic|electro|electronica|electric
        fast|fast beat|quick
        female|woman|female vocal|female vocals|female voice|female singer|female singing|woman singing|women
        flute|flutes
        guitar|guitars
        hard|hard rock
        harpsichord|harpsicord
        metal|heavy metal|heavy
        horn|horns
        indian|india
        jazz|jazzy
        male|man|male vocal|male vocals|male voice|male singer|man singing|men
        no beat|no drums
        no vocals|no vocal|no voice|no voices|no singing|no singer|instrumental
        opera|operatic
        orchestra|orchestral
        quiet|silence
        singing|singer
        space|spacey
        strings|string
        synth|synthesizer
        violin|violins
        vocal|vocals|voice|voices
        weird|strange
    """),
    # A homework report (GCT634, KAIST, 2025): unused tags folded into the usual 50, which all stay.
    "homework": _sets("""
        guitar|guitars|classical guitar|acoustic guitar|electric guitar
        harpsichord|harpsicord
        vocal|singer
        male|male vocals|male singer|men|male opera|man singing
        female|female vocals|women|female singing|female opera|female singer|woman singing|soprano
        piano|piano solo
        violin|violins
        strings|string|viola
        no vocal|no voices|no singer
        classic|clasical
    """),
}


def merge_synonyms(
    tags: Sequence[str], labels: npt.NDArray[np.uint8], sets: Sets
) -> tuple[tuple[str, ...], npt.NDArray[np.uint8], dict[str, tuple[str, ...]]]:
    """Tags and labels (n_clips, n_tags) after the merge, and what was folded into which tag. `labels` stay as they
    are."""
    column = {tag: number for number, tag in enumerate(tags)}
    merged, folded = labels.copy(), {}
    for words in sets:
        here = [word for word in words if word in column]
        if len(here) > 1:
            merged[:, column[here[0]]] = labels[:, [column[word] for word in here]].max(axis=1)
            folded[here[0]] = tuple(here[1:])
    gone = {word for words in folded.values() for word in words}
    kept = [tag for tag in tags if tag not in gone]
    return tuple(kept), merged[:, [column[tag] for tag in kept]], folded


def merge_note(folded: Mapping[str, Sequence[str]]) -> str:
    n = sum(map(len, folded.values()))
    return f"Synonyms are merged ({n} tags folded into {len(folded)}): scores are not comparable with published ones."

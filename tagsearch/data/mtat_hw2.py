"""The homework's part of MagnaTagATune: clips of 8 s as waveform/<folder>/<name>.npy (float, 16 kHz, mono).

The labels are MagnaTagATune's own annotations_final.csv, which lists the whole dataset; the archive holds folders 0, 1,
2, a, b, c and d, and of these the clips with at least one of the 50 tags. Source: GCT634 (KAIST) homework 2, editions
2021 to 2025.
"""

from pathlib import Path, PurePosixPath

from tagsearch.data import mtat
from tagsearch.data.corpus import OpenCorpus, Progress


def load(*, cache: Path, progress: Progress, path: str, tags: str, merge: str) -> OpenCorpus:
    """The corpus in folder `path`, in the homework's split. Raises CorpusError; files that are missing or empty are
    left out and listed."""
    root = mtat.needed_path(path, "mtat_hw2")
    return mtat.read(root, name="mtat_hw2", split="hw2", tags=tags, merge=merge, audio_path=npy_path)


def npy_path(mp3_path: str) -> str:
    return f"waveform/{PurePosixPath(mp3_path).with_suffix('.npy')}"

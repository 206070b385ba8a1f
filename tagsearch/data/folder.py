"""Any folder of audio with a label file beside it (label_file.py says what that may look like).

What the file does not say is filled in and noted: without a `split` column the clips are split 60/20/20 by artist (a
corpus of a researcher's own is small: the sixteenth that MagnaTagATune validates on would hold too few positives of
most tags to choose anything by); where no artist is known the album stands for it, or the song, or the
clip itself. Audio files that the label file does not list are nobody's clips and no mistake.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from tagsearch.data.audio import audio_seconds, source_of
from tagsearch.data.corpus import OpenCorpus, Progress
from tagsearch.data.label_file import Labelled, read_label_file
from tagsearch.data.splits import Assignment, by_group
from tagsearch.data.table import Clips, open_clips
from tagsearch.data.tags import choose_tags
from tagsearch.data.works import Work
from tagsearch.errors import BadAudioError, CorpusError, MissingCorpusError
from tagsearch.records import SPLITS, Split
from tagsearch.registry import CorpusSize

SUFFIXES = (".csv", ".tsv")
SHARES: Mapping[Split, float] = {"train": 0.6, "valid": 0.2, "test": 0.2}
SPLIT_NAMES: Mapping[str, Split] = {
    "train": "train",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
    "dev": "valid",
    "test": "test",
}
# For predictions only:
N_MEASURED = 20  # clips whose headers are read
ASSUMED_SECONDS = 30.0  # of a clip where none can be measured: a common length of excerpts


def load(*, cache: Path, progress: Progress, path: str, labels: str, tags: str, sample_rate: int) -> OpenCorpus:
    """The corpus in folder `path`. Raises CorpusError; files that are missing or empty are left out and listed."""
    root = _folder(path)
    labelled = read_label_file(_label_file(root, labels))
    works, work_notes = _works(labelled)
    splits, split_notes = _splits(labelled, works)
    train = labelled.labels[splits == SPLITS.index("train")]
    chosen = choose_tags(tags, tags=labelled.tags, train_labels=train, file=labelled.file)
    clips = Clips(
        tags=chosen,
        clip_ids=labelled.clip_ids,
        paths=labelled.paths,
        works=works,
        splits=splits,
        labels=labelled.labels[:, [labelled.tags.index(tag) for tag in chosen]],
    )
    return open_clips(
        clips,
        name=root.resolve().name or "folder",
        root=root,
        sample_rate=sample_rate,
        where=dict.fromkeys(SPLITS, f"listed in {labelled.file.name}"),
        notes=[*split_notes, *work_notes],
    )


def size(*, path: str, labels: str, tags: str, sample_rate: int) -> CorpusSize:
    """Clips by split as the label file lists them, whether their audio is there or not, how long a few of them are, and
    the artists in test if the file names every clip's. Raises CorpusError."""
    root = _folder(path)
    labelled = read_label_file(_label_file(root, labels))
    works, artists_unknown = _works(labelled)
    splits, _ = _splits(labelled, works)
    test_artists = {work.artist for work, number in zip(works, splits, strict=True) if number == SPLITS.index("test")}
    train, valid, test = (int(np.sum(splits == number)) for number in range(len(SPLITS)))
    seconds = _typical_seconds(root, labelled.paths, sample_rate)
    return CorpusSize(
        train=train,
        valid=valid,
        test=test,
        clip_seconds=seconds,
        n_tags=len(labelled.tags),
        test_artists=None if artists_unknown else len(test_artists),
    )


def _typical_seconds(root: Path, paths: Sequence[str], sample_rate: int) -> float:
    """The median length of about N_MEASURED clips from all over the list; ASSUMED_SECONDS if none can be measured."""
    measured = (_seconds(root, path, sample_rate) for path in paths[:: max(1, len(paths) // N_MEASURED)])
    return median([seconds for seconds in measured if seconds] or [ASSUMED_SECONDS])


def _seconds(root: Path, path: str, sample_rate: int) -> float:
    """Of what the file's header promises; 0 if it cannot be read: opening the corpus will say so."""
    try:
        return audio_seconds(root / source_of(root, path).path, npy_rate=sample_rate)
    except (BadAudioError, OSError):
        return 0.0


def _folder(path: str) -> Path:
    if not path:
        raise CorpusError("corpus folder needs `path`, the folder that holds audio and a label file; none was given")
    return Path(path).expanduser()


def _label_file(root: Path, name: str) -> Path:
    if name:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise CorpusError(f"`labels` names a file inside the corpus folder, not {name!r}")
        return root / name
    try:
        found = sorted(file for file in root.iterdir() if file.suffix.lower() in SUFFIXES and file.name[0] != ".")
    except FileNotFoundError as error:
        raise MissingCorpusError(f"corpus folder {root} cannot be read: {error.strerror}") from error
    except OSError as error:
        raise CorpusError(f"corpus folder {root} cannot be read: {error.strerror}") from error
    if not found:  # as in the place of a disk that is not mounted
        raise MissingCorpusError(f"{root} holds no .csv or .tsv file; say where the labels are with `labels: <file>`")
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise CorpusError(f"{root} holds several .csv or .tsv files; choose one with `labels:`: {names}")
    return found[0]


def _works(labelled: Labelled) -> tuple[list[Work], list[str]]:
    """Keys of song, album and artist: the parts of a work are told apart by what they are parts of."""
    nothing = ("",) * len(labelled.paths)
    artists, albums, songs = (labelled.facts.get(fact, nothing) for fact in ("artist", "album", "song"))
    works = []
    for path, artist, album, song in zip(labelled.paths, artists, albums, songs, strict=True):
        song_key = f"{artist}\n{album}\n{song}" if song else f"\n\n\n{path}"
        album_key = f"{artist}\n{album}" if album else song_key
        works.append(Work(song=song_key, album=album_key, artist=artist or album_key))
    n_unknown = sum(not artist for artist in artists)
    if not n_unknown:
        return works, []
    of_which = "" if n_unknown == len(works) else f"{n_unknown:,} of {len(works):,} "
    note = (
        f"The artists of {of_which}clips are not known; album, song or else the clip itself stands for the artist. "
        "Intervals may be too narrow, because clips of one artist may count as independent."
    )
    return works, [note]


def _splits(labelled: Labelled, works: list[Work]) -> tuple[Assignment, list[str]]:
    if "split" not in labelled.facts:
        shares = "/".join(f"{100 * SHARES[split]:.0f}" for split in SPLITS)
        note = f"{labelled.file.name} names no splits: artists are split {shares} by a hash of their names."
        artists = [work.artist for work in works]
        if (n_artists := len(set(artists))) < len(SPLITS):
            raise CorpusError(
                f"{labelled.file} names no splits, and {len(SPLITS)} splits without a common artist need as many "
                f"artists, not {n_artists}; add a column `split` ({', '.join(SPLITS)}), or clips of more artists"
            )
        return by_group(artists, SHARES), [note]
    numbers = []
    for line, cell in zip(labelled.lines, labelled.facts["split"], strict=True):
        if cell.lower() not in SPLIT_NAMES:
            raise CorpusError(f"{labelled.file}:{line}: split must be one of {', '.join(SPLIT_NAMES)}, not {cell!r}")
        numbers.append(SPLITS.index(SPLIT_NAMES[cell.lower()]))
    return np.array(numbers, dtype=np.int8), []

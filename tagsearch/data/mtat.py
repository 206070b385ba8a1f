"""MagnaTagATune, and anything laid out like it: annotations_final.csv beside audio folders 0..9, a..f.

Read in the order annotations, works, splits, synonyms, tags, table. Source: Law, West, Mandel, Bay & Downie 2009
(ISMIR).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tagsearch.data.annotations import Annotations, read_annotations
from tagsearch.data.corpus import OpenCorpus, Progress
from tagsearch.data.splits import DROPPED, SPLIT_RULES, Assignment
from tagsearch.data.synonyms import MERGES, merge_note, merge_synonyms
from tagsearch.data.table import Clips, open_clips
from tagsearch.data.tags import TOP_50, choose_tags, named_tags
from tagsearch.data.works import credited, work_of
from tagsearch.errors import CorpusError
from tagsearch.records import SPLITS

ANNOTATIONS = "annotations_final.csv"
SAMPLE_RATE = 16_000  # Hz; the rate of MTAT's files
USUAL_TAGS = "top50"  # the setting that means TOP_50


def load(*, cache: Path, progress: Progress, path: str, split: str, tags: str, merge: str) -> OpenCorpus:
    """The corpus in folder `path`. Raises CorpusError; files that are missing or empty are left out and listed."""
    return read(needed_path(path, "mtat"), name="mtat", split=split, tags=tags, merge=merge)


def needed_path(path: str, corpus: str) -> Path:
    if not path:
        raise CorpusError(f"corpus {corpus} needs `path`, the folder that holds {ANNOTATIONS}; none was given")
    return Path(path).expanduser()


def read(
    root: Path,
    *,
    name: str,
    split: str = "12:1:3",
    tags: str = USUAL_TAGS,
    merge: str = "none",
    audio_path: Callable[[str], str] = str,
) -> OpenCorpus:
    """The corpus in folder `root`, as `load` gives it, under another name. `audio_path`: from an mp3_path to where the
    clip's audio lies in `root`."""
    annotations = read_annotations(root / ANNOTATIONS)
    rule = SPLIT_RULES[split]
    works = [work_of(path) for path in annotations.paths]
    works = credited(works) if rule.by_performer else works
    splits = rule.assign(annotations.paths, works)
    chosen, labels, notes = _chosen_labels(annotations, splits, tags=tags, merge=merge)
    if rule.tagged_only:
        splits = np.where(labels.any(axis=1), splits, DROPPED).astype(np.int8)
    clips = Clips(
        tags=chosen,
        clip_ids=annotations.clip_ids,
        paths=[audio_path(path) for path in annotations.paths],
        works=works,
        splits=splits,
        labels=labels,
    )
    return open_clips(
        clips,
        name=name,
        root=root,
        sample_rate=SAMPLE_RATE,
        where=rule.where,
        notes=[*notes, *([rule.note] if rule.note else [])],
        min_seconds=rule.min_seconds,
    )


def _chosen_labels(
    annotations: Annotations, splits: Assignment, *, tags: str, merge: str
) -> tuple[tuple[str, ...], npt.NDArray[np.uint8], list[str]]:
    """Tags, their labels (n_clips, n_tags), and what readers must know of them. The usual 50 are taken by name, unless
    a merge has folded some of them away: then the 50 most frequent of what is left, counted on the training clips."""
    names, labels, folded = merge_synonyms(annotations.tags, annotations.labels, MERGES[merge])
    notes = [merge_note(folded)] if MERGES[merge] else []
    gone = {word for words in folded.values() for word in words}
    if tags == USUAL_TAGS and not gone.intersection(TOP_50):
        chosen = named_tags(TOP_50, among=names, file=annotations.file)
    else:
        train = labels[splits == SPLITS.index("train")]
        chosen = choose_tags(tags, tags=names, train_labels=train, file=annotations.file)
        if not MERGES[merge]:
            notes.append(f"The tags are not the usual 50 but {tags}: scores are not comparable with published ones.")
    return chosen, labels[:, [names.index(tag) for tag in chosen]], notes

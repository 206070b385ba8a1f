"""Corpora."""

from tagsearch.registry.entries import CorpusEntry, CorpusSize, Knob
from tagsearch.registry.sources import HOMEWORK

_MTAT = "Law et al. 2009 (ISMIR)"
_MTAT_PATH = Knob(
    default="", reason="the folder that holds annotations_final.csv; there is no default place", is_path=True
)
_MTAT_TAGS = Knob(
    default="top50",
    pattern=r"all|top[1-9][0-9]*",
    form="all, or top<N> for the N most frequent tags, as in top50",
    reason="the 50 tags of nearly every publication; another N is counted on the training clips",
)
_MERGE = Knob(
    default="none",
    choices=("none", "synonyms", "homework"),
    reason="merged tags compare with nothing published; synonyms: 29 sets, homework: into the usual 50",
)

# Settings of a study's `data:` that every corpus has. They are the study's and no arm's: arms that hear other clips, or
# the same clips differently, would differ by more than their factors.
DATA: dict[str, Knob] = {
    "pad": Knob(
        default="refuse",
        choices=("refuse", "repeat"),
        reason="of a clip shorter than the longest chunk of any arm; one that is repeated is not what was played",
    ),
}

CORPORA: dict[str, CorpusEntry] = {
    "builtin": CorpusEntry(
        target="tagsearch.data.builtin:load",
        summary="music-like clips that tagsearch composes and synthesises itself, in MTAT's layout",
        source="this project",
        knobs={
            "size": Knob(default="full", choices=("full", "small"), reason="full: verdicts; small: a smoke test"),
            "seed": Knob(default=0, low=0, high=2**31 - 1, reason="which corpus is composed"),
        },
        size_knob="size",
        sizes={
            "full": CorpusSize(train=1199, valid=396, test=1106, clip_seconds=8.0, n_tags=50, test_artists=189),
            "small": CorpusSize(train=117, valid=39, test=96, clip_seconds=8.0, n_tags=50, test_artists=20),
        },
    ),
    "mtat": CorpusEntry(
        target="tagsearch.data.mtat:load",
        summary="MagnaTagATune: annotations_final.csv and audio folders 0..f",
        source=_MTAT,
        knobs={
            "path": _MTAT_PATH,
            "split": Knob(
                default="12:1:3",
                choices=("12:1:3", "filtered", "hw2", "artist_disjoint"),
                reason="by folder, every clip; filtered: as published lists, without clips that have none of the tags",
            ),
            "tags": _MTAT_TAGS,
            "merge": _MERGE,
        },
        size_knob="split",
        sizes={
            "12:1:3": CorpusSize(train=18_706, valid=1_825, test=5_329, clip_seconds=29.1, n_tags=188, test_artists=75),
            "filtered": CorpusSize(
                train=15_244, valid=1_529, test=4_332, clip_seconds=29.1, n_tags=188, test_artists=75
            ),
            "hw2": CorpusSize(train=6_206, valid=1_529, test=1_339, clip_seconds=29.1, n_tags=188, test_artists=26),
            "artist_disjoint": CorpusSize(
                train=19_301, valid=1_719, test=4_840, clip_seconds=29.1, n_tags=188, test_artists=47
            ),
        },
    ),
    "mtat_hw2": CorpusEntry(
        target="tagsearch.data.mtat_hw2:load",
        summary="the homework's clips of MagnaTagATune: annotations_final.csv and waveform/<folder>/<name>.npy of 8 s",
        source=HOMEWORK,
        knobs={
            "path": _MTAT_PATH,
            "tags": _MTAT_TAGS,
            "merge": _MERGE,
        },
        sizes={"": CorpusSize(train=6_206, valid=1_529, test=1_339, clip_seconds=8.0, n_tags=188, test_artists=26)},
    ),
    "folder": CorpusEntry(
        target="tagsearch.data.folder:load",
        summary="any folder of audio with a CSV or TSV of tags, one row per clip or one per clip and tag",
        source="this project",
        knobs={
            "path": Knob(default="", reason="the folder that holds the audio; there is no default place", is_path=True),
            "labels": Knob(default="", reason="the label file's name in that folder; by default its only .csv or .tsv"),
            "tags": Knob(
                default="all",
                pattern=r"all|top[1-9][0-9]*",
                form="all, or top<N> for the N most frequent tags, as in top20",
                reason="whoever wrote the label file chose the tags",
            ),
            "sample_rate": Knob(
                default=16_000, low=1_000, high=768_000, reason="in Hz, of .npy, which does not say it"
            ),
        },
        measure="tagsearch.data.folder:size",
    ),
}

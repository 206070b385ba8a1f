"""The label analysis of a corpus, as frames: everything that the page of a corpus shows can be traced to one of them.

Nothing is trained here; pairs and agreement are counted over the clips of all splits that have a tag. Frames:

    splits   one row a split, see `split_facts`
    counts   one row a tag, see `tag_counts`
    shared   one row a split with another and a kind: songs, albums, artists of the one that are in the other, too
    rare     one row a split and tag that cannot be measured there, see `rare_tags`
    pairs    one row a pair of tags, see `tag_pairs.tag_pairs`
"""

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.labels import label_measures, siblings, tag_pairs
from analysis.labels.label_measures import Imbalance
from analysis.labels.siblings import Siblings
from tagsearch.records import SPLITS, CorpusTable, Split

MAX_ORDERED = 200  # tags: more cannot be read in one picture, and take minutes to order


@dataclass(frozen=True, kw_only=True)
class CorpusLabels:
    """The labels of a corpus; each frame is worked out when first asked for."""

    table: CorpusTable

    @cached_property
    def tagged(self) -> npt.NDArray[np.bool_]:
        """(n_clips,): has at least one tag."""
        return np.asarray(self.table.labels.any(axis=1))

    @cached_property
    def siblings(self) -> Siblings:
        return siblings.measure(self.table.labels[self.tagged], self.table.songs[self.tagged])

    @cached_property
    def splits(self) -> pd.DataFrame:
        return pd.DataFrame([split_facts(self.table, split) for split in SPLITS])

    @cached_property
    def counts(self) -> pd.DataFrame:
        return tag_counts(self.table, self.siblings)

    @cached_property
    def shared(self) -> pd.DataFrame:
        return shared_groups(self.table)

    @cached_property
    def rare(self) -> pd.DataFrame:
        return rare_tags(self.table)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        return tag_pairs.tag_pairs(self.table.tags, self.table.labels[self.tagged], self.siblings)

    @cached_property
    def order(self) -> list[int]:
        """The MAX_ORDERED most frequent tags so that those that keep the same company are neighbours."""
        observed = tag_pairs.cooccurrence(self.table.labels[self.tagged])
        frequent = np.argsort(-np.diag(observed), kind="stable")[:MAX_ORDERED]
        profile = tag_pairs.profiles(tag_pairs.residuals(observed, int(self.tagged.sum())))
        return [int(frequent[k]) for k in tag_pairs.clustered_order(profile[np.ix_(frequent, frequent)])]

    @cached_property
    def synonyms(self) -> pd.DataFrame:
        """Likely synonyms, the strongest evidence first."""
        found = self.pairs[self.pairs["synonym_score"].notna()]
        return found.sort_values(["synonym_score", "observed"], ascending=False, kind="stable")

    @cached_property
    def families(self) -> list[tuple[str, ...]]:
        return tag_pairs.families(self.table.tags, self.pairs)

    def contradictory(self, kind: str) -> pd.DataFrame:
        """Contradictory pairs of a kind (see `tag_pairs.contradictions`), those that surely meet the least first."""
        return self.pairs[self.pairs["contradiction"] == kind].sort_values("ratio_upper", kind="stable")

    @cached_property
    def imbalance(self) -> Imbalance:
        return label_measures.imbalance_of(self.table.labels[self.table.rows("train")])

    def to_json(self) -> dict[str, object]:
        """The figures as plain values; None for what is not defined. Counts and pairs have CSV files of their own."""
        return {
            "corpus": self.table.name,
            "fingerprint": self.table.fingerprint,
            "notes": list(self.table.notes),
            "splits": plain_records(self.splits),
            "imbalance": {name: _plain(value) for name, value in asdict(self.imbalance).items()},
            "shared": plain_records(self.shared),
            "rare": plain_records(self.rare),
            "synonym_families": [list(family) for family in self.families],
            "contradictory_pairs": {kind: len(self.contradictory(kind)) for kind in tag_pairs.KINDS},
        }


def labels_of(corpus: CorpusTable | CorpusLabels) -> CorpusLabels:
    """For functions that take a table, or its analysis where that is shared."""
    return corpus if isinstance(corpus, CorpusLabels) else CorpusLabels(table=corpus)


def split_facts(table: CorpusTable, split: Split) -> dict[str, object]:
    """split, clips, untagged (clips); songs, albums, artists; tags_per_clip, tags_per_tagged_clip, density."""
    rows = table.rows(split)
    n_tags = table.labels[rows].sum(axis=1, dtype=np.int64)
    n_tagged = int((n_tags > 0).sum())
    groups = {name: len(np.unique(ids[rows])) for name, ids in _groups(table).items()}
    return {
        "split": split,
        "clips": len(rows),
        "untagged": len(rows) - n_tagged,
        **groups,
        "tags_per_clip": n_tags.sum() / len(rows) if len(rows) else np.nan,
        "tags_per_tagged_clip": n_tags.sum() / n_tagged if n_tagged else np.nan,
        "density": n_tags.sum() / (len(rows) * len(table.tags)) if len(rows) else np.nan,
    }


def tag_counts(table: CorpusTable, siblings: Siblings) -> pd.DataFrame:
    """One row a tag, in the corpus's order: tag; n_train, n_valid, n_test (clips); irlbl on train; base (share of the
    tagged clips), sibling_agreement and sibling_lift = sibling_agreement / base; sibling_reliable."""
    counts = {f"n_{split}": table.labels[table.rows(split)].sum(axis=0, dtype=np.int64) for split in SPLITS}
    frame = pd.DataFrame({"tag": np.array(table.tags, dtype=object), **counts})
    frame["irlbl"] = label_measures.irlbl(counts["n_train"])
    frame["base"], frame["sibling_agreement"] = siblings.base, siblings.agreement
    frame["sibling_lift"] = label_measures.ratio(siblings.agreement, siblings.base)
    frame["sibling_reliable"] = siblings.reliable
    return frame


def tags_per_clip(table: CorpusTable) -> dict[Split, npt.NDArray[np.int64]]:
    """Number of clips with 0, 1, 2, ... tags in each split, to the largest number of tags that any clip has."""
    n_tags = table.labels.sum(axis=1, dtype=np.int64)
    longest = int(n_tags.max(initial=0)) + 1
    return {split: np.bincount(n_tags[table.rows(split)], minlength=longest) for split in SPLITS}


def shared_groups(table: CorpusTable) -> pd.DataFrame:
    """One row a kind (songs, albums, artists) and ordered pair of splits, first the split that is evaluated: how many
    of its groups there are, how many of them are in the other split, too, and the clips by those (n, share)."""
    rows = []
    for seen, scored in itertools.combinations(SPLITS, 2):
        for kind, ids in _groups(table).items():
            of_scored = ids[table.rows(scored)]
            is_shared = np.isin(of_scored, ids[table.rows(seen)])
            n_clips = int(is_shared.sum())
            rows.append(
                {
                    "kind": kind,
                    "scored": scored,
                    "seen": seen,
                    "n": len(np.unique(of_scored)),
                    "n_shared": len(np.unique(of_scored[is_shared])),
                    "clips_shared": n_clips,
                    "share_of_clips": n_clips / len(of_scored) if len(of_scored) else np.nan,
                }
            )
    return pd.DataFrame(rows)


def rare_tags(table: CorpusTable) -> pd.DataFrame:
    """Tags that cannot be measured in valid or test: split, tag, n_positives, auc_error, why. `why` is "undefined" (no
    positive or no negative clip: there is no ROC AUC) or "too rare": fewer than MIN_POSITIVES clips on a side, or a
    standard error of the ROC AUC above MAX_ERROR at TYPICAL_AUC, see `label_measures`."""
    frames = []
    for split in SPLITS[1:]:
        labels = table.labels[table.rows(split)]
        n_positives = labels.sum(axis=0, dtype=np.int64)
        n_negatives = len(labels) - n_positives
        error = label_measures.auc_error(n_positives, n_negatives)
        few = np.minimum(n_positives, n_negatives) < label_measures.MIN_POSITIVES
        why = np.select([np.isnan(error), few | (error > label_measures.MAX_ERROR)], ["undefined", "too rare"], "")
        frame = {"split": split, "tag": np.array(table.tags, dtype=object), "n_positives": n_positives}
        found = pd.DataFrame(frame | {"auc_error": error, "why": why.astype(object)})[why != ""]
        frames.append(found.sort_values("n_positives", kind="stable"))
    together: pd.DataFrame = pd.concat(frames, ignore_index=True)
    return together


def plain_records(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Rows with None for what is not finite, as JSON knows neither NaN nor infinity."""
    rows = frame.astype(object).to_dict(orient="records")
    return [{str(key): _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: object) -> object:
    is_lost = isinstance(value, float) and not np.isfinite(value)
    return None if is_lost else value


def _groups(table: CorpusTable) -> Mapping[str, npt.NDArray[np.int32]]:
    return {"songs": table.songs, "albums": table.albums, "artists": table.artists}

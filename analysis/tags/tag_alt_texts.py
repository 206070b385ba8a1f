"""What the pictures of tags show, in words from the same data, for those who cannot see them."""

from collections.abc import Sequence

from analysis.labels.labels import CorpusLabels
from analysis.tags.tagwise import Tagwise, differences


def clip_sizes(labels: CorpusLabels) -> str:
    """Of `labels.splits`."""
    rows = labels.splits.to_dict("records")
    return "Mean number of tags: " + ", ".join(f"{row['split']} {row['tags_per_clip']:.2f}" for row in rows)


def pairs(labels: CorpusLabels) -> str:
    n_apart = int((labels.pairs["contradiction"] != "").sum())
    return f"{len(labels.synonyms):,} pairs are likely synonyms, {n_apart:,} contradict each other"


def precision_recall(models: Sequence[Tagwise]) -> str:
    told = (f"{one.arm}: precision {one.totals.precision:.2f}, recall {one.totals.recall:.2f}" for one in models)
    return f"Over all tags, {'; '.join(told)}"


def tag_counts(models: Sequence[Tagwise]) -> str:
    told = (f"{one.arm}: divergence {one.totals.jsd:.2f} bits, {one.totals.n_never:.3g} tags never" for one in models)
    return f"Predicted beside annotated, {'; '.join(told)}"


def beside(one: Tagwise, other: Tagwise, names: tuple[str, str]) -> str:
    """By the difference in PR AUC of the tags that both define."""
    known = differences(one, other)[["tag", "pr_auc"]].dropna()
    if known.empty:
        return ""
    rising = known.sort_values("pr_auc", kind="stable")
    least, most = (f"{row.tag} {row.pr_auc:+.2f}" for row in (rising.iloc[0], rising.iloc[-1]))
    n_above = int((known["pr_auc"] > 0).sum())
    return f"{names[0]} lies above {names[1]} on {n_above} of {len(known)} tags, from {least} to {most}"

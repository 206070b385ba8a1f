"""The label analysis as a section of a page: plain sentences, short tables, pictures. The frames have everything else.

A table shows at most MAX_ROWS pairs and says how many there are.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.labels import label_figures, label_measures, tag_pairs
from analysis.labels.labels import CorpusLabels, labels_of
from analysis.report.grids import Grid
from analysis.report.sections import Part, Section, Text, draw
from analysis.tags import tag_alt_texts
from tagsearch.records import SPLITS, CorpusTable

MAX_ROWS = 30
CONTRADICTIONS = {"opposite": 14, "alternative": 8, "apart": 4}  # rows of each kind
MAX_SHOWN = 2  # rows of one kind that show a tag or one of its likely synonyms
MAX_NAMES = 12
MISSING = "-"  # what cannot be measured


def labels_section(corpus: CorpusTable | CorpusLabels) -> Section:
    return Section(anchor="data", title="Data analysis", parts=list(_parts(labels_of(corpus))))


def texts(labels: CorpusLabels) -> tuple[Text | Grid, ...]:
    """The section without its pictures."""
    return tuple(part for part in _parts(labels, pictures=False) if isinstance(part, Text | Grid))


def _parts(labels: CorpusLabels, *, pictures: bool = True) -> Iterator[Part]:
    def drawn(name: str, title: str, figure: Any, told: str) -> Sequence[Part]:
        return draw(f"data_{name}", title, partial(figure, labels), told=told) if pictures else ()

    if labels.table.notes:
        yield Text(lines=tuple(labels.table.notes))
    yield Text(lines=tuple(overview(labels)))
    yield splits_grid(labels)
    yield from drawn("tag_counts", "Clips of each tag", label_figures.counts, _extremes(labels))
    yield imbalance_grid(labels)
    yield from drawn("tags_per_clip", "Tags of a clip", label_figures.clip_sizes, tag_alt_texts.clip_sizes(labels))
    yield Text(lines=tuple(rarity(labels)))
    yield from drawn("siblings", "Do clips of one song agree?", label_figures.siblings, _agreement(labels))
    yield from drawn(
        "tag_pairs", "Tags together on a clip, against chance", label_figures.together, tag_alt_texts.pairs(labels)
    )
    yield _filled(synonyms_grid(labels))
    if labels.families:
        yield Text(lines=(f"Groups in which every pair is a likely synonym: {_families(labels)}.",))
    yield _filled(contradictions_grid(labels))


def _filled(grid: Grid) -> Grid | Text:
    """A table without rows as text."""
    return grid if grid.rows else Text(lines=(f"{grid.title}.", *grid.notes), soft=True)


# --- sentences -------------------------------------------------------------------------------------------------------


def overview(labels: CorpusLabels) -> Iterator[str]:
    n_clips, n_tagged = len(labels.table.labels), int(labels.tagged.sum())
    first = (
        f"{n_clips:,} clips and {_counted(len(labels.table.tags), 'tag')}; {n_clips - n_tagged:,} clips have no tag."
    )
    if n_tagged:
        first += f" Those that have one have {labels.table.labels.sum(dtype=int) / n_tagged:.2f} on average."
    yield first
    if labels.table.labels.any():
        yield _extremes(labels)
    yield _shared(labels)
    yield _agreement(labels)


def _extremes(labels: CorpusLabels) -> str:
    """Empty without any label."""
    if not labels.table.labels.any():
        return ""
    counts = labels.counts[["tag", *(f"n_{split}" for split in SPLITS)]].set_index("tag").sum(axis=1)
    falling = counts.sort_values(ascending=False, kind="stable")
    most, least = (", ".join(f"{tag} {n:,}" for tag, n in part.items()) for part in (falling[:5], falling[5:][-5:]))
    return f"Most frequent: {most}." + (f" Least frequent: {least}." if least else "")


def _shared(labels: CorpusLabels) -> str:
    """Of test and train: songs and albums only if there are any."""
    if len(np.unique(labels.table.artists)) == len(labels.table.artists):
        return (
            "Every clip counts as an artist of its own: whether music of the test split is in the training split, too, "
            "cannot be told."
        )
    rows = labels.shared[(labels.shared["scored"] == "test") & (labels.shared["seen"] == "train")].to_dict("records")
    told = [
        f"{row['n_shared']:,} of {row['n']:,} test {row['kind']} ({row['share_of_clips']:.0%} of the test clips)"
        for row in rows
        if row["n_shared"]
    ]
    if not told:
        return "No song, album or artist of the test split is in the training split."
    known = "songs" if rows[0]["n_shared"] else "artists"
    return f"Also in the training split: {'; '.join(told)}. To that extent test scores are scores on known {known}."


def _agreement(labels: CorpusLabels) -> str:
    known = labels.counts[labels.counts["sibling_agreement"].notna()]
    if known.empty:
        unmeasured = (
            "No song has two clips with tags: how well listeners agree cannot be measured, and likely synonyms "
        )
        alone = labels.pairs["profile"].notna().any()
        return unmeasured + ("are found by the company they keep alone." if alone else "cannot be found.")
    agreement, base = known["sibling_agreement"].mean(), known["base"].mean()
    doubtful = known.loc[~known["sibling_reliable"], "tag"]
    return (
        f"Given a tag on one clip, another clip of the same song has it with probability {agreement:.2f} (mean over "
        f"{_counted(len(known), 'tag')}); any clip, {base:.2f}. Not surely above chance: {_names(doubtful)}."
    )


def rarity(labels: CorpusLabels) -> Iterator[str]:
    """One sentence a split and reason, and the rule."""
    told = {"undefined": "no ROC AUC, as all or none of the clips have them", "too rare": "too rare to be measured"}
    for (split, why), rows in labels.rare.groupby(["split", "why"], sort=False):
        names = [f"{row.tag} ({row.n_positives})" for row in rows.itertuples()]
        yield f"{split}: {len(rows)} of {_counted(len(labels.table.tags), 'tag')}: {told[str(why)]}: {_names(names)}."
    if labels.rare.empty:
        yield "Every tag can be measured in valid and test."
    yield (
        f"Too rare: fewer than {label_measures.MIN_POSITIVES} clips with (or without) the tag, or a standard error of "
        f"its ROC AUC above {label_measures.MAX_ERROR:g} (Hanley & McNeil 1982, at {label_measures.TYPICAL_AUC:g}, for "
        "independent clips: a lower bound). Such tags count in macro scores, but the score of one of them says little."
    )


def _families(labels: CorpusLabels) -> str:
    return "; ".join(" = ".join(family) for family in labels.families)


def _names(names: Sequence[str] | pd.Series) -> str:
    listed = [str(name) for name in names]
    more = f" and {len(listed) - MAX_NAMES} more" if len(listed) > MAX_NAMES else ""
    return (", ".join(listed[:MAX_NAMES]) or "none") + more


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


# --- tables ----------------------------------------------------------------------------------------------------------


def splits_grid(labels: CorpusLabels) -> Grid:
    head = ("split", "clips", "without a tag", "songs", "albums", "artists", "tags a clip", "density")
    rows = [
        (
            row["split"],
            *(f"{row[name]:,}" for name in ("clips", "untagged", "songs", "albums", "artists")),
            _number(row["tags_per_clip"], "{:.2f}"),
            _number(row["density"], "{:.1%}"),
        )
        for row in labels.splits.to_dict("records")
    ]
    note = "Density: share of the cells of clips x tags that are 1."
    return Grid(title="Splits", head=head, rows=tuple(rows), right=(False, *(True for _ in head[1:])), notes=(note,))


def imbalance_grid(labels: CorpusLabels) -> Grid:
    found = labels.imbalance
    several = f"{found.largest:,} : {found.smallest:,}" if found.n_tags else MISSING
    rows = (
        ("clips of the largest and the smallest tag", several),
        ("MeanIR: the largest tag over each tag, mean", _number(found.mean_ir, "{:.1f}")),
        ("MaxIR: the largest tag over the smallest", _number(found.max_ir, "{:.1f}")),
        ("Gini coefficient of the counts, 0 to 1", _number(found.gini, "{:.2f}")),
        ("SCUMBLE: frequent and rare tags on one clip, 0 to 1", _number(found.scumble, "{:.3f}")),
    )
    n_lost = len(labels.table.tags) - found.n_tags
    lost = (f"{_counted(n_lost, 'tag')} without a training clip left out of the ratios.",) if n_lost else ()
    source = "Charte et al. 2015 (IRLbl, MeanIR) and 2014 (SCUMBLE)."
    head = ("measure, training split", "value")
    return Grid(title="Imbalance", head=head, rows=rows, right=(False, True), notes=(*lost, source))


def synonyms_grid(labels: CorpusLabels) -> Grid:
    found = labels.synonyms
    rows = [
        (
            row["a"],
            row["b"],
            f"{row['observed']:,}",
            *(_number(row[name], "{:.2f}") for name in ("p_b_given_a", "p_a_given_b")),
            *(_number(row[name], "{:.1f}") for name in ("lift", "sibling_lift")),
            *(_number(row[name], "{:.2f}") for name in ("sibling_correlation", "profile")),
        )
        for row in found.head(MAX_ROWS).to_dict("records")
    ]
    head = ("tag a", "tag b", "both", "P(b|a)", "P(a|b)", "lift", "sibling lift", "songs", "company")
    rule = (
        f"Songs: correlation of a on one clip with b on another of its song, corrected for what listeners leave out "
        f"(Spearman 1904); {MISSING}: unreliable. Company: likeness of their co-occurrence with all other tags. A pair "
        f"is listed with songs >= {tag_pairs.SAME_SONGS:g}, company >= {tag_pairs.SAME_COMPANY:g} and lift >= "
        f"{tag_pairs.MIN_LIFT:g}; without songs, with company >= {tag_pairs.SAME_COMPANY_ALONE:g} and lift >= "
        f"{tag_pairs.MIN_LIFT_ALONE:g}; both words on {tag_pairs.MIN_TOGETHER} clips or more."
    )
    doubt = "Labels cannot tell two words for one thing from two things that always come together."
    return Grid(
        title=f"Likely synonyms: {_shown(len(rows), len(found))}",
        head=head,
        rows=tuple(rows),
        right=(False, False, *(True for _ in head[2:])),
        notes=(rule, doubt),
    )


def contradictions_grid(labels: CorpusLabels) -> Grid:
    rows = [
        (
            row["contradiction"],
            row["a"],
            row["b"],
            f"{row['observed']:,}",
            f"{row['expected']:.1f}",
            f"{row['lift']:.2f}",
            *(_number(row[name], "{:.2f}") for name in ("sibling_correlation", "profile")),
        )
        for kind, n_rows in CONTRADICTIONS.items()
        for row in _diverse(labels, labels.contradictory(kind), n_rows)
    ]
    n_found = int((labels.pairs["contradiction"] != "").sum())
    head = ("kind", "tag a", "tag b", "together", "by chance", "ratio", "songs", "company")
    rule = (
        f"Pairs that meet at most {tag_pairs.MAX_RATIO:g} times as often as independent tags would (of at least "
        f"{tag_pairs.MIN_EXPECTED:g} clips by chance), at a false discovery rate of {tag_pairs.MAX_Q:g}: exact test, "
        "clips of one song counted as far as they differ, Benjamini & Hochberg over all pairs. Surest first; likely "
        f"synonyms count as one tag, and a tag has at most {MAX_SHOWN} rows of a kind."
    )
    kinds = (
        f"Opposite: songs <= {tag_pairs.OPPOSITE_SONGS:g}, or where songs are unreliable company <= "
        f"{tag_pairs.OPPOSITE_COMPANY:g}. Alternative: company >= {tag_pairs.ALTERNATIVE_COMPANY:g}, yet one or the "
        "other. Apart: the rest. Labels cannot tell a contradiction from two kinds of music that never meet."
    )
    return Grid(
        title=f"Contradictory pairs: {_shown(len(rows), n_found)}",
        head=head,
        rows=tuple(rows),
        right=(False, False, False, *(True for _ in head[3:])),
        notes=(rule, kinds),
    )


def _diverse(labels: CorpusLabels, pairs: pd.DataFrame, n_rows: int) -> Iterator[dict[Any, Any]]:
    """The first pairs that show two new groups of synonyms, no group more than MAX_SHOWN times."""
    group = {tag: family[0] for family in labels.families for tag in family}
    shown: Counter[str] = Counter()
    seen: set[frozenset[str]] = set()
    for row in pairs.to_dict("records"):
        both = frozenset(group.get(tag, tag) for tag in (row["a"], row["b"]))
        if len(seen) == n_rows:
            return
        if both not in seen and all(shown[one] < MAX_SHOWN for one in both):
            seen.add(both)
            shown.update(both)
            yield row


def _shown(n_rows: int, n_found: int) -> str:
    if not n_found:
        return "none found"
    return f"all {n_found:,}" if n_rows == n_found else f"{n_rows} of {n_found:,}"


def _number(value: float, form: str) -> str:
    return form.format(value) if np.isfinite(value) else MISSING

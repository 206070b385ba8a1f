"""What an arm changes tag by tag: groups of tags, marked tags, a picture an arm; parts of the section "Tag by tag"."""

from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
import pandas as pd

from analysis.arms.tables import Row, rows
from analysis.report.grids import Grid
from analysis.report.sections import Part, Text, draw
from analysis.rundata import RunData
from analysis.tags import per_tag_figures
from analysis.tags.per_tag import BEYOND, GROUPS, MARKED, SLOPE, by_group, per_tag
from analysis.verdict import words
from analysis.verdict.evidence import Evidence
from tagsearch.study.endpoints import METRIC_NAMES
from tagsearch.study.schema import METRICS

HEADS = {name: f"Δ {name}" for name in (*GROUPS, BEYOND)} | {SLOPE: "per tenfold clips"}
NOTE = (
    "Means over groups of tags, fixed by training clips: head the most frequent fifth, mid the next two fifths, tail "
    "the rarest two. Per tenfold clips: slope of the difference over the logarithm of a tag's training clips; below 0, "
    "rare tags gain more. Intervals (95 %, each by itself) are over seeds and artists. Not corrected for the number of "
    "comparisons: exploratory unless a hypothesis claims one of them."
)
READING = (
    "Lines: the interval of one tag by itself. Full dots: tags marked at a false discovery rate (FDR) of {rate:.0%} "
    "over the tags of one arm and metric (Benjamini and Hochberg): about that share of the marked is expected to be "
    "chance. Exploratory. A hollow dot is no proof of no difference; rare tags have wide intervals."
)


def effect_frames(run: RunData, evidence: Evidence) -> dict[str, pd.DataFrame]:
    """per_tag and tag_groups of every arm against the baseline; only those with a row."""
    rivals = [arm for arm in evidence.arms if arm != run.study.baseline.name]
    made = {"per_tag": per_tag, "tag_groups": by_group}
    frames = {name: [make(run, evidence, arm) for arm in rivals] for name, make in made.items()}
    known = {name: [one for one in found if not one.empty] for name, found in frames.items()}
    return {name: pd.concat(found, ignore_index=True) for name, found in known.items() if found}


def effect_parts(run: RunData, frames: dict[str, pd.DataFrame], shown: Sequence[str]) -> list[Part]:
    """`frames`: of `effect_frames`; `shown`: the arms that are drawn."""
    if not frames:
        return []
    tags, groups, order = frames["per_tag"], frames["tag_groups"], run.study.confirm_arms
    pictures: list[Part] = []
    for arm in (arm for arm in shown if (tags["arm"] == arm).any()):
        own = tags[tags["arm"] == arm], groups[groups["arm"] == arm]
        drawn = partial(per_tag_figures.tag_differences, *own, place=order.index(arm))
        than = run.study.baseline.name
        pictures += draw(f"tags_effect_{arm}", f"What {arm} changes tag by tag, against {than}", drawn)
    soft = Text(lines=(READING.format(rate=MARKED),), soft=True)
    return [group_grid(groups), Text(lines=tuple(marked_told(tags))), *pictures, *([soft] if pictures else [])]


def group_grid(frame: pd.DataFrame) -> Grid:
    """Of `by_group`, arms and metrics below each other."""
    heads = [name for name in HEADS if (frame["contrast"] == name).any()]
    lines = []
    for arm, metric in product(frame["arm"].unique(), METRICS):
        found = frame[(frame["arm"] == arm) & (frame["metric"] == metric)]
        by_name = {row["contrast"]: row for row in rows(found)}
        lines.append((arm, METRIC_NAMES[metric], *(_cell(by_name[name]) for name in heads)))
    return Grid(
        title=f"Frequent and rare tags, against {frame['than'].iloc[0]}",
        head=("arm", "metric", *(HEADS[name] for name in heads)),
        rows=tuple(lines),
        right=(False, False, *(True for _ in heads)),
        notes=(NOTE,),
    )


def _cell(row: Row) -> str:
    if np.isinf(row["lower"]):
        return words.signed(row["delta"], 3)
    return words.with_interval(row["delta"], row["lower"], row["upper"])


def marked_told(frame: pd.DataFrame) -> list[str]:
    """Which tags are marked, a sentence an arm."""
    return [_marked_told(str(arm), found) for arm, found in frame.groupby("arm", sort=False)]


def _marked_told(arm: str, frame: pd.DataFrame) -> str:
    than = frame["than"].iloc[0]
    if frame["p"].isna().all():
        return f"{arm}: no tag can be marked; this takes two seeds or more and two test artists or more."
    told = []
    for metric in METRICS:
        marked = frame[(frame["metric"] == metric) & frame["is_marked"]]
        for word, chosen in (("better", marked[marked["delta"] > 0]), ("worse", marked[marked["delta"] < 0])):
            if not chosen.empty:
                told.append(f"{word} on {', '.join(chosen['tag'])} ({METRIC_NAMES[metric]})")
    rate = f"at a false discovery rate of {MARKED:.0%}"
    return f"{arm} against {than}, {rate}: {'; '.join(told) if told else 'no tag is marked'}."

"""Every table and picture of the report as one function, for notebooks.

Each takes a Summary (see `analysis.summarize`), whose own `comparison` and `tuning` are frames too. A `_frame` is a
DataFrame, its columns are told by the module that makes it; a `_figure` is a matplotlib Figure, None where there is
nothing to draw. `theme`: canvas.LIGHT or canvas.DARK. An arm, hypothesis or part that the study does not have raises
AnalysisError.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis import (
    best_of_n,
    draws_table,
    drops,
    figures,
    flow,
    forest,
    importance,
    interaction_figures,
    per_tag,
    per_tag_figures,
    search_figures,
    tag_figures,
    tagwise,
    training_table,
    tuning,
)
from analysis.canvas import LIGHT, Theme
from analysis.summary import Summary
from tagsearch.errors import AnalysisError
from tagsearch.study.schema import METRICS, ClaimMetric

# --- frames ----------------------------------------------------------------------------------------------------------


def per_tag_frame(summary: Summary, arm: str, than: str | None = None) -> pd.DataFrame:
    """An arm against the baseline, or `than`, tag by tag: see `per_tag`."""
    return per_tag.per_tag(summary.run, summary.evidence, *_known(summary, arm, than))


def tag_groups_frame(summary: Summary, arm: str, than: str | None = None) -> pd.DataFrame:
    """The same over groups of tags: see `per_tag`."""
    return per_tag.by_group(summary.run, summary.evidence, *_known(summary, arm, than))


def tags_frame(summary: Summary, arm: str) -> pd.DataFrame:
    """What an arm predicts, tag by tag: see `tagwise`."""
    return tagwise.arm_tagwise(summary.run, *_known(summary, arm)).frame


def flow_frame(summary: Summary) -> pd.DataFrame:
    return flow.flow(summary.run, summary.evidence)


def tune_trials_frame(summary: Summary) -> pd.DataFrame:
    return tuning.tune_trials(summary.run)


def best_of_n_frame(summary: Summary) -> pd.DataFrame:
    return best_of_n.best_of_n(summary.run)


def importance_frame(summary: Summary) -> pd.DataFrame:
    return importance.importances(summary.run, np.random.default_rng(summary.run.study.seed)).frame


def drop_frame(summary: Summary) -> pd.DataFrame:
    return drops.drops(summary.run, summary.evidence, [])


def training_frame(summary: Summary) -> pd.DataFrame:
    return training_table.training(summary.run)


def draws_frame(summary: Summary) -> pd.DataFrame:
    return draws_table.drawn(summary.run)


# --- figures ---------------------------------------------------------------------------------------------------------


def forest_figure(summary: Summary, theme: Theme = LIGHT, *, metrics: Sequence[ClaimMetric] = METRICS) -> Figure | None:
    return forest.forest(summary, theme, metrics=metrics)


def per_tag_figure(summary: Summary, arm: str, theme: Theme = LIGHT) -> Figure | None:
    tags, groups = per_tag_frame(summary, arm), tag_groups_frame(summary, arm)
    place = summary.run.study.confirm_arms.index(arm)
    return per_tag_figures.tag_differences(tags, groups, theme, place=place)


def tag_counts_figure(summary: Summary, arms: Sequence[str], theme: Theme = LIGHT) -> Figure:
    """A panel an arm. Raises AnalysisError for an arm without scores."""
    return tag_figures.tag_counts([tagwise.arm_tagwise(summary.run, arm) for arm in _known(summary, *arms)], theme)


def precision_recall_figure(summary: Summary, arms: Sequence[str], theme: Theme = LIGHT) -> Figure:
    """A panel an arm. Raises AnalysisError for an arm without scores."""
    models = [tagwise.arm_tagwise(summary.run, arm) for arm in _known(summary, *arms)]
    return tag_figures.precision_recall(models, theme, n_clips=summary.evidence.split.n_clips)


def interaction_figure(summary: Summary, hypothesis: str, part: str, theme: Theme = LIGHT) -> Figure | None:
    """Both by their ids; the part claims an interaction."""
    parts = [(one.id, claim) for one in summary.run.study.hypotheses for claim in one.parts]
    found = {(id_, claim.id): claim for id_, claim in parts if claim.kind == "interaction"}
    if (hypothesis, part) not in found:
        listed = ", ".join(f"{one}/{claim}" for one, claim in found) or "none"
        raise AnalysisError(f"{hypothesis}/{part} is no part that claims an interaction; those that do: {listed}")
    return interaction_figures.interaction_lines(summary, found[hypothesis, part], theme)


def learning_curves_figure(summary: Summary, theme: Theme = LIGHT) -> Figure | None:
    return figures.learning_curves(summary.run, theme)


def tune_curves_figure(summary: Summary, theme: Theme = LIGHT) -> Figure | None:
    return figures.tune_curves(summary.run, theme)


def best_of_n_figure(summary: Summary, theme: Theme = LIGHT) -> Figure | None:
    return search_figures.best_of_n_curves(summary.run, theme)


def slices_figure(summary: Summary, theme: Theme = LIGHT) -> Figure | None:
    return search_figures.slices(summary.run, theme)


def parallel_coordinates_figure(summary: Summary, theme: Theme = LIGHT) -> Figure | None:
    return search_figures.parallel_coordinates(summary.run, theme)


def _known(summary: Summary, *arms: str | None) -> tuple[str, ...]:
    """Those that are given."""
    given = tuple(arm for arm in arms if arm is not None)
    for arm in given:
        if arm not in summary.evidence.arms:
            raise AnalysisError(f"the study has no arm {arm!r}; its arms are {', '.join(summary.evidence.arms)}")
    return given

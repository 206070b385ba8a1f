"""Pictures with one row a tag: how well, how precisely and how often each is predicted, and two models side by side.

The number behind a tag's name is that of its training clips. What chance reaches is marked: 0.5 for ROC AUC, the share
of test clips that have the tag for PR AUC and precision.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from analysis.report.canvas import (
    LIGHT,
    Theme,
    count_axis,
    head,
    legend,
    name_tags,
    plain,
    short,
    tag_canvas,
    tag_panels,
)
from analysis.rundata import RunData
from analysis.tags.tagwise import Tagwise, differences, trial_tagwise
from analysis.verdict.ranks import Floats
from tagsearch.errors import AnalysisError
from tagsearch.records import Trial, read_corpus
from tagsearch.study.endpoints import METRIC_NAMES
from tagsearch.study.schema import METRICS, Metric

COMPARED = ("pr_auc", "precision", "recall")  # the panels of two models side by side; the first sorts the tags
PANEL_TITLES = {"pr_auc": "PR AUC", "precision": "precision", "recall": "recall"}


def trial_figures(run: RunData | Path, trial: Trial, theme: Theme = LIGHT) -> dict[str, Figure]:
    """Pictures of a completed confirm trial's test scores, for TensorBoard: PR and ROC AUC, precision and recall,
    annotated and predicted counts of every tag.

    Raises RecordError if its scores cannot be read, AnalysisError if no tag can be scored."""
    corpus = run.corpus if isinstance(run, RunData) else read_corpus(run)
    model = trial_tagwise(corpus, trial)
    if model.frame["roc_auc"].isna().all():
        raise AnalysisError("no tag has both a positive and a negative clip in the test split: nothing can be drawn")
    title = f"{trial.spec.arm}, seed {trial.spec.seed}"
    n_clips = len(corpus.rows("test"))
    bars = {f"tags/{metric}": tag_bars(model, metric, theme, title=title, n_clips=n_clips) for metric in METRICS}
    return bars | {
        "tags/precision_recall": precision_recall([model], theme, n_clips=n_clips),
        "tags/counts": tag_counts([model], theme),
    }


def tag_bars(model: Tagwise, metric: Metric, theme: Theme = LIGHT, *, title: str, n_clips: int) -> Figure:
    """One bar a tag, the easiest on top. `n_clips`: of the test split."""
    frame = model.frame.dropna(subset=[metric]).sort_values(metric, ascending=False, kind="stable")
    values, places = _column(frame, metric), np.arange(len(frame))
    names = [short(tag) for tag in frame["tag"]]
    figure, axes = tag_canvas(theme, names)
    axes.barh(places, values, height=0.75, color=theme.colours[0])
    chance = np.full(len(frame), 0.5) if metric == "roc_auc" else _column(frame, "n_test") / n_clips
    axes.plot(chance, places, "|", color=theme.colours[1], ms=7, mew=2, label="chance")
    axes.axvline(float(values.mean()), color=theme.ink, lw=1, ls="--", label=f"mean {values.mean():.3f}")
    name_tags([axes], names)
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"{METRIC_NAMES[metric]}, test split")
    head(axes, title, theme)
    legend(figure, axes, theme)
    return figure


def precision_recall(models: Sequence[Tagwise], theme: Theme = LIGHT, *, n_clips: int) -> Figure:
    """A panel a model, the same tags in every panel, by falling number of training clips."""
    order = _by_training_clips(models[0].frame)
    figure, panels = tag_panels(theme, _labels(order), n_panels=len(models), panel_width=_panel_width(models))
    for axes, model in zip(panels, models, strict=True):
        frame = model.frame.loc[order.index]
        precision, recall, places = _column(frame, "precision"), _column(frame, "recall"), np.arange(len(frame))
        axes.hlines(places, precision, recall, color=theme.faint, lw=3)
        axes.plot(_column(frame, "n_test") / n_clips, places, "|", color=theme.ink, ms=6, label="precision of chance")
        axes.plot(precision, places, "o", ms=5, color=theme.colours[0], label="precision")
        axes.plot(recall, places, "D", ms=4, color=theme.colours[1], label="recall")
        is_never = np.isnan(precision) & (_column(frame, "n_test") > 0)
        if is_never.any():
            axes.plot(np.zeros(is_never.sum()), places[is_never], "x", ms=7, color=theme.ink, label="never predicted")
        _share_axis(axes, theme)
        axes.set_xlabel("test split, threshold fitted on validation" if len(models) == 1 else "")
        head(axes, _name(model), theme)
    name_tags(panels, _labels(order))
    _joint_legend(figure, panels, theme)
    return figure


def tag_counts(models: Sequence[Tagwise], theme: Theme = LIGHT) -> Figure:
    """Test clips that have a tag and that are given it, a panel a model, by falling number of training clips."""
    order = _by_training_clips(models[0].frame)
    figure, panels = tag_panels(theme, _labels(order), n_panels=len(models), panel_width=_panel_width(models))
    shown = [np.stack([_column(model.frame, name) for name in ("n_test", "n_predicted")]) for model in models]
    lowest, highest = min(one.min() for one in shown), max(one.max() for one in shown)
    low = -0.2 if lowest < 1 else 0.8 * lowest
    for axes, model in zip(panels, models, strict=True):
        frame, places = model.frame.loc[order.index], np.arange(len(order))
        annotated, predicted = _column(frame, "n_test"), _column(frame, "n_predicted")
        axes.hlines(places, annotated, predicted, color=theme.faint, lw=3)
        axes.plot(annotated, places, "o", ms=5, color=theme.colours[0], label="annotated")
        axes.plot(predicted, places, "D", ms=4.5, color=theme.colours[1], label="predicted")
        count_axis(
            axes,
            low=low,
            high=1.3 * max(highest, 1),
            digits=(1, 2, 5) if len(models) == 1 else (1,),
        )
        axes.set_xlabel("clips of the test split")
        never = f"{model.totals.n_never:.3g} tags never predicted"
        head(axes, f"{_name(model)}: {never}" if len(models) == 1 else _name(model), theme)
    name_tags(panels, _labels(order))
    _joint_legend(figure, panels, theme)
    return figure


def side_by_side(
    one: Tagwise, other: Tagwise, theme: Theme = LIGHT, *, names: tuple[str, str], places: tuple[int, int], n_clips: int
) -> Figure:
    """Two models, a row a tag, by falling gain of the first in PR AUC; lines are the SD over the seeds.

    `places`: of both in the declared order, which is that of the colours."""
    delta = differences(one, other).dropna(subset=["pr_auc"]).sort_values("pr_auc", ascending=False, kind="stable")
    figure, panels = tag_panels(theme, _labels(delta), n_panels=len(COMPARED), panel_width=2.35)
    rows = np.arange(len(delta))
    for axes, measure in zip(panels, COMPARED, strict=True):
        both = [model.frame.loc[delta.index] for model in (one, other)]
        axes.hlines(rows, _column(both[0], measure), _column(both[1], measure), color=theme.faint, lw=3)
        for frame, name, place, mark, shift in zip(both, names, places, "oD", (-0.13, 0.13), strict=True):
            value, colour = _column(frame, measure), theme.line(place)["color"]
            if f"{measure}_sd" in frame:
                spread = _column(frame, f"{measure}_sd")
                axes.hlines(rows + shift, value - spread, value + spread, color=colour, lw=0.9, alpha=0.7)
            axes.plot(value, rows + shift, mark, ms=4.5, color=colour, label=plain(name))
        if measure != "recall":
            chance = _column(both[0], "n_test") / n_clips
            axes.plot(chance, rows, "|", color=theme.ink, ms=6, label="chance")
        _share_axis(axes, theme)
        head(axes, PANEL_TITLES[measure], theme)
    name_tags(panels, _labels(delta))
    _joint_legend(figure, panels, theme)
    return figure


def _column(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(dtype=np.float64)


def _by_training_clips(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values("n_train", ascending=False, kind="stable")


def _labels(frame: pd.DataFrame) -> list[str]:
    return [f"{short(tag)} ({n:,})" for tag, n in zip(frame["tag"], frame["n_train"], strict=True)]


def _name(model: Tagwise) -> str:
    return f"{model.arm}, seed {model.seeds[0]}" if len(model.seeds) == 1 else model.arm


def _panel_width(models: Sequence[Tagwise]) -> float:
    return 5.0 if len(models) == 1 else max(1.9, 7.2 / len(models))


def _share_axis(axes: Axes, theme: Theme) -> None:
    axes.set_xlim(-0.03, 1.03)
    axes.xaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(axis="x", color=theme.faint, lw=0.6)
    axes.set_axisbelow(True)


def _joint_legend(figure: Figure, panels: Sequence[Axes], theme: Theme) -> None:
    """One for all panels: of the one that shows most."""
    legend(figure, max(panels, key=lambda axes: len(axes.get_legend_handles_labels()[0])), theme)

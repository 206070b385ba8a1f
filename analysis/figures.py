"""The pictures: learning curves, forest plot, and for one trial its tags."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from analysis import ranks, tables, words
from analysis.canvas import LIGHT, Theme, canvas, legend, name_tags, tag_canvas
from analysis.evidence import Evidence
from analysis.rundata import RunData
from tagsearch.errors import AnalysisError
from tagsearch.records import CorpusTable, State, Trial, read_corpus
from tagsearch.study.schema import METRICS, Metric


def learning_curves(run: RunData, theme: Theme = LIGHT) -> Figure | None:
    """The objective on validation over the epochs of the confirm phase: thin lines are seeds, thick lines their median
    over the epochs that all of them reached; x: diverged. None without any epoch."""
    frame = run.epochs[run.epochs["phase"] == "confirm"]
    if frame.empty or run.study.objective not in frame:
        return None
    figure, (axes,) = canvas(theme, width=8, height=4.5)
    for place, arm in enumerate(run.study.confirm_arms):
        table = frame[frame["arm"] == arm].pivot_table(index="epoch", columns="seed", values=run.study.objective)
        if table.empty:
            continue
        axes.plot(table.index, table.to_numpy(), lw=0.8, alpha=0.45, **theme.line(place))
        middle = table.dropna().median(axis=1)
        axes.plot(middle.index, middle, lw=2.4, label=arm, **theme.line(place))
    _mark_ends(axes, run, theme)
    axes.set(xlabel="epoch", ylabel=run.study.objective, title="Learning curves, confirm phase")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure, axes, theme)
    return figure


def _mark_ends(axes: Axes, run: RunData, theme: Theme) -> None:
    """The budget that all arms have, and where trials diverged."""
    budget = min((trial.spec.epochs for trial in run.confirm), default=0)
    axes.axvline(budget, color=theme.ink, lw=1, ls=(0, (2, 3)))
    longest = max((trial.spec.epochs for trial in run.confirm), default=0)
    is_early = budget < longest / 4  # budgets as arms: the curves fill what lies left of the line
    rises = run.study.direction == "max"  # the curves leave the other corner free
    axes.annotate(
        "common budget",
        (budget, 0.03 if rises else 0.97),
        xycoords=("data", "axes fraction"),
        xytext=(4 if is_early else -4, 0),
        textcoords="offset points",
        va="bottom" if rises else "top",
        ha="left" if is_early else "right",
        rotation=90,
        fontsize=8,
        color=theme.ink,
    )
    for trial in run.confirm:
        if trial.state is State.DIVERGED and trial.history:
            last = trial.history[-1]
            axes.plot(last["epoch"], last.get(run.study.objective, np.nan), "x", color=theme.ink, ms=8)


def forest(run: RunData, evidence: Evidence, theme: Theme = LIGHT) -> Figure | None:
    """Difference of every arm to the baseline: its interval over seeds and artists, one dot a seed, and the band of
    differences below the margin. None where nothing can be compared."""
    baseline, *rivals = evidence.arms
    rows = [arm for arm in rivals if evidence.difference(arm, baseline, METRICS[0]) is not None]
    if not rows:
        return None
    figure, panels = canvas(theme, width=9, height=1.6 + 0.55 * len(rows), n_panels=len(METRICS))
    margins = tables.study_margins(run.study)
    for axes, metric in zip(panels, METRICS, strict=True):
        _forest_panel(axes, evidence, rows, metric, theme)
        axes.axvspan(-margins[metric], margins[metric], color=theme.faint, zorder=0, label="below the margin")
        axes.axvline(0, color=theme.ink, lw=0.8)
        axes.set_xlabel(f"Δ {words.METRIC_NAMES[metric]} to {baseline}")
        axes.set_yticks(range(len(rows)), rows)
        axes.set_ylim(len(rows) - 0.5, -0.5)
    panels[1].tick_params(labelleft=False)
    figure.suptitle("Differences with 95 % intervals (line), seeds (dots), margin (band)", color=theme.ink, fontsize=11)
    return figure


def _forest_panel(axes: Axes, evidence: Evidence, rows: list[str], metric: Metric, theme: Theme) -> None:
    baseline = next(iter(evidence.arms))
    places = {arm: place for place, arm in enumerate(evidence.arms)}
    for y, arm in enumerate(rows):
        estimate = evidence.difference(arm, baseline, metric)
        assert estimate is not None
        colour = theme.line(places[arm])["color"]
        dots = np.array(estimate.per_seed)
        axes.plot(dots, y + 0.22 + np.zeros(len(dots)), "o", ms=3.5, color=colour, alpha=0.75, mew=0)
        half = estimate.half_width(tables.ALPHA)
        if np.isfinite(half):
            axes.plot([estimate.value - half, estimate.value + half], [y, y], color=colour, lw=2.4)
        axes.plot(estimate.value, y, "D", ms=6, color=colour, mec=theme.paper)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.grid(axis="x", color=theme.faint, lw=0.6)


# --- one trial, for TensorBoard --------------------------------------------------------------------------------------


def trial_figures(run: RunData | Path, trial: Trial, theme: Theme = LIGHT) -> dict[str, Figure]:
    """Pictures of a completed confirm trial's test scores: per-tag PR and ROC AUC, annotated and predicted tag counts.

    Raises RecordError if its scores cannot be read."""
    corpus = run.corpus if isinstance(run, RunData) else read_corpus(run)
    rows = corpus.rows("test")
    labels, scores = corpus.labels[rows], trial.scores("test")
    defined = ranks.defined_tags(labels)
    if not defined.any():
        raise AnalysisError("no tag has both a positive and a negative clip in the test split: nothing can be drawn")
    values, _ = ranks.values_and_gradients(ranks.plan(scores[:, defined], labels[:, defined]))
    names = [tag for tag, is_defined in zip(corpus.tags, defined, strict=True) if is_defined]
    chance = {"pr_auc": labels[:, defined].mean(axis=0), "roc_auc": np.full(len(names), 0.5)}
    figures = {
        f"tags/{metric}": _tag_bars(trial, names, values[:, METRICS.index(metric)], chance[metric], metric, theme)
        for metric in ("pr_auc", "roc_auc")
    }
    threshold = count_threshold(trial.scores("valid"), corpus.labels[corpus.rows("valid")])
    predicted = (scores > threshold).sum(axis=0)
    return figures | {"tags/counts": _tag_counts(trial, corpus, labels.sum(axis=0, dtype=int), predicted, theme)}


def count_threshold(scores: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """One threshold for all tags: as many scores of the validation split lie above it as it has annotations."""
    n_annotated = int(labels.sum())
    falling = np.sort(scores, axis=None)[::-1]
    if n_annotated == 0 or n_annotated >= falling.size:
        return np.inf if n_annotated == 0 else -np.inf
    return float((falling[n_annotated - 1].astype(np.float64) + falling[n_annotated]) / 2)


def _tag_bars(
    trial: Trial, names: list[str], values: ranks.Floats, chance: ranks.Floats, metric: Metric, theme: Theme
) -> Figure:
    figure, axes = tag_canvas(theme, names)
    order = np.argsort(-values)
    places = np.arange(len(names))
    axes.barh(places, values[order], height=0.75, color=theme.colours[0])
    axes.plot(chance[order], places, "|", color=theme.colours[1], ms=7, mew=2, label="chance")
    axes.axvline(float(values.mean()), color=theme.ink, lw=1, ls="--", label=f"mean {values.mean():.3f}")
    name_tags(axes, [names[i] for i in order])
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"{words.METRIC_NAMES[metric]}, test split")
    axes.set_title(_trial_title(trial), fontsize=10, color=theme.ink)
    legend(figure, axes, theme)
    return figure


def _tag_counts(
    trial: Trial, corpus: CorpusTable, annotated: ranks.Ints, predicted: ranks.Ints, theme: Theme
) -> Figure:
    figure, axes = tag_canvas(theme, corpus.tags)
    order = np.argsort(-annotated, kind="stable")
    places = np.arange(len(order))
    axes.hlines(places, annotated[order], predicted[order], color=theme.faint, lw=3)
    axes.plot(annotated[order], places, "o", ms=5, color=theme.colours[0], label="annotated")
    axes.plot(predicted[order], places, "D", ms=4.5, color=theme.colours[1], label="predicted")
    name_tags(axes, [corpus.tags[i] for i in order])
    axes.set_xscale("symlog", linthresh=1)
    lowest, highest = min(annotated.min(), predicted.min()), max(annotated.max(), predicted.max())
    axes.set_xlim(-0.2 if lowest == 0 else 0.8 * lowest, 1.3 * highest)
    marks = [0, *(digit * 10**power for power in range(6) for digit in (1, 2, 5))]
    axes.set_xticks([mark for mark in marks if lowest <= mark <= 1.3 * highest], minor=False)
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("clips of the test split (threshold fitted on validation)")
    n_never = int(((predicted == 0) & (annotated > 0)).sum())
    axes.set_title(f"{_trial_title(trial)}; {n_never} tags never predicted", fontsize=10, color=theme.ink)
    legend(figure, axes, theme)
    return figure


def _trial_title(trial: Trial) -> str:
    return f"{trial.spec.arm}, seed {trial.spec.seed}"

"""Every figure of a run as one function, for notebooks: a matplotlib Figure each, made without pyplot.

All take what the functions of `frames` take, and a `theme` (analysis.report.canvas: LIGHT or DARK). A notebook shows a
figure that a cell ends with (`%matplotlib inline`); `figure.savefig(...)` keeps it. Where there is nothing to draw,
they raise AnalysisError.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

from analysis import frames
from analysis.arms import figures
from analysis.arms import forest as forest_plot
from analysis.arms.interaction_figures import interaction_lines
from analysis.frames import Run, labels, run_of, summary_of
from analysis.labels import label_figures
from analysis.report.canvas import LIGHT, Theme
from analysis.rundata import RunData
from analysis.search import search_figures
from analysis.tags import per_tag_figures, tag_figures
from analysis.tags.tag_section import shown_arms
from analysis.tags.tagwise import Tagwise, arm_tagwise
from tagsearch.errors import AnalysisError
from tagsearch.records import State
from tagsearch.study.schema import METRICS, ClaimMetric


def forest(run: Run, theme: Theme = LIGHT, *, metrics: Sequence[ClaimMetric] = METRICS) -> Figure:
    """Every contrast that is claimed: its interval over seeds and artists, a dot a seed, the margin as a band."""
    figure = forest_plot.forest(summary_of(run), theme, metrics=metrics)
    return _drawn(figure, "no two arms have completed trials")


def interaction(run: Run, hypothesis: str, part: str, theme: Theme = LIGHT) -> Figure:
    """The cells of an interaction that a part of a hypothesis claims, both by their ids.

    Raises AnalysisError for a part that claims none."""
    summary = summary_of(run)
    parts = [(one.id, claim) for one in summary.run.study.hypotheses for claim in one.parts]
    found = {(id_, claim.id): claim for id_, claim in parts if claim.kind == "interaction"}
    if (hypothesis, part) not in found:
        listed = ", ".join(f"{one}/{claim}" for one, claim in found) or "none"
        raise AnalysisError(f"{hypothesis}/{part} is no part that claims an interaction; those that do: {listed}")
    return _drawn(interaction_lines(summary, found[hypothesis, part], theme), "a cell has no completed trial")


def learning_curves(run: Run, theme: Theme = LIGHT) -> Figure:
    """The objective on validation over the epochs of the confirm phase: thin lines are seeds, thick ones medians."""
    return _drawn(figures.learning_curves(run_of(run), theme), "no confirm trial has an epoch")


# --- tags ------------------------------------------------------------------------------------------------------------


def precision_recall(run: Run, arms: Sequence[str] | None = None, theme: Theme = LIGHT) -> Figure:
    """Precision and recall of every tag, a panel an arm; `arms`: by default those of the report."""
    data = run_of(run)
    return tag_figures.precision_recall(_models(data, arms), theme, n_clips=len(data.corpus.rows("test")))


def tag_counts(run: Run, arms: Sequence[str] | None = None, theme: Theme = LIGHT) -> Figure:
    """How often every tag is annotated and predicted, a panel an arm; `arms`: by default those of the report."""
    return tag_figures.tag_counts(_models(run_of(run), arms), theme)


def tags_beside(run: Run, arm: str, than: str | None = None, theme: Theme = LIGHT) -> Figure:
    """Two arms tag by tag, by the difference in PR AUC; `than`: by default the baseline."""
    data = run_of(run)
    names = (arm, than or data.study.baseline.name)
    one, other = _models(data, names)
    first, second = (data.study.confirm_arms.index(name) for name in names)
    n_clips = len(data.corpus.rows("test"))
    return tag_figures.side_by_side(one, other, theme, names=names, places=(first, second), n_clips=n_clips)


def tag_differences(run: Run, arm: str, than: str | None = None, theme: Theme = LIGHT) -> Figure:
    """An arm against the baseline, or `than`, by tags sorted by their training clips, with groups of tags and the marks
    of false discovery."""
    summary = summary_of(run)
    tags, groups = (table(summary, arm, than) for table in (frames.tag_differences, frames.tag_groups))
    place = summary.run.study.confirm_arms.index(arm)
    figure = per_tag_figures.tag_differences(tags, groups, theme, place=place)
    return _drawn(figure, "the two have too few completed trials")


def _models(run: RunData, arms: Sequence[str] | None) -> list[Tagwise]:
    known = run.study.confirm_arms
    if unknown := [arm for arm in arms or () if arm not in known]:
        raise AnalysisError(f"there is no arm {unknown[0]!r}; the run has {', '.join(known)}")
    if arms is None:
        scored = [arm for arm in known if any(t.spec.arm == arm and t.state is State.COMPLETED for t in run.confirm)]
        if not scored:
            raise AnalysisError("nothing to draw: no confirm trial has completed")
        arms = shown_arms(run, scored)
    return [arm_tagwise(run, arm) for arm in arms]


# --- the tune phase --------------------------------------------------------------------------------------------------


def tune_curves(run: Run, theme: Theme = LIGHT) -> Figure:
    """The objective over the epochs of the tune phase, a panel an arm, a line a trial, the chosen ones thick."""
    return _drawn(figures.tune_curves(_tuned(run), theme), "no tune trial has an epoch")


def best_of_n(run: Run, theme: Theme = LIGHT) -> Figure:
    """Expected best objective over the number of trials, a line an arm."""
    return _drawn(search_figures.best_of_n_curves(_tuned(run), theme), "no tune trial has a score")


def slices(run: Run, theme: Theme = LIGHT) -> Figure:
    """The objective against each tunable, a dot a tune trial."""
    return _drawn(search_figures.slices(_tuned(run), theme), "no tune trial has a score")


def parallel_coordinates(run: Run, theme: Theme = LIGHT) -> Figure:
    """Whole configurations, a line a tune trial, of arms with two tunables or more."""
    return _drawn(search_figures.parallel_coordinates(_tuned(run), theme), "no arm has two tunables")


def _tuned(run: Run) -> RunData:
    """Raises AnalysisError for several runs combined."""
    data = run_of(run)
    if data.pooled:
        raise AnalysisError(
            f"each of these runs tuned for itself; draw one of run.pooled.runs: {', '.join(data.pooled.runs)}"
        )
    return data


# --- labels ----------------------------------------------------------------------------------------------------------


def label_counts(run: Run, theme: Theme = LIGHT) -> Figure:
    """Clips of each tag in the three splits."""
    return _drawn(label_figures.counts(labels(run), theme), "the corpus has no clip with a tag")


def label_pairs(run: Run, theme: Theme = LIGHT) -> Figure:
    """Which tags are together on a clip more and less often than chance has it."""
    return _drawn(label_figures.together(labels(run), theme), "the corpus has fewer than two tags in use")


def _drawn(figure: Figure | None, reason: str) -> Figure:
    if figure is None:
        raise AnalysisError(f"nothing to draw: {reason}")
    return figure

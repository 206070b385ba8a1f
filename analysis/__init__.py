"""Comparison tables and verdicts from the run folders that tagsearch leaves. Needs neither ray nor torch.

    analysis.load(run)          a run folder as frames (analysis.rundata.RunData)
    analysis.combine(runs)      several runs as one (analysis.combining), which the others take like any run
    analysis.summarize(run)     tables and verdicts (analysis.summary.Summary); reads, writes nothing
    analysis.write_report(...)  a summary as report/: Markdown, HTML, CSV, JSON, PNG
    analysis.arm_tagwise(run, arm)  an arm tag by tag (analysis.tagwise.Tagwise)
    analysis.trial_figures(...) pictures of one trial, for TensorBoard
    analysis.inspect(...)       the labels of a corpus as a page, with CSV and PNG
    analysis.labels_text(...)   the same as text; both take a CorpusTable, or a CorpusLabels to share its work

    analysis.frames             every table as one function, for notebooks: frames.comparison(run) -> DataFrame
    analysis.plots              every figure likewise: plots.forest(run) -> matplotlib Figure
    analysis.read_numbers(...)  a table of published scores (analysis.numbers)
    analysis.judged(...)        what it says of a study's hypotheses, at grade D

    frames: trials, epochs, per_tag; comparison, arms, verdicts, training, drawn, flow; tags(run, arm),
            tag_differences(run, arm), tag_groups(run, arm); tuning, tune_trials, best_of_n, importance,
            validation_to_test; labels
    plots:  forest, interaction(run, hypothesis, part), learning_curves; precision_recall, tag_counts,
            tags_beside(run, arm), tag_differences(run, arm); tune_curves, best_of_n, slices, parallel_coordinates;
            label_counts, label_pairs

Packages: verdict (from scores to a verdict), arms (beside each other), search (the tune phase), tags (tag by tag, and
clip by clip), labels (of the corpus), report (all of it as files).

Importing the package is cheap: pandas and matplotlib are loaded with the first call.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import tagsearch

__tagsearch__ = tagsearch.__version__  # tells this package from a user's own folder called analysis

if TYPE_CHECKING:
    from analysis import frames as frames
    from analysis import plots as plots
    from analysis.combining import combine as combine
    from analysis.labels.label_page import inspect as inspect
    from analysis.labels.label_page import labels_text as labels_text
    from analysis.labels.labels import CorpusLabels as CorpusLabels
    from analysis.report.report import write_report as write_report
    from analysis.rundata import RunData as RunData
    from analysis.rundata import load as load
    from analysis.summary import Summary as Summary
    from analysis.summary import summarize as summarize
    from analysis.tags.tag_figures import trial_figures as trial_figures
    from analysis.tags.tagwise import arm_tagwise as arm_tagwise
    from analysis.verdict.demands import demand_confirmed as demand_confirmed
    from analysis.verdict.demands import demand_declared as demand_declared
    from analysis.verdict.numbers import read_numbers as read_numbers
    from analysis.verdict.numbers_summary import judged as judged

_HOMES = {
    "CorpusLabels": "analysis.labels.labels",
    "combine": "analysis.combining",
    "demand_confirmed": "analysis.verdict.demands",
    "demand_declared": "analysis.verdict.demands",
    "inspect": "analysis.labels.label_page",
    "judged": "analysis.verdict.numbers_summary",
    "read_numbers": "analysis.verdict.numbers",
    "labels_text": "analysis.labels.label_page",
    "RunData": "analysis.rundata",
    "arm_tagwise": "analysis.tags.tagwise",
    "load": "analysis.rundata",
    "Summary": "analysis.summary",
    "summarize": "analysis.summary",
    "trial_figures": "analysis.tags.tag_figures",
    "write_report": "analysis.report.report",
}

_MODULES = ("frames", "plots")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"analysis.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES, *_MODULES])

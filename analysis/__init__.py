"""Comparison tables and verdicts from the run folders that tagsearch leaves. Needs neither ray nor torch.

    analysis.load(run)          a run folder as frames (analysis.rundata.RunData)
    analysis.summarize(run)     tables and verdicts (analysis.summary.Summary); reads, writes nothing
    analysis.write_report(...)  a summary as report/: Markdown, HTML, CSV, JSON, PNG
    analysis.arm_tagwise(run, arm)  an arm tag by tag (analysis.tagwise.Tagwise)
    analysis.gallery            every figure and table of the report as a function: gallery.forest_figure(summary),
                                gallery.per_tag_frame(summary, arm), ...
    analysis.trial_figures(...) pictures of one trial, for TensorBoard
    analysis.inspect(...)       the labels of a corpus as a page, with CSV and PNG
    analysis.labels_text(...)   the same as text; both take a CorpusTable, or a CorpusLabels to share its work

Importing the package is cheap: pandas and matplotlib are loaded with the first call.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import tagsearch

__tagsearch__ = tagsearch.__version__  # tells this package from a user's own folder called analysis

if TYPE_CHECKING:
    from analysis import gallery as gallery
    from analysis.label_page import inspect as inspect
    from analysis.label_page import labels_text as labels_text
    from analysis.labels import CorpusLabels as CorpusLabels
    from analysis.report import write_report as write_report
    from analysis.rundata import RunData as RunData
    from analysis.rundata import load as load
    from analysis.summary import Summary as Summary
    from analysis.summary import summarize as summarize
    from analysis.tag_figures import trial_figures as trial_figures
    from analysis.tagwise import arm_tagwise as arm_tagwise

_HOMES = {
    "CorpusLabels": "analysis.labels",
    "inspect": "analysis.label_page",
    "labels_text": "analysis.label_page",
    "RunData": "analysis.rundata",
    "arm_tagwise": "analysis.tagwise",
    "load": "analysis.rundata",
    "Summary": "analysis.summary",
    "summarize": "analysis.summary",
    "trial_figures": "analysis.tag_figures",
    "write_report": "analysis.report",
}

_MODULES = ("gallery",)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"analysis.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

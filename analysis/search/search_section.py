"""Section "How the search went": whether every arm was tuned with the same care, and how far its choice was luck."""

from functools import partial

import numpy as np
import pandas as pd

from analysis.arms import figures
from analysis.report.sections import Part, Section, Text, draw
from analysis.rundata import RunData
from analysis.search import search_alt_texts, search_figures
from analysis.search.best_of_n import best_of_n
from analysis.search.drops import drop_grid, drops
from analysis.search.flow import flow, flow_grid
from analysis.search.importance import importance_grid, importances
from analysis.search.search_figures import MOST_ROWS, several_tunables
from analysis.search.tuning import edges, tune_trials, tuning_grids
from analysis.verdict.evidence import Evidence
from tagsearch.records import State

TITLE = "How the search went"
UNTUNED = "This study tunes nothing: every arm ran with the configuration that the study file gives it."
BUDGET = (
    "Share: of the epochs that the whole phase took; of its budget: of the epochs that the arm's own trials would have "
    "taken had none ended early. Arms have equally many trials; how many of them ASHA lets go on differs."
)
BEST_OF_N = (
    "The expected best of n trials drawn from those an arm had (unbiased, without replacement): at the same n, arms "
    "had the same number of tries. A curve that still rises at its right end was cut off by the budget; the right end "
    "is one trial, the best. "
)
BAND = "Band: the middle half of what n fresh trials would bring, were they spread as these. "
STOPPED = {
    "best": (
        "A stopped trial counts with the best value it had reached when ASHA ended it, {bound} bound of what the whole "
        "budget would have brought: a curve with many stopped trials is too pessimistic, the more so at small n."
    ),
    "last": (
        "A stopped trial counts with its last value when ASHA ended it; what the whole budget would have brought is "
        "unknown, most often more: a curve with many stopped trials is too pessimistic, the more so at small n."
    ),
}
DIVERGED = "A diverged trial counts as the worst value that any trial of the phase reached."
CUT = (
    "One line a trial; hollow: stopped by ASHA; dot: finished; cross: diverged; thick: chosen. Dotted: the epochs at "
    "which ASHA compares a trial with the others of its arm."
)
SLICES = (
    "One dot a trial; hollow: stopped by ASHA at fewer epochs, so lower for that reason too; cross: diverged; ring: "
    "chosen."
)
PARALLEL = (
    "One line a trial, by its objective; dashed: stopped; thick: chosen; a line passes below a tunable that its "
    "trial does not have."
)


def search_section(run: RunData, evidence: Evidence, tuning: pd.DataFrame) -> Section:
    """Anchor "search". `tuning`: see `tuning.tuning`, which makes tune.csv; the other tables are tune_trials.csv,
    best_of_n.csv, importance.csv, drop.csv and flow.csv."""
    notes: list[str] = []
    dropped = drops(run, evidence, notes)
    flowed = flow(run, evidence)
    tables = {"flow": flowed} | ({} if dropped.empty else {"drop": dropped})
    parts: list[Part] = [] if dropped.empty else [drop_grid(run, dropped)]
    if tuning.empty:
        parts.insert(0, Text(lines=(_without(run),)))
    else:
        found, curves = importances(run, np.random.default_rng(run.study.seed)), best_of_n(run)
        frames = {"tune": tuning, "tune_trials": tune_trials(run), "best_of_n": curves, "importance": found.frame}
        tables |= {name: frame for name, frame in frames.items() if not frame.empty}
        parts = [*_effort(run, tuning), *parts, *_slices(run)]
        parts += [] if found.frame.empty else [importance_grid(found.frame)]
        notes = [f"No importance of tunables. {line}" for line in found.skipped] + notes
        parts += _parallel(run)
    if notes:
        parts.append(Text(lines=tuple(notes), soft=True))
    return Section(anchor="search", title=TITLE, parts=[flow_grid(flowed), *parts], tables=tables)


def _without(run: RunData) -> str:
    return "No tune trial has started yet." if run.study.tune else UNTUNED


def _effort(run: RunData, tuning: pd.DataFrame) -> list[Part]:
    title, ends_told = "Expected best of n trials", search_alt_texts.best_of_n(best_of_n(run))
    curves = draw("best_of_n", title, partial(search_figures.best_of_n_curves, run), told=ends_told)
    bound = "a lower" if run.study.direction == "max" else "an upper"
    band = BAND if search_figures.has_bands(best_of_n(run)) else ""
    told = [BEST_OF_N + band + STOPPED[run.study.checkpoint].format(bound=bound), *_left_out(run)]
    cut = draw("tune_curves", "Learning curves of the search", partial(figures.tune_curves, run), wide=True)
    ends = edges(run)
    spent, choice = tuning_grids(tuning)
    return [
        spent,
        Text(lines=(BUDGET,), soft=True),
        choice,
        *([Text(lines=tuple(ends))] if ends else []),
        *cut,
        *([Text(lines=(CUT,), soft=True)] if cut else []),
        *curves,
        *([Text(lines=tuple(told), soft=True)] if curves else []),
    ]


def _left_out(run: RunData) -> list[str]:
    states = [trial.state for trial in run.tune]
    n_failed, n_diverged = states.count(State.FAILED), states.count(State.DIVERGED)
    n_open = sum(not state.is_final for state in states)
    lines = [DIVERGED] if n_diverged else []
    lines += [f"Failed trials are left out, as an error is no result: {n_failed}."] if n_failed else []
    return lines + ([f"Trials that have not ended are left out: {n_open}."] if n_open else [])


def _slices(run: RunData) -> list[Part]:
    title, told = "The objective against each tunable", search_alt_texts.chosen(run)
    drawn = draw("slices", title, partial(search_figures.slices, run), told=told, wide=True)
    return [*drawn, Text(lines=(SLICES,), soft=True)] if drawn else []


def _parallel(run: RunData) -> list[Part]:
    name, title = "parallel_coordinates", "Whole configurations"
    told = search_alt_texts.chosen(run)
    drawn = draw(name, title, partial(search_figures.parallel_coordinates, run), told=told, wide=True)
    hidden = several_tunables(run)[MOST_ROWS:]
    lines = [PARALLEL, *([f"Not drawn: {', '.join(hidden)}; see tune_trials.csv."] if hidden else [])]
    return [*drawn, Text(lines=tuple(lines), soft=True)] if drawn else []

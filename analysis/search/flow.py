"""How trials became results, arm by arm: what was proposed, what was lost where, what is analysed.

After the flow diagrams of trials in medicine (CONSORT 2010): nothing is dropped without a line saying how many and why.
"""

import pandas as pd

from analysis.arms.tables import Row, rows
from analysis.report.grids import Grid
from analysis.rundata import RunData
from analysis.search.tuning import chosen, tune_arms, tune_trials
from analysis.verdict.evidence import Evidence
from tagsearch.records import State
from tagsearch.study.schema import SEARCH

STEPS = {  # column -> how it is told
    "proposed": "configurations proposed",
    "stopped": "– stopped by ASHA",
    "diverged": "– diverged",
    "failed": "– failed",
    "unended": "– not ended",
    "finished": "finished",
    "full_length": "… of them at full length",
    "chosen": "chosen",
    "planned": "confirm seeds planned",
    "confirm_diverged": "– diverged",
    "confirm_failed": "– failed or unreadable",
    "confirm_unended": "– not ended",
    "analysed": "analysed on the test split",
    "unplanned": "… of them beyond the plan",
}
ALWAYS = ("proposed", "stopped", "finished", "chosen", "planned", "analysed")  # told even where they are 0
_ENDS = {"stopped": State.STOPPED, "diverged": State.DIVERGED, "failed": State.FAILED, "finished": State.COMPLETED}
NOTE = (
    "Read downwards: what a line with a dash takes away does not reach the next one. A diverged trial is a result "
    "without a score, a failed one is missing data."
)


def flow(run: RunData, evidence: Evidence) -> pd.DataFrame:
    """One row an arm: arm, then the columns of STEPS as counts, <NA> where an arm has no such step (an arm of the
    confirm phase that was not tuned; the single arm of a pure search, whose winners go on by their own names).

    unended: pending or running; full_length: finished trials that trained for all the epochs of their configuration;
    failed confirm trials include those whose scores cannot be read."""
    trials, winners = tune_trials(run), chosen(run)
    names = dict.fromkeys([*(SEARCH for arm in tune_arms(run) if arm == SEARCH), *evidence.arms])
    found: list[Row] = []
    for name in names:
        own = trials[trials["arm"] == name] if not trials.empty else trials
        row: Row = {"arm": name}
        if not own.empty:
            row |= _tuned(own)
        if run.study.tune is not None:
            row |= {"chosen": len(winners) if name == SEARCH else len(winners.get(name, []))}
        found.append(row | (_confirmed(evidence, name) if name in evidence.arms else {}))
    return pd.DataFrame(found, columns=["arm", *STEPS]).astype(dict.fromkeys(STEPS, "Int64"))


def _tuned(trials: pd.DataFrame) -> Row:
    ended = {column: int((trials["state"] == str(state)).sum()) for column, state in _ENDS.items()}
    return ended | {
        "proposed": len(trials),
        "unended": len(trials) - sum(ended.values()),
        "full_length": int(((trials["state"] == str(State.COMPLETED)) & (trials["trained"] >= trials["budget"])).sum()),
    }


def _confirmed(evidence: Evidence, name: str) -> Row:
    arm = evidence.arms[name]
    return {
        "planned": len(arm.planned),
        "confirm_diverged": len(arm.diverged),
        "confirm_failed": len(arm.failed),
        "confirm_unended": len(arm.unfinished),
        "analysed": len(arm.seeds),
        "unplanned": len(set(arm.seeds) - set(arm.planned)),
    }


def flow_grid(frame: pd.DataFrame) -> Grid:
    """Steps below each other, an arm a column; losses that no arm has are left out."""
    shown = [step for step in STEPS if step in ALWAYS or frame[step].fillna(0).any()]
    shown = [step for step in shown if frame[step].notna().any()]
    arms = rows(frame)
    return Grid(
        title="Flow of trials",
        head=("", *(arm["arm"] for arm in arms)),
        rows=tuple((STEPS[step], *(_cell(arm[step]) for arm in arms)) for step in shown),
        right=(False, *(True for _ in arms)),
        notes=(NOTE,),
    )


def _cell(count: object) -> str:
    return "" if pd.isna(count) else str(count)  # type: ignore[call-overload]

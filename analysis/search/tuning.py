"""What the tune phase tried, spent and chose, as frames and as text.

Every number here is a maximum over trials on the data that chose them: it tells how fair the search was, never which
arm is better. `reached` is the objective of a trial under the study's checkpoint rule: of its best epoch or its last.
"""

import math
from collections.abc import Sequence

import pandas as pd

from analysis.arms.tables import Row, rows
from analysis.report.grids import Grid
from analysis.rundata import RunData
from tagsearch.records import Scalar, State, Trial
from tagsearch.study.schema import SEARCH, Study, Tunable
from tagsearch.study.trials import choose

TUNE_TITLE = "Tune phase: selection, optimistic - not evidence"
LOG_KINDS = ("loguniform", "lograndint")
AT_THE_END = 0.05  # of a range, on its own scale: a choice so close to it may have wanted to go further

_COUNTED = {"stopped": State.STOPPED, "finished": State.COMPLETED, "diverged": State.DIVERGED, "failed": State.FAILED}
_COUNTS = ("proposed", *_COUNTED, "full_length", "epochs")


def reached(study: Study, trial: Trial) -> float:
    """NaN for a trial without a score: diverged, failed or not ended."""
    result = trial.result
    value = None if result is None else result.best if study.checkpoint == "best" else result.last
    return math.nan if value is None else value


def tunables(study: Study) -> tuple[Tunable, ...]:
    return study.tune.tunables if study.tune else ()


def tune_arms(run: RunData) -> tuple[str, ...]:
    """Names of the arms that have tune trials, in the order declared."""
    known = {trial.spec.arm for trial in run.tune}
    return tuple(arm.name for arm in run.study.tune_arms if arm.name in known)


def chosen(run: RunData) -> dict[str, list[Trial]]:
    """The tune trials whose configurations each arm of the confirm phase has, best first; only arms that were tuned."""
    study = run.study
    if study.design == "search":
        winners = zip(study.confirm_arms[1:], choose(study, SEARCH, run.tune), strict=False)
        return {name: [trial] for name, trial in winners}
    found = {name: choose(study, name, run.tune) for name in tune_arms(run)}
    return {name: trials for name, trials in found.items() if trials}


def tune_trials(run: RunData) -> pd.DataFrame:
    """One row a tune trial, by arm and index. Columns:

    arm, trial, index, state; trained and budget, in epochs; seconds; value (see `reached`); is_chosen; one column
    a tunable, None where the trial has no such tunable."""
    names = [one.name for one in tunables(run.study)]
    picked = {trial.spec.name for trials in chosen(run).values() for trial in trials}
    places = {name: k for k, name in enumerate(tune_arms(run))}
    trials = sorted(run.tune, key=lambda trial: (places.get(trial.spec.arm, len(places)), trial.spec.index))
    found = [
        {
            "arm": trial.spec.arm,
            "trial": trial.spec.name,
            "index": trial.spec.index,
            "state": str(trial.state),
            "trained": _epochs(trial),
            "budget": trial.spec.epochs,
            "seconds": _seconds(trial),
            "value": reached(run.study, trial),
            "is_chosen": trial.spec.name in picked,
        }
        | {name: trial.spec.proposal.get(name) for name in names}
        for trial in trials
    ]
    return pd.DataFrame(found)


def _epochs(trial: Trial) -> int:
    return trial.result.epochs if trial.result else len(trial.history)


def _seconds(trial: Trial) -> float:
    return trial.result.seconds if trial.result else math.fsum(row["seconds"] for row in trial.history)


def position(tunable: Tunable, value: Scalar) -> float:
    """Where a value lies in its tunable's range, 0 to 1, on the scale it is drawn on."""
    if tunable.kind == "choice":
        return tunable.choices.index(value) / (len(tunable.choices) - 1)
    ends = (tunable.low, tunable.high - (tunable.kind in ("randint", "lograndint")))  # the upper end is excluded
    assert not isinstance(value, str)
    low, high, at = (math.log(x) if tunable.kind in LOG_KINDS else float(x) for x in (*ends, value))
    return (at - low) / (high - low) if high > low else 0.5


# --- spent and chosen ------------------------------------------------------------------------------------------------


def tuning(run: RunData) -> pd.DataFrame:
    """What the tune phase did; empty without one. One row an arm. Columns:

    arm; trials proposed, stopped, finished, diverged, failed; full_length: trials that trained for all the epochs of
    their configuration; epochs, seconds; share: of the phase's epochs; budget_share: of the epochs that its trials
    would have taken had none ended early; chosen: values of the tunables; objective; best: the best chosen trial's.

    A pure search has one row for all its trials and one for each winner."""
    frame = tune_trials(run)
    found: list[Row] = []
    winners = chosen(run)
    for name in tune_arms(run):
        spent = _spent(name, frame[frame["arm"] == name], total=int(frame["trained"].sum()))
        is_search = run.study.design == "search"
        found.append(spent | _choice(run.study, [] if is_search else winners.get(name, [])))
        if is_search:
            found += [{"arm": winner} | _choice(run.study, trials) for winner, trials in winners.items()]
    return pd.DataFrame(found)


def _spent(name: str, trials: pd.DataFrame, *, total: int) -> Row:
    epochs, budget = int(trials["trained"].sum()), int(trials["budget"].sum())
    return {
        "arm": name,
        "proposed": len(trials),
        **{word: int((trials["state"] == str(state)).sum()) for word, state in _COUNTED.items()},
        "full_length": int((trials["trained"] >= trials["budget"]).sum()),
        "epochs": epochs,
        "seconds": float(trials["seconds"].sum()),
        "share": epochs / total if total else 0.0,
        "budget_share": epochs / budget,
    }


def _choice(study: Study, trials: Sequence[Trial]) -> Row:
    values = [", ".join(f"{name}={told(value)}" for name, value in trial.spec.proposal.items()) for trial in trials]
    best = reached(study, trials[0]) if trials else math.nan
    return {"chosen": "; ".join(values), "objective": study.objective, "best": best}


def told(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def edges(run: RunData) -> list[str]:
    """A sentence for every chosen number that lies at an end of its range."""
    lines = []
    for arm, trial in ((arm, trial) for arm, trials in chosen(run).items() for trial in trials):
        for one in tunables(run.study):
            if one.kind == "choice" or one.name not in trial.spec.proposal:
                continue
            value = trial.spec.proposal[one.name]
            at = position(one, value)
            if min(at, 1 - at) < AT_THE_END:
                end = "lower" if at < 0.5 else "upper"
                lines.append(
                    f"{arm}: the chosen {one.name} = {told(value)} lies at the {end} end of its range, "
                    f"{told(one.low)} to {told(one.high)}; this arm may do better beyond it."
                )
    return lines


# --- as text ---------------------------------------------------------------------------------------------------------


def tuning_grids(frame: pd.DataFrame) -> tuple[Grid, ...]:
    """What each arm spent, and what it chose; none without a tune phase."""
    return () if frame.empty else (_spent_grid(frame), _choice_grid(frame))


def _spent_grid(frame: pd.DataFrame) -> Grid:
    heads = (name.replace("_", " ") for name in _COUNTS)
    return Grid(
        title="Tune phase: trials and what they took",
        head=("arm", *heads, "share", "of its budget", "time"),
        rows=tuple(map(_spent_row, rows(frame.dropna(subset=["proposed"])))),
        right=(False, *(True for _ in _COUNTS), True, True, True),
    )


def _spent_row(row: Row) -> tuple[str, ...]:
    shares = (f"{row[name]:.0%}" for name in ("share", "budget_share"))
    return (row["arm"], *(f"{row[name]:.0f}" for name in _COUNTS), *shares, clock(row["seconds"]))


def clock(seconds: float) -> str:
    """As h:mm:ss; rounded to whole seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _choice_grid(frame: pd.DataFrame) -> Grid:
    """A pure search's own row, which stands for all its trials, chose nothing."""
    has_winners = frame["proposed"].isna().any()
    told_rows = rows(frame[frame["proposed"].isna()] if has_winners else frame)
    return Grid(
        title=TUNE_TITLE,
        head=("arm", "chosen", f"best {frame['objective'].iloc[0]}"),
        rows=tuple((row["arm"], row["chosen"] or "-", _score(row["best"])) for row in told_rows),
        right=(False, False, True),
    )


def _score(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"

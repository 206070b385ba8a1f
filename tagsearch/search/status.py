"""Runs on disk, in words. Needs neither ray nor torch."""

from collections import Counter
from pathlib import Path

from tagsearch.errors import RecordError
from tagsearch.readings import ADOPTED_FILE
from tagsearch.records import Phase, State, Trial, list_runs, read_trials
from tagsearch.search.run_folder import is_finished, is_taken
from tagsearch.study.adopted import read_reuse
from tagsearch.study.extension import read_extension

_PHASES: tuple[Phase, ...] = ("tune", "confirm")


def describe(folder: Path) -> str:
    """States by phase and arm, and what to do next."""
    lines = [f"{folder}: {_condition(folder)}"]
    if extension := read_extension(folder):
        declared = "as declared" if extension.as_declared else "not as declared"
        lines.append(f"extended to {extension.seeds} seeds an arm, {declared}")
    if origins := read_reuse(folder):
        n = sum(1 for _ in folder.glob(f"*/*/{ADOPTED_FILE}"))
        lines.append(f"takes over what {origins[0].run} has of it: {n} trial{'s' * (n != 1)} so far")
    for phase in _PHASES:
        trials = list(read_trials(folder, phase))
        if trials:
            lines += ["", f"{phase} phase", *_table(trials)]
    return "\n".join(lines)


def list_lines(storage: Path) -> list[str]:
    """One line a run, oldest first."""
    runs = list_runs(storage)
    if not runs:
        return [f"no runs under {storage}"]
    width = max(len(folder.name) for folder in runs)
    return [f"{folder.name:{width}}  {_in_a_line(folder)}" for folder in runs]


def _in_a_line(folder: Path) -> str:
    try:
        return f"{_condition(folder):11}  {_counts(folder)}"
    except RecordError as error:
        return f"damaged      {error}"


def _condition(folder: Path) -> str:
    if is_taken(folder):
        return "running"
    return "finished" if is_finished(folder) else "interrupted"


def _counts(folder: Path) -> str:
    parts = []
    for phase in _PHASES:
        counts = Counter(trial.state for trial in read_trials(folder, phase))
        if counts:
            parts.append(f"{phase}: " + ", ".join(f"{counts[s]} {s.lower()}" for s in State if counts[s]))
    return "; ".join(parts) or "no trials yet"


def _table(trials: list[Trial]) -> list[str]:
    arms = list(dict.fromkeys(trial.spec.arm for trial in sorted(trials, key=lambda t: t.spec.index)))
    counts = Counter((trial.spec.arm, trial.state) for trial in trials)
    epochs: Counter[str] = Counter()
    for trial in trials:
        epochs[trial.spec.arm] += len(trial.history)
    states = [state for state in State if any(counts[arm, state] for arm in arms)]
    width = max(len(arm) for arm in [*arms, "arm"])
    lines = [f"{'arm':{width}}" + "".join(f"{state.lower():>11}" for state in states) + f"{'epochs':>9}"]
    for arm in arms:
        cells = "".join(f"{counts[arm, state]:11d}" for state in states)
        lines.append(f"{arm:{width}}{cells}{epochs[arm]:9d}")
    return lines

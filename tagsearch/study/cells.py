"""Which trials of a study an earlier run has trained already, and why each of the others has to be trained.

A *cell* is what decides a trial's result: phase, arm, index, seed, configuration, corpus, the study's rules, and the
code and device that it is trained by. The arm's name is part of it: names of trials and the values proposed to an arm
hang on it.

* Tune trials are the same if their arm starts from the same configuration and is tuned in the same way. How many trials
  an arm gets may differ: what was proposed stands, though TPE begins to model after half of them, at most ten.
* Which configurations are confirmed is chosen anew, from all tune trials. So nothing is known of the confirm trials of
  an arm that has tune trials to come.
* An end by ASHA or a divergence is a result; a failure, or a trial that has not ended, is none.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tagsearch.errors import RecordError, UsageError
from tagsearch.records import SPLITS, CorpusTable, Phase, Trial, TrialSpec, read_corpus, read_trial
from tagsearch.study import cell_reasons
from tagsearch.study.cell_reasons import RESULTS, Now
from tagsearch.study.schema import SEARCH, Study
from tagsearch.study.trials import chosen_configs, confirm_trials, tune_order


@dataclass(frozen=True, kw_only=True)
class Cell:
    """`trial`: of the earlier run, where it has it. `reason`: why it is to be trained, where it has not; `is_open`: it
    hangs on what tuning will choose."""

    phase: Phase
    arm: str
    index: int
    trial: Trial | None = None
    reason: str = ""
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class Source:
    """An earlier run. `damaged`: folders of trials that cannot be read."""

    folder: Path
    study: Study
    trials: tuple[Trial, ...]
    damaged: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        return self.folder.name

    def of(self, phase: Phase) -> list[Trial]:
        return [trial for trial in self.trials if trial.spec.phase == phase]


def read_source(folder: Path) -> Source:
    """A run folder, which is only read. Raises StudyError if its study cannot be."""
    from tagsearch.study.parse import read_study  # the only place that needs the YAML reader

    folder = folder.resolve()
    found = {path.parent: _read_trial(path.parent) for path in sorted(folder.glob("*/*/trial.json"))}
    return Source(
        folder=folder,
        study=read_study(folder / "resolved.yaml"),
        trials=tuple(trial for trial in found.values() if trial is not None),
        damaged=tuple(path for path, trial in found.items() if trial is None),
    )


def _read_trial(folder: Path) -> Trial | None:
    """None for one that is damaged, or in a folder that is another trial's."""
    try:
        trial = read_trial(folder)
    except RecordError:
        return None
    return trial if (trial.spec.phase, trial.spec.name) == (folder.parent.name, folder.name) else None


def check_same_corpus(source: Source, table: CorpusTable) -> None:
    """Raises UsageError if the trials of `source` were trained on other clips or labels than those of `table`."""
    theirs = read_corpus(source.folder)
    if theirs.fingerprint == table.fingerprint:
        return
    then, now = (
        f"{one.fingerprint[:12]}: {one.name}, {'/'.join(f'{len(one.rows(s)):,}' for s in SPLITS)} clips"
        for one in (theirs, table)
    )
    raise UsageError(
        f"--reuse {source.name}: a trial can be taken over on the same clips with the same labels, and it was trained "
        f"on another corpus ({then}; now {now}); leave --reuse out"
    )


# --- cells -----------------------------------------------------------------------------------------------------------


def all_cells(study: Study, source: Source, now: Now) -> list[Cell]:
    """Of both phases, as far as they are known before the tune phase."""
    tuned = tune_cells(study, source, now)
    waiting = {cell.arm for cell in tuned if cell.trial is None}
    trials = [cell.trial for cell in tuned if cell.trial is not None]
    settled = [arm for arm in study.confirm_arms if tuned_as(study, arm) not in waiting]
    chosen = {arm: configs for arm, configs in chosen_configs(study, trials).items() if arm in settled}
    known = confirm_cells(study, confirm_trials(study, chosen, study.confirm_seeds), source, now)
    waiting_arms = [arm for arm in study.confirm_arms if arm not in settled]
    return [*tuned, *known, *_waiting_cells(study, waiting_arms, source, now)]


def _waiting_cells(study: Study, arms: Iterable[str], source: Source, now: Now) -> Iterator[Cell]:
    """Of confirm trials whose arms have tune trials to come."""
    for arm in arms:
        theirs = [trial for trial in source.of("confirm") if trial.spec.arm == arm]
        reasons = [cell_reasons.unusable(trial, now) for trial in theirs] or ["not begun there"]
        reason = cell_reasons.confirmed_otherwise_anyway(study, source.study, arm) or all(reasons) * reasons[0]
        is_open, reason = not reason, reason or "hangs on what tuning chooses"
        for index in range(len(study.confirm_seeds)):
            yield Cell(phase="confirm", arm=arm, index=index, reason=reason, is_open=is_open)


def tuned_as(study: Study, arm: str) -> str:
    """The arm of the tune phase that an arm's configuration comes from; the baseline of a pure search has its own."""
    return SEARCH if study.design == "search" and arm not in study.by_name else arm


def tune_cells(study: Study, source: Source, now: Now) -> list[Cell]:
    """In the order in which the trials start; empty for a study that tunes nothing."""
    if study.tune is None:
        return []
    theirs = {(trial.spec.arm, trial.spec.index): trial for trial in source.of("tune")}
    reasons = {arm.name: cell_reasons.tuned_otherwise(study, source.study, arm) for arm in study.tune_arms}
    n_theirs = source.study.tune.trials_per_arm if source.study.tune else 0
    found = []
    for arm, index in tune_order(study):
        trial = theirs.get((arm, index))
        reason = reasons[arm]
        if not reason and trial is not None:
            reason = cell_reasons.unusable(trial, now)
        elif not reason:
            reason = "more trials an arm" if index >= n_theirs else _lacking(source, arm)
        found.append(Cell(phase="tune", arm=arm, index=index, trial=None if reason else trial, reason=reason))
    return found


def confirm_cells(study: Study, specs: Iterable[TrialSpec], source: Source, now: Now) -> list[Cell]:
    """Of these trials, in their order."""
    otherwise = cell_reasons.confirmed_otherwise(study, source.study)
    theirs = {trial.spec.name: trial for trial in source.of("confirm")}
    found = []
    for spec in specs:
        trial, reason = theirs.get(spec.name), otherwise
        if not reason and trial is not None:
            reason = cell_reasons.unusable(trial, now)
        elif not reason:
            own = [other.spec for other in theirs.values() if other.spec.arm == spec.arm]
            reason = cell_reasons.not_confirmed(study, spec, source.study, own) or _lacking(source, spec.arm)
        taken = None if reason else trial
        found.append(Cell(phase="confirm", arm=spec.arm, index=spec.index, trial=taken, reason=reason))
    return found


def _lacking(source: Source, arm: str) -> str:
    """Of a trial that was planned there."""
    damaged = any(path.name.rsplit("-", 2)[0] == arm for path in source.damaged)
    return "damaged or not begun there" if damaged else "not begun there"


# --- the sum ---------------------------------------------------------------------------------------------------------


def to_do(cells: Iterable[Cell]) -> dict[tuple[Phase, str], int]:
    """How many trials of each arm and phase are to be trained; what is open is taken to be. Arms without any are 0."""
    counts: dict[tuple[Phase, str], int] = {}
    for cell in cells:
        counts[cell.phase, cell.arm] = counts.get((cell.phase, cell.arm), 0) + (cell.trial is None)
    return counts


def describe(cells: Sequence[Cell], run: str) -> Iterator[str]:
    """What is taken over and what is not, a line for each reason."""
    phases = [phase for phase in RESULTS if any(cell.phase == phase for cell in cells)]
    taken = [f"{sum(c.trial is not None for c in cells if c.phase == p)} of {_n(cells, p)}" for p in phases]
    what = " and ".join(f"{count} {phase}" for count, phase in zip(taken, phases, strict=True))
    yield f"reuse of {run}: {what or '0'} trials"
    missing = [cell for cell in cells if cell.trial is None]
    for phase, reason, is_open in dict.fromkeys((cell.phase, cell.reason, cell.is_open) for cell in missing):
        group = [cell for cell in missing if (cell.phase, cell.reason) == (phase, reason)]
        arms = ", ".join(dict.fromkeys(cell.arm for cell in group))
        n = f"{len(group)} {phase} trial{'s' * (len(group) > 1)} of {arms}"
        yield f"  open: {n}: {reason}" if is_open else f"  to train: {n}: {reason}"


def _n(cells: Sequence[Cell], phase: Phase) -> int:
    return sum(cell.phase == phase for cell in cells)

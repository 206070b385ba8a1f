"""Trials of an earlier run that a run takes over instead of training them: their folders are copied, and say whence.

A copy is made beside the phases and renamed into place in one step, so that a kill leaves a whole trial or none; a run
that goes on after one takes over what it lacks. The earlier run is only read; it may be going on, then what it has
finished by now is taken.
"""

import shutil
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tagsearch.files import to_disk
from tagsearch.readings import ADOPTED_FILE
from tagsearch.records import Config, Phase, Trial, is_run, read_trials
from tagsearch.search.asha import Rungs, rung_value
from tagsearch.search.tensorboard import UNFINISHED
from tagsearch.study.adopted import read_reuse, write_adopted
from tagsearch.study.cells import Cell, Source, confirm_cells, describe, read_source, tune_cells, tuned_as
from tagsearch.study.extension import read_extension, seeds_of
from tagsearch.study.lock import read_lock
from tagsearch.study.schema import Study
from tagsearch.study.trained_by import differing, named, read_trained_by, trained_by
from tagsearch.study.trials import confirm_trials
from tagsearch.training.outcome import CHECKPOINT, PREVIOUS_CHECKPOINT

PHASES: tuple[Phase, ...] = ("tune", "confirm")
_COPY = ".adopting"  # in the run folder, while a trial is copied
_NOT_COPIED = (CHECKPOINT, PREVIOUS_CHECKPOINT)  # a process killed just after its record left them behind

Say = Callable[[str], None]


class Reuse:
    """What the run in `folder` takes over, by its reuse.json; nothing without one."""

    def __init__(self, study: Study, folder: Path, *, device: str, say: Say) -> None:
        self._study = study
        self._folder = folder
        self._device = device
        self._say = say
        self._source = _source_of(folder, say)
        self._was_open: set[str] = set()  # arms that had tune trials to come

    def before_tune(self) -> None:
        """Take over tune trials."""
        if self._source is None or (self._folder / "tune" / "chosen.json").exists():
            return
        cells = tune_cells(self._study, self._source, self._now)
        self._was_open = {cell.arm for cell in cells if cell.trial is None}
        self._take("tune", cells)

    def before_confirm(self, chosen: Mapping[str, Sequence[Config]]) -> None:
        """Take over confirm trials, of the configurations that were chosen; says what became of those that hung on
        the choice."""
        if self._source is None:
            return
        seeds = seeds_of(self._study, read_extension(self._folder))
        cells = confirm_cells(self._study, confirm_trials(self._study, chosen, seeds), self._source, self._now)
        if settled := [cell for cell in cells if self._was_to_be_seen(cell.arm)]:
            for line in describe(settled, self._source.name):
                self._say(line)
        self._take("confirm", cells)

    def _was_to_be_seen(self, arm: str) -> bool:
        """Whether its configuration had still to be chosen, and could be one that the source has."""
        assert self._source is not None
        return tuned_as(self._study, arm) in self._was_open and arm in self._source.study.confirm_arms

    def _now(self, config: Config) -> Mapping[str, str]:
        return trained_by(config, device=self._device)

    def _take(self, phase: Phase, cells: Iterable[Cell]) -> None:
        """What the run itself has begun stays its own."""
        assert self._source is not None
        begun = {(trial.spec.arm, trial.spec.index) for trial in read_trials(self._folder, phase)}
        taken = [cell.trial for cell in cells if cell.trial is not None and (cell.arm, cell.index) not in begun]
        for trial in taken:
            adopt(trial, self._folder, source=self._source.name)
        if taken:
            self._say(f"taken over from {self._source.name}: {len(taken)} {phase} trial{'s' * (len(taken) > 1)}")


def _source_of(folder: Path, say: Say) -> Source | None:
    """None for a run that takes over nothing, or whose source is gone or another run by now, which may be of other
    data: what it has not taken over yet is trained."""
    origins = read_reuse(folder)
    if not origins:
        return None
    origin, source = origins[0], Path(origins[0].folder)
    if not is_run(source):
        say(f"{source} is gone: what was not taken over from it yet is trained")
        return None
    if (read_lock(source) or {}) != origin.lock:
        say(f"{source} is not the run any more that it was: what was not taken over from it yet is trained")
        return None
    return read_source(source)


def adopt(trial: Trial, run: Path, *, source: str) -> None:
    """Copy a finished trial into `run`, whole or not at all. `source`: the name of its own run."""
    draft, target = run / _COPY, run / trial.spec.phase / trial.spec.name
    shutil.rmtree(draft, ignore_errors=True)  # of a process that was killed
    shutil.copytree(trial.folder, draft, ignore=_left_out)
    draft.chmod(draft.stat().st_mode | stat.S_IRWXU)  # of a run that its owner has closed to writing
    write_adopted(draft, run=source)
    for path in draft.rglob("*"):
        to_disk(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.rename(target)
    to_disk(target.parent)


def _left_out(folder: str, names: Sequence[str]) -> list[str]:
    """What the earlier run is just writing, which may be gone in a moment. Links too: they lead out of the trial, and
    no trial has any."""
    unfinished = (".tmp", UNFINISHED)
    return [
        name for name in names if name in _NOT_COPIED or name.endswith(unfinished) or (Path(folder) / name).is_symlink()
    ]


def tell_rungs(rungs: Rungs, study: Study, trials: Iterable[Trial]) -> None:
    """What trials that were taken over scored at their rungs: another ASHA has seen it. The order tells nothing any
    more, as they have ended."""
    for trial in trials:
        if (trial.folder / ADOPTED_FILE).exists():
            for row in trial.history:
                rungs.see(rung_value(trial.spec, row, study.objective))


def tell_other_code(trials: Iterable[Trial], *, device: str, say: Say) -> None:
    """Of a run that goes on: finished trials are kept, whatever has changed since; what has is said."""
    changed: dict[str, None] = {}
    n = 0
    for trial in trials:
        by = read_trained_by(trial.folder)[-1:] if trial.result is not None else ()
        odd = differing(*by, trained_by(trial.spec.config, device=device)) if by else ()
        n += bool(odd)
        changed |= dict.fromkeys(odd)
    if n:
        which = f"{n} finished trial{'s' * (n > 1)}"
        say(f"other code or device than of {which} ({named(list(changed))}): they are kept, and the report says so")

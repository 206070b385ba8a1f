"""Several runs as one: replicates of one study, or the arms of different studies in one table.

Runs of one study (they differ in their seeds alone) are replicates: an arm's seeds are pooled. Each run tuned its arms
anew, so some of the luck of tuning is then in the spread between seeds: the more runs, the more of it, as the seeds of
one run share its choice. Different studies with the same baseline put all
their arms into one table; arms of the same declared configuration are one arm, under the name it has first.

A trial with the same seed and the same configuration as another is that trial again and counts once. The same seed with
other tuned values is no fresh replicate: one study's runs are refused then. Between different studies, whose rivals are
compared with the trials of their own run, such a seed gets a number of its own, so that seeds are paired within runs.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.compatible import check_compatible, config_difference, differing, is_one_study
from analysis.report.environment_section import environment
from analysis.rundata import Pooled, RunData, load
from tagsearch.errors import RecordError, UsageError
from tagsearch.records import State, Trial
from tagsearch.study.schema import Arm, Study

LONGEST_NAME = 80  # letters of the names in a folder's name; longer ones, and paths, become a hash


def combine(runs: Sequence[RunData | Path | str]) -> RunData:
    """The runs as one, which `summarize` and `write_report` take like any other; a single run is returned as it is.

    Raises UsageError, one line with the reason, if they cannot be combined."""
    loaded = [run if isinstance(run, RunData) else load(run) for run in runs]
    if len(loaded) == 1:
        return loaded[0]
    named = _named(loaded)
    check_compatible(named)
    arms = _Arms()
    for name, run in named.items():
        arms.add(name, run)
    pool = _Pool(runs=named, span=_span(loaded))
    for place, (name, run) in enumerate(named.items()):
        pool.add(name, run, arms.names[name], place=place)
    return _combined(named, arms, pool, is_one=is_one_study(loaded))


def combined_name(runs: Iterable[str]) -> str:
    """Of the folder for what is made of these runs: the same for the same names in the same order."""
    joined = "+".join(runs)
    is_plain = len(joined) <= LONGEST_NAME and "/" not in joined
    return f"combined-{joined if is_plain else hashlib.sha256(joined.encode()).hexdigest()[:12]}"


def _named(runs: Sequence[RunData]) -> dict[str, RunData]:
    """By folder name, by path where two folders are called alike."""
    if not runs:
        raise UsageError("there is no run to combine; name one or more")
    names = [run.folder.name for run in runs]
    named = {name if names.count(name) == 1 else str(run.folder): run for name, run in zip(names, runs, strict=True)}
    paths = {run.folder.resolve() for run in runs}
    if len(named) < len(runs) or len(paths) < len(runs):
        raise UsageError("a run is named twice: it has nothing to add to itself; name each run once")
    if any(run.pooled for run in runs):
        raise UsageError("a combination cannot be combined again; combine all its runs at once")
    return named


# --- arms ------------------------------------------------------------------------------------------------------------


@dataclass
class _Arms:
    """`names`: run -> its arm -> the arm of the combination."""

    found: dict[str, Arm] = field(default_factory=dict)
    names: dict[str, dict[str, str]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, run_name: str, run: RunData) -> None:
        self.names[run_name] = {}
        for arm in _arms_of(run):
            same = [name for name, other in self.found.items() if other.config == arm.config]
            target = same[0] if same else arm.name
            if not same and arm.name in self.found:
                told = config_difference(self.found[arm.name].config, arm.config)
                raise UsageError(
                    f"{self.homes[arm.name]} and {run_name} cannot be combined: arm {arm.name} has {told}; "
                    "rename it in one of the studies"
                )
            if target != arm.name:
                self.notes.append(f"{arm.name} of {run_name} has the configuration of {target} and is pooled with it.")
            self.found.setdefault(target, replace(arm, name=target))
            self.homes.setdefault(target, run_name)
            self.names[run_name][arm.name] = target
        for lacking in set(run.study.confirm_arms) - set(self.names[run_name]):
            self.notes.append(f"{lacking} of {run_name} is left out: its search has chosen no such winner yet.")


def _arms_of(run: RunData) -> list[Arm]:
    """The declared ones; a pure search's winners as they were chosen, if they have a trial."""
    chosen = {trial.spec.arm: trial.spec.config for trial in run.confirm}
    winners = [name for name in run.study.confirm_arms if name not in run.study.by_name and name in chosen]
    return [*run.study.arms, *(Arm(name=name, levels={}, config=chosen[name]) for name in winners)]


# --- trials ----------------------------------------------------------------------------------------------------------


def _span(runs: Sequence[RunData]) -> int:
    """A power of ten above all seeds."""
    return int(10 ** len(str(max(seed for run in runs for seed in _seeds(run)))))


@dataclass
class _Pool:
    runs: Mapping[str, RunData]
    span: int
    confirm: dict[tuple[str, int], Trial] = field(default_factory=dict)  # by arm and seed
    homes: dict[tuple[str, int], str] = field(default_factory=dict)
    planned: dict[str, tuple[int, ...]] = field(default_factory=dict)
    n_repeated: int = 0
    notes: list[str] = field(default_factory=list)

    def add(self, run_name: str, run: RunData, names: Mapping[str, str], *, place: int) -> None:
        renumbered = self._repeats_seeds(run_name, run, names)
        seeds = {seed: seed + place * self.span * renumbered for seed in _seeds(run)}
        if renumbered:
            self.notes.append(
                f"{run_name} repeats seeds with other tuned values: they count as its own, numbered from "
                f"{min(seeds.values())}, though they share initial weights and draws."
            )
        for trial in run.confirm:
            spec = replace(trial.spec, arm=names[trial.spec.arm], seed=seeds[trial.spec.seed])
            self._take(run_name, replace(trial, spec=spec))
        for arm in names.values():
            own = {seeds[seed] for seed in run.confirm_seeds}
            self.planned[arm] = tuple(sorted({*self.planned.get(arm, ()), *own}))

    def _repeats_seeds(self, run_name: str, run: RunData, names: Mapping[str, str]) -> bool:
        """Whether an arm has a seed of the run already, with another configuration."""
        clash, n_repeated = "", 0
        for trial in run.confirm:
            place = (names[trial.spec.arm], trial.spec.seed)
            if place not in self.confirm:
                continue
            difference, home = config_difference(self.confirm[place].spec.config, trial.spec.config), self.homes[place]
            n_repeated += not difference
            if difference and (not clash or is_one_study([self.runs[home], run])):
                clash = (
                    f"{home} and {run_name} cannot be combined: both trained {place[0]} with seed {trial.spec.seed}, "
                    f"with {difference}, and a seed used twice is no replicate; run the study with another --seed"
                )
                if is_one_study([self.runs[home], run]):
                    raise UsageError(clash)
        if clash and n_repeated:  # renumbered, a repeated trial would count twice; else the others lose their pairs
            raise UsageError(clash)
        return bool(clash)

    def _take(self, run_name: str, trial: Trial) -> None:
        place = (trial.spec.arm, trial.spec.seed)
        known = self.confirm.get(place)
        if known is None:
            self.confirm[place], self.homes[place] = trial, run_name
            return
        self.n_repeated += 1
        if _outcome(known) != _outcome(trial):
            self.notes.append(
                f"{trial.spec.arm} with seed {trial.spec.seed} is in {self.homes[place]} ({known.state}) and "
                f"{run_name} ({trial.state}) with different results; "
                f"{run_name if _is_better_known(trial, known) else self.homes[place]}'s counts."
            )
        if _is_better_known(trial, known):
            self.confirm[place], self.homes[place] = trial, run_name


def _seeds(run: RunData) -> set[int]:
    return {*run.confirm_seeds, *(trial.spec.seed for trial in run.confirm)}


def _outcome(trial: Trial) -> object:
    return trial.result and (trial.state, trial.result.weights_sha256, trial.result.best)


def _is_better_known(trial: Trial, known: Trial) -> bool:
    """Whether the trial has a result, which a diverged one is, and the known one has none."""
    results = (State.COMPLETED, State.DIVERGED)
    return trial.state in results and known.state not in results


# --- the combination -------------------------------------------------------------------------------------------------


def _combined(named: Mapping[str, RunData], arms: _Arms, pool: _Pool, *, is_one: bool) -> RunData:
    first, runs = next(iter(named.values())), list(named.values())
    study = first.study if is_one else _one_table(named, arms)
    tune = [
        replace(trial, spec=replace(trial.spec, arm=arms.names[name].get(trial.spec.arm, trial.spec.arm)))
        for name, run in named.items()
        for trial in run.tune
    ]
    notes = [*_reading(named, is_one=is_one), *arms.notes, *_repeated(pool), *pool.notes]
    return replace(
        first,
        folder=first.folder.parent / combined_name(named),
        study=study,
        lock=None,
        extension=None,
        tune=tuple(tune),
        confirm=tuple(trial for _, trial in sorted(pool.confirm.items(), key=lambda item: item[0])),
        pooled=Pooled(
            runs=dict(named),
            planned=pool.planned,
            is_one_study=is_one,
            notes=(*notes, *_settings(runs), *_environments(runs)),
        ),
    )


def _one_table(named: Mapping[str, RunData], arms: _Arms) -> Study:
    """A study of all the arms that claims nothing."""
    studies = [run.study for run in named.values()]
    shared = set.intersection(*(set(study.snapshots) for study in studies))
    return replace(
        studies[0],
        name=" + ".join(dict.fromkeys(study.name for study in studies)),
        question=" / ".join(dict.fromkeys(study.question for study in studies)),
        factors={},
        design="explicit",
        arms=tuple(arms.found.values()),
        snapshots=tuple(epoch for epoch in studies[0].snapshots if epoch in shared),
        hypotheses=(),
    )


_PAIRING = (
    "A rival is compared with the baseline's trials of its own run, seed by seed; one of another architecture, whose "
    "seeds cannot be paired, with those of all runs. Each hypothesis is judged in its own run only."
)


def _reading(named: Mapping[str, RunData], *, is_one: bool) -> list[str]:
    if not is_one:
        return ["Different studies in one table: exploratory.", _PAIRING, *_changed(list(named.values()))]
    return [
        f"{len(named)} runs of one study, pooled after the fact.",
        "Chosen values may differ from run to run, so some of the luck of tuning is in the spread between seeds; the "
        "seeds of one run share its choice, so not all of it.",
    ]


def _changed(runs: Sequence[RunData]) -> list[str]:
    """Why runs of a study of one name are not of one study."""
    if len({run.study.name for run in runs}) > 1:
        return []
    return [f"They are no replicates, as the study was changed in: {', '.join(differing(runs))}."]


def _repeated(pool: _Pool) -> list[str]:
    if not pool.n_repeated:
        return []
    return [f"Trials that two runs have alike, by seed and configuration, count once: {pool.n_repeated}."]


def _settings(runs: Sequence[RunData]) -> list[str]:
    """What the runs' rules of tuning differ in."""
    counts = list(dict.fromkeys(run.study.tune.trials_per_arm for run in runs if run.study.tune))
    notes = [f"Trials per tuned arm differ: {' and '.join(map(str, counts))}."] if len(counts) > 1 else []
    if any(run.study.design == "search" for run in runs):
        notes.append("Winners of a pure search were selected, their rivals were not; that proves nothing.")
    return notes


def _environments(runs: Sequence[RunData]) -> list[str]:
    """Where the runs were trained by another version or on another device."""
    found, notes = list[Mapping[str, Any]](), list[str]()
    for run in runs:
        try:
            found += [known] if (known := environment(run)) is not None else []
        except RecordError as error:
            notes.append(f"{error}.")
    for what in ("tagsearch", "device"):
        values = list(dict.fromkeys(str(one.get(what)) for one in found))
        notes += [f"The runs differ in {what}: {', '.join(values)}."] if len(values) > 1 else []
    return notes

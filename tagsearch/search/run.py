"""A run from its plan to its last record. `execute` serves a new run and a resumed one alike: it does what is missing.

Flow: corpus and features -> tune phase (validation only, ASHA per arm) -> chosen configurations -> confirm phase (fresh
seeds, full budget, nothing stopped; the only reader of the test split).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tagsearch.errors import RunFailedError, SomeTrialsFailedError
from tagsearch.files import write_json
from tagsearch.records import Config, Phase, State, Trial, TrialResult, TrialSpec, read_trials
from tagsearch.search.asha import Rungs
from tagsearch.search.head_watch import head_watched, kept_stderr
from tagsearch.search.observers import Observer, notices
from tagsearch.search.phase import Placement, run_phase
from tagsearch.search.placement import n_slots
from tagsearch.search.proposals import ArmProposals
from tagsearch.search.ray_session import machines, ray_session
from tagsearch.search.reuse import PHASES, Reuse, tell_other_code, tell_rungs
from tagsearch.search.run_data import needed_files
from tagsearch.search.run_folder import PLANNED_FILE, write_trials_csv
from tagsearch.search.searcher import Propose
from tagsearch.search.storage import storage_errors
from tagsearch.search.storage_check import check_nodes
from tagsearch.search.taken_over import read_chosen, refuse_strangers, tell_of_lost_epochs, tell_of_lost_records
from tagsearch.search.trainable import TRAIN
from tagsearch.study.data import repeats_short_clips
from tagsearch.study.extension import read_extension, seeds_of
from tagsearch.study.schema import Study
from tagsearch.study.trials import chosen_configs, confirm_trials, tune_order
from tagsearch.training.settings import TrialSettings


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to run, as opposed to what: none of it may change a result."""

    max_concurrent: int | None = None  # None: as many as the machine or cluster holds
    gpus_per_trial: float = 0.0
    max_retries: int = 2
    time_budget_s: float | None = None
    trial_time_limit_s: float | None = None  # of one epoch; a trial that takes longer hangs
    address: str | None = None
    train: str = TRAIN  # "module:name" of what runs a trial


def execute(
    study: Study,
    folder: Path,
    features: Mapping[str, Path],
    *,
    options: Options,
    device: str,
    observers: Sequence[Observer],
) -> None:
    """Do what is missing of the run in `folder`; what an earlier run has of it is taken over from there.

    Raises RunFailedError if nothing usable finished, SomeTrialsFailedError if something is missing beside usable
    results, StoppedError (InterruptedRunError on Ctrl-C) if there is more to do, StorageError if that is because the
    storage failed; UsageError first of all if no machine can hold one, or one of them does not see the storage."""
    way_on = f"free space, or open it to writing, and go on with `tagsearch resume {folder}`"
    with (
        storage_errors(folder, way_on=way_on),
        kept_stderr() as stderr,
        ray_session(address=options.address, log=folder / "ray.log"),
        head_watched(stderr, way_on=_after_the_head(folder, options.address)),
    ):
        there = machines(address=options.address)
        slots = n_slots(there, gpus_per_trial=options.gpus_per_trial)
        check_nodes(there, folder, needed=needed_files(folder, features.values()))
        session = _Session(study, folder, features, options=options, device=device, observers=observers, possible=slots)
        tell_other_code(_trials(folder), device=device, say=notices(observers))
        reuse = Reuse(study, folder, device=device, say=notices(observers))
        try:
            reuse.before_tune()
            chosen = session.tune() if study.tune else chosen_configs(study, [])
            reuse.before_confirm(chosen)
            session.confirm(chosen)
        finally:
            write_trials_csv(folder)
    _judge(study, folder, chosen)


def _after_the_head(folder: Path, address: str | None) -> str:
    if address is None:  # it was this run's own
        return f"`tagsearch resume {folder}` starts Ray again and goes on"
    return f"start the cluster again, then `tagsearch resume {folder} --address ...`"


class _Session:
    """The phases of one run under one Ray."""

    def __init__(
        self,
        study: Study,
        folder: Path,
        features: Mapping[str, Path],
        *,
        options: Options,
        device: str,
        observers: Sequence[Observer],
        possible: int,
    ) -> None:
        self._study = study
        self._folder = folder
        self._features = features
        self._options = options
        self._device = device
        self._observers = observers
        self._n_slots = min(possible, options.max_concurrent or possible)
        self._begun = time.monotonic()

    def tune(self) -> Mapping[str, Sequence[Config]]:
        """The chosen configurations of every arm that has a usable trial; chosen once, a resumed run reads it."""
        study, chosen_file = self._study, self._folder / "tune" / "chosen.json"
        if chosen_file.exists():
            tell_of_lost_records(read_trials(self._folder, "tune"))
            return read_chosen(chosen_file, study)
        assert study.tune is not None
        proposals = {arm.name: ArmProposals(study, arm=arm.name, base=arm.config) for arm in study.tune_arms}
        trials = list(read_trials(self._folder, "tune"))
        before = {(t.spec.arm, t.spec.index): t for t in trials}
        for (arm, index), trial in sorted(before.items()):
            result = trial.result
            proposals[arm].recall(index, trial.spec.proposal, ended=result is not None, score=_score(result))
        order = tune_order(study)
        planned = [
            _propose(study, proposals[arm], arm, index, before.get((arm, index)))
            for arm, index in order
            if (arm, index) not in before or before[arm, index].result is None
        ]
        self._run(
            "tune",
            planned,
            n_trials=len(order),
            arms=tuple(proposals),
            before=trials,
            rungs=self._rungs(trials),
            told=lambda spec, result: proposals[spec.arm].tell(spec.index, _score(result)),
        )
        chosen = chosen_configs(study, list(read_trials(self._folder, "tune")))
        content = {name: [dict(config) for config in configs] for name, configs in chosen.items()}
        write_json(chosen_file, content, durable=True)
        return chosen

    def _rungs(self, trials: Sequence[Trial]) -> Rungs | None:
        study, folder = self._study, self._folder / "tune"
        if study.tune is None or study.tune.asha is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        rungs = Rungs(study.tune.asha, direction=study.direction, log=folder / "rungs.jsonl")
        tell_rungs(rungs, study, trials)
        rungs.recall(trials, study.objective)
        return rungs

    def confirm(self, chosen: Mapping[str, Sequence[Config]]) -> None:
        seeds = seeds_of(self._study, read_extension(self._folder))
        specs = confirm_trials(self._study, chosen, seeds)
        before = list(read_trials(self._folder, "confirm"))
        refuse_strangers(before, specs)
        write_json(self._folder / PLANNED_FILE, [spec.name for spec in specs])
        ended = {trial.spec.name for trial in before if trial.result is not None}
        planned = [_given(spec) for spec in specs if spec.name not in ended]
        self._run("confirm", planned, n_trials=len(specs), arms=tuple(chosen), before=before)

    def _run(
        self,
        phase: Phase,
        planned: Sequence[Propose],
        *,
        n_trials: int,
        arms: Sequence[str],
        before: Sequence[Trial],
        rungs: Rungs | None = None,
        told: Callable[[TrialSpec, TrialResult], None] | None = None,
    ) -> None:
        tell_of_lost_epochs(before)
        for observer in self._observers:
            observer.phase_started(phase, arms=arms, n_trials=n_trials, n_slots=self._n_slots, before=before)
        try:
            if planned:
                run_phase(
                    phase,
                    study=self._study,
                    folder=self._folder,
                    planned=planned,
                    trial_config=self._trial_config(),
                    placement=Placement(
                        n_slots=self._n_slots,
                        gpus_per_trial=self._options.gpus_per_trial,
                        max_retries=self._options.max_retries,
                        time_budget_s=self._time_left(),
                    ),
                    observers=self._observers,
                    rungs=rungs,
                    told=told,
                )
        finally:
            for observer in self._observers:
                observer.phase_ended(phase)

    def _time_left(self) -> float | None:
        """Of the time budget, for what comes; a phase that has none left is stopped at once, not skipped."""
        budget = self._options.time_budget_s
        return None if budget is None else max(1.0, budget - (time.monotonic() - self._begun))

    def _trial_config(self) -> dict[str, Any]:
        study = self._study
        settings = {
            model: TrialSettings(
                corpus=(self._folder / "corpus.npz").resolve(),
                features=view.resolve(),
                repeat_short=repeats_short_clips(study.data),
                objective=study.objective,
                checkpoint=study.checkpoint,
                stop=study.stop,
                snapshots=study.snapshots,
                device=self._device,
                gpu_share=self._options.gpus_per_trial,
            ).to_json()
            for model, view in self._features.items()
        }
        limit = self._options.trial_time_limit_s
        return {"function": self._options.train, "settings": settings, "epoch_limit_s": limit}


def _propose(study: Study, proposals: ArmProposals, arm: str, index: int, begun: Trial | None) -> Propose:
    def propose() -> TrialSpec:
        if begun is not None:
            return begun.spec
        config, proposal = proposals.propose(index)
        seed = study.tune_seed(index)
        return TrialSpec(phase="tune", arm=arm, index=index, seed=seed, config=config, proposal=proposal)

    return propose


def _given(spec: TrialSpec) -> Propose:
    return lambda: spec


def _score(result: TrialResult | None) -> float | None:
    return None if result is None or result.state in (State.DIVERGED, State.FAILED) else result.best


def _trials(folder: Path) -> list[Trial]:
    return [trial for phase in PHASES for trial in read_trials(folder, phase)]


def _judge(study: Study, folder: Path, chosen: Mapping[str, Sequence[Config]]) -> None:
    """Turn what is missing into the exit code that says so."""
    trials = _trials(folder)
    confirmed = [t for t in trials if t.spec.phase == "confirm" and t.state is State.COMPLETED]
    failed = [t for t in trials if t.state is State.FAILED]
    if not confirmed:
        where = f"; the first error is in {failed[0].folder / 'traceback.txt'}" if failed else ""
        raise RunFailedError(f"no trial of the confirm phase completed{where}")
    if failed:
        raise SomeTrialsFailedError(
            f"{len(failed)} of {len(trials)} trials failed after their retries; the first error is in "
            f"{failed[0].folder / 'traceback.txt'}"
        )
    without = [arm for arm in study.confirm_arms if arm not in chosen]
    if without:
        raise SomeTrialsFailedError(f"no usable tune trial, so no confirm trials, for: {', '.join(without)}")

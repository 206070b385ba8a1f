"""Which trials a study consists of: the order of the tune phase, the configurations it chooses, the confirm phase."""

from collections.abc import Mapping, Sequence

import numpy as np

from tagsearch.records import Config, State, Trial, TrialSpec
from tagsearch.study.schema import SEARCH, Study


def tune_order(study: Study) -> list[tuple[str, int]]:
    """(arm, index) of every tune trial in start order: in rounds of one trial an arm, each round in an order drawn from
    the study's seed, since whoever reaches an ASHA rung first has it easier. Empty for a study that tunes nothing."""
    generator = np.random.default_rng(study.seed)
    names = [arm.name for arm in study.tune_arms]
    n_rounds = study.tune.trials_per_arm if study.tune else 0
    return [(names[k], index) for index in range(n_rounds) for k in generator.permutation(len(names))]


def choose(study: Study, arm: str, trials: Sequence[Trial]) -> list[Trial]:
    """An arm's chosen trials, best first: its `confirm.configs` best different configurations, or the `confirm.top`
    best ones of a pure search; fewer if there are no more.

    Candidates are the arm's tune trials with a finite objective that reached the highest rung any of them reached; a
    completed trial has passed every rung, a diverged or failed one is never chosen. Ties go to the lower index. Empty
    if there is no candidate."""
    scored = [(trial, value) for trial in trials if (value := _objective(study, arm, trial)) is not None]
    top_rung = max((_rung(study, trial) for trial, _ in scored), default=0.0)
    candidates = [(trial, value) for trial, value in scored if _rung(study, trial) == top_rung]
    sign = -1 if study.direction == "max" else 1
    candidates.sort(key=lambda pair: (sign * pair[1], pair[0].spec.index))
    chosen: list[Trial] = []
    for trial, _ in candidates:
        if all(dict(trial.spec.config) != dict(other.spec.config) for other in chosen):
            chosen.append(trial)
    return chosen[: study.confirm.top if study.design == "search" else study.confirm.configs]


def _objective(study: Study, arm: str, trial: Trial) -> float | None:
    """What the trial is judged by under the study's checkpoint rule; None if it is no candidate."""
    result = trial.result
    if result is None or trial.spec.arm != arm or trial.spec.phase != "tune":
        return None
    if result.state not in (State.COMPLETED, State.STOPPED):
        return None
    value = result.best if study.checkpoint == "best" else result.last
    return value if value is not None and np.isfinite(value) else None


def _rung(study: Study, trial: Trial) -> float:
    """The last rung a trial reached: its epoch, infinity for the full budget."""
    assert trial.result is not None
    if trial.result.state == State.COMPLETED:
        return float("inf")
    rungs = study.tune.asha.rungs(trial.spec.epochs) if study.tune and study.tune.asha else ()
    return max((rung for rung in rungs if rung <= trial.result.epochs), default=0)


def chosen_configs(study: Study, trials: Sequence[Trial]) -> dict[str, list[Config]]:
    """The configurations of each arm of the confirm phase, best first, from the tune phase's trials.

    An arm without a usable trial is left out. The baseline of a pure search keeps its own configuration; a study that
    tunes nothing keeps all of them."""
    if study.tune is None:
        return {arm.name: [arm.config] for arm in study.arms}
    if study.design == "search":
        winners = zip(study.confirm_arms[1:], choose(study, SEARCH, trials), strict=False)
        return {study.baseline.name: [study.baseline.config]} | {name: [trial.spec.config] for name, trial in winners}
    best = {arm.name: choose(study, arm.name, trials) for arm in study.arms}
    return {name: [trial.spec.config for trial in found] for name, found in best.items() if found}


def confirm_trials(study: Study, chosen: Mapping[str, Sequence[Config]], seeds: Sequence[int]) -> list[TrialSpec]:
    """Each chosen arm with each seed, seed by seed, so that all arms progress alike.

    `index` counts the seeds (of a run: extension.seeds_of); `chosen` holds the configurations of each arm (see
    `chosen_configs`), which its seeds take in turn. So the spread between seeds holds the luck of tuning too: all of it
    with as many configurations as seeds, none with one, which then judges that configuration, not the tuned arm."""
    assert set(chosen) <= set(study.confirm_arms), f"unknown arms in {sorted(chosen)}"
    return [
        TrialSpec(phase="confirm", arm=arm, index=index, seed=seed, config=dict(chosen[arm][index % len(chosen[arm])]))
        for index, seed in enumerate(seeds)
        for arm in study.confirm_arms
        if arm in chosen
    ]

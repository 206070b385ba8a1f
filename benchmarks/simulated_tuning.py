"""Two arms tuned with early stopping, then confirmed: by the project's own brackets and choice of configurations.

ROC AUC on validation after e epochs:  top_arm - 0.004 z^2 - DROP exp(-e / pace_arm) + luck + epoch noise  with z the
distance of a proposal from the arm's best setting. Where paces differ the curves cross: the slow arm is behind at the
first rungs and ahead at the end, or nowhere. Trials run on SLOTS slots at their own speeds, so that their values
reach the brackets in the order of a real search. What is claimed, and so what is true, is the difference of the chosen
configurations after their whole budget.
"""

import heapq
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from simulated_noise import MEASURED, SCALE, Floats, Noise, draw
from simulated_study import Claim, Simulated, evidence_of, run_of

from tagsearch.records import State, Trial, TrialResult, TrialSpec
from tagsearch.search.asha import Rungs, RungValue
from tagsearch.study.schema import Study
from tagsearch.study.trials import choose, tune_order

EPOCHS, SLOTS = 81, 4
PENALTY, DROP = 0.004, 0.3
EPOCH_NOISE = 0.002  # of one validation score
VALIDATION = 0.002  # SD of what the validation artists do to an arm
SPEEDS = (0.8, 1.25)  # epochs per unit of time
BASELINE = np.array([0.85, 0.30])
RHO = 0.005


@dataclass(frozen=True, kw_only=True)
class TuneCase:
    """`paces`: epochs in which baseline and new arm close 63 % of their gap."""

    name: str
    paces: tuple[float, float]
    trials: int = 27
    seeds: int = 5
    artists: int = 189
    noise: Noise = MEASURED
    n: int = 200
    n_sure: int = 400
    effects: tuple[float, ...] = (0.0, 1.0, 2.0)  # of the new arm's top, in margins


TUNE_CASES = [
    TuneCase(name="curves alike", paces=(8.0, 8.0)),
    TuneCase(name="curves cross", paces=(4.0, 12.0)),
    TuneCase(name="curves cross, 8 trials an arm", paces=(4.0, 12.0), trials=8),
]


def tuned_study(case: TuneCase, effect: float, rng: np.random.Generator) -> Simulated:
    run = run_of(Claim(), seeds=case.seeds, trials=case.trials, epochs=EPOCHS)
    study = run.study
    tops = {arm.name: k * effect * RHO for k, arm in enumerate(study.arms)}
    paces = {arm.name: pace for arm, pace in zip(study.arms, case.paces, strict=True)}
    specs = _proposals(study, rng)
    curves = {spec.name: tops[spec.arm] + _curve(spec, paces[spec.arm]) for spec in specs}
    seen = _seen(study, case, specs, curves, rng)
    fair, shared = (_search(study, specs, seen, rng, shared=shared) for shared in (False, True))
    chosen = [choose(study, arm.name, fair)[0] for arm in study.arms]
    final = [float(curves[trial.spec.name][-1]) for trial in chosen]
    best = [trial.result.best for trial in chosen if trial.result and trial.result.best is not None]
    means = BASELINE + np.outer(np.array(final) - BASELINE[0], SCALE)
    drawn = draw(case.noise, means, n_seeds=case.seeds, n_artists=case.artists, paired=True, rng=rng)
    return Simulated(
        run=replace(run, tune=tuple(fair)),
        evidence=evidence_of(run, drawn.values, drawn.influence, drawn.sizes),
        means=means,
        on_this_set=np.array(drawn.on_this_set),
        told={
            "true": final[1] - final[0],
            "best_validation": best[1] - best[0],
            "optimism": best[1] - final[1],
            "confirmed": float((drawn.values[1] - drawn.values[0])[:, 0].mean()),
            "validation_says_gain": float(best[1] - best[0] >= RHO),
            "shared_picks_new": float(_winner(shared) == study.arms[1].name),
        },
    )


def _proposals(study: Study, rng: np.random.Generator) -> list[TrialSpec]:
    """In start order. A trial's `lr` is its distance z from the best setting, of either sign: no model is trained."""
    return [
        TrialSpec(
            phase="tune",
            arm=arm,
            index=index,
            seed=study.tune_seed(index),
            config={**study.by_name[arm].config, "lr": float(rng.standard_normal())},
        )
        for arm, index in tune_order(study)
    ]


def _curve(spec: TrialSpec, pace: float) -> Floats:
    """Expected ROC AUC after every epoch, of an arm as good as the baseline."""
    epochs = np.arange(1, EPOCHS + 1)
    return np.asarray(BASELINE[0] - PENALTY * float(spec.config["lr"]) ** 2 - DROP * np.exp(-epochs / pace))


def _seen(
    study: Study, case: TuneCase, specs: Sequence[TrialSpec], curves: Mapping[str, Floats], rng: np.random.Generator
) -> dict[str, Floats]:
    """What validation says of every trial: with the luck of its seed, of the validation artists and of the epoch."""
    of_arm = {arm.name: VALIDATION * rng.standard_normal() for arm in study.arms}
    return {
        spec.name: curves[spec.name]
        + of_arm[spec.arm]
        + case.noise.seed * rng.standard_normal()
        + EPOCH_NOISE * rng.standard_normal(EPOCHS)
        for spec in specs
    }


def _search(
    study: Study,
    specs: Sequence[TrialSpec],
    seen: Mapping[str, Floats],
    rng: np.random.Generator,
    *,
    shared: bool,
) -> list[Trial]:
    """Run the trials against the brackets. `shared`: all arms compete in one, as a plain ASHA would have it."""
    assert study.tune is not None
    assert study.tune.asha is not None
    checks = (*study.tune.asha.rungs(EPOCHS), EPOCHS)
    waiting, ended = list(reversed(specs)), []
    speeds = {spec.name: rng.uniform(*SPEEDS) for spec in specs}
    with tempfile.TemporaryDirectory() as folder:
        rungs = Rungs(study.tune.asha, direction="max", log=Path(folder) / "rungs.jsonl")
        events: list[tuple[float, str, int, TrialSpec]] = []

        def start(now: float) -> None:
            spec = waiting.pop()
            heapq.heappush(events, (now + checks[0] / speeds[spec.name], spec.name, 0, spec))

        for _ in range(min(SLOTS, len(waiting))):
            start(0.0)
        while events:
            now, name, k, spec = heapq.heappop(events)
            arm = "all" if shared else spec.arm
            value = RungValue(trial=name, arm=arm, budget=EPOCHS, epoch=checks[k], value=seen[name][checks[k] - 1])
            stop = rungs.see(value)
            if checks[k] < EPOCHS and not stop:
                later = now + (checks[k + 1] - checks[k]) / speeds[name]
                heapq.heappush(events, (later, name, k + 1, spec))
                continue
            ended.append(_ended(spec, seen[name], checks[k]))
            if waiting:
                start(now)
    return sorted(ended, key=lambda trial: (trial.spec.arm, trial.spec.index))


def _ended(spec: TrialSpec, seen: Floats, epochs: int) -> Trial:
    best = int(seen[:epochs].argmax())
    result = TrialResult(
        state=State.COMPLETED if epochs == EPOCHS else State.STOPPED,
        epochs=epochs,
        best_epoch=best + 1,
        best=float(seen[best]),
        last=float(seen[epochs - 1]),
    )
    return Trial(folder=Path(spec.name), spec=spec, result=result, history=())


def _winner(trials: Sequence[Trial]) -> str:
    return max(trials, key=lambda trial: trial.result.best if trial.result and trial.result.best else 0.0).spec.arm

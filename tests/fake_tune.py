"""A tune phase with known outcomes, laid over a fake run in memory."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.rundata import RunData, gather
from tagsearch.records import Config, State, Trial, TrialResult, TrialSpec
from tagsearch.study.schema import Asha, Study, Tunable, Tune
from tests.fake_run import FakeRun

LR = Tunable(name="lr", kind="loguniform", low=1e-4, high=1e-1)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One tune trial. `last`: its last value, where that is not its best."""

    value: float | None = None
    proposal: Config = field(default_factory=lambda: {"lr": 0.01})
    state: State = State.COMPLETED
    epochs: int = 4
    seconds: float = 10.0
    last: float | None = None

    def trial(self, arm: str, index: int, base: Config) -> Trial:
        config = {**base, **self.proposal}
        spec = TrialSpec(phase="tune", arm=arm, index=index, seed=5001 + index, config=config, proposal=self.proposal)
        last = self.value if self.last is None else self.last
        result = TrialResult(
            state=self.state, epochs=self.epochs, seconds=self.seconds, best=self.value, last=last, best_epoch=1
        )
        return Trial(folder=Path("nowhere"), spec=spec, result=result if self.state.is_final else None, history=())


def diverged(**proposal) -> Tried:
    return Tried(state=State.DIVERGED, epochs=1, proposal=proposal or {"lr": 0.05})


def tuned_run(
    folder: Path, tried: Mapping[str, Sequence[Tried]], *, tunables: Sequence[Tunable] = (LR,), **changes
) -> RunData:
    """`tried`: by arm, the baseline first; `changes`: fields of the study."""
    study = FakeRun(signals=dict.fromkeys(tried, 1.0), n_clips=150, n_artists=20, seeds=2, tuned=False).write(folder)
    n_most = max(map(len, tried.values()))
    tune = Tune(trials_per_arm=n_most, search="random", tunables=tuple(tunables), asha=Asha(grace_period=1))
    study = dataclasses.replace(study, **{"tune": tune, **changes})
    return dataclasses.replace(gather(folder, study), tune=_trials(study, tried))


def _trials(study: Study, tried: Mapping[str, Sequence[Tried]]) -> tuple[Trial, ...]:
    """In the order of their folders' names, which is no order of indices."""
    listed = [one.trial(arm, k, study.base) for arm, trials in tried.items() for k, one in enumerate(trials)]
    return tuple(sorted(listed, key=lambda trial: trial.spec.name))

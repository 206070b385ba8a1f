"""Proposals of the tune phase: one Optuna study per arm, so that no arm learns from another's trials.

A proposal depends on the study's seed, the arm, the index and (for TPE) what the arm's earlier trials scored; nothing
else. So there is no sampler state to save: after a kill, the arm's history is told again from the trial folders.
"""

import hashlib
import warnings
from collections.abc import Callable, Mapping

import optuna

from tagsearch.records import Config, Scalar
from tagsearch.study.schema import Study, Tunable
from tagsearch.study.settings import changed

optuna.logging.set_verbosity(optuna.logging.WARNING)

_SUGGEST: Mapping[str, Callable[[optuna.Trial, Tunable], Scalar]] = {
    "uniform": lambda trial, t: trial.suggest_float(t.name, t.low, t.high),
    "loguniform": lambda trial, t: trial.suggest_float(t.name, t.low, t.high, log=True),
    "randint": lambda trial, t: trial.suggest_int(t.name, int(t.low), int(t.high) - 1),  # Ray excludes the upper end
    "lograndint": lambda trial, t: trial.suggest_int(t.name, int(t.low), int(t.high) - 1, log=True),
    "choice": lambda trial, t: _choice(trial.suggest_categorical(t.name, t.choices)),
}


class ArmProposals:
    """What one arm tries next. `base` is the arm's configuration before its tunables are set."""

    def __init__(self, study: Study, *, arm: str, base: Config) -> None:
        assert study.tune is not None
        self._tune = study.tune
        self._base = base
        self._arm = arm
        self._seed = study.seed
        self._optuna = optuna.create_study(direction="maximize" if study.direction == "max" else "minimize")
        self._asked: dict[int, optuna.Trial] = {}

    def propose(self, index: int) -> tuple[Config, Config]:
        """The arm's `index`-th configuration, and the values in it that were proposed."""
        self._optuna.sampler = self._sampler(index)
        trial = self._optuna.ask()
        config, proposal = self._suggest(trial)
        self._asked[index] = trial
        return config, proposal

    def tell(self, index: int, score: float | None) -> None:
        """How the `index`-th trial scored; None if it diverged or failed."""
        state = optuna.trial.TrialState.FAIL if score is None else optuna.trial.TrialState.COMPLETE
        self._optuna.tell(self._asked.pop(index), score, state=state)

    def recall(self, index: int, proposal: Config, *, ended: bool, score: float | None) -> None:
        """Tell of a trial proposed before this process started. Call in the order of the indices."""
        self._optuna.sampler = _Given(proposal)
        trial = self._optuna.ask()
        self._suggest(trial)
        self._asked[index] = trial
        if ended:
            self.tell(index, score)

    def _suggest(self, trial: optuna.Trial) -> tuple[Config, Config]:
        config, proposal = self._base, {}
        for tunable in self._tune.tunables:
            if tunable.applies(config):
                proposal[tunable.name] = _SUGGEST[tunable.kind](trial, tunable)
                config = changed(config, {tunable.name: proposal[tunable.name]})
        return config, proposal

    def _sampler(self, index: int) -> optuna.samplers.BaseSampler:
        digest = hashlib.sha256(f"{self._seed}/{self._arm}/{index}".encode()).digest()
        seed = int.from_bytes(digest[:4], "big")
        if self._tune.search == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        with warnings.catch_warnings():  # multivariate, group and constant_liar are marked experimental
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.TPESampler(
                n_startup_trials=max(3, min(10, self._tune.trials_per_arm // 2)),  # 10 would make small budgets random
                multivariate=True,
                group=True,  # conditional tunables are modelled where they exist
                constant_liar=True,  # trials still running repel the next proposal
                seed=seed,
            )


class _Given(optuna.samplers.RandomSampler):
    """Proposes exactly the values given: how an earlier trial is told again."""

    def __init__(self, values: Config) -> None:
        super().__init__(seed=0)
        self._values = values

    def sample_independent(self, study, trial, param_name, param_distribution):  # type: ignore[no-untyped-def]
        return self._values[param_name]


def _choice(value: object) -> Scalar:
    assert isinstance(value, bool | int | float | str)
    return value

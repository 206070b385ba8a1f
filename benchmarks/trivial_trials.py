"""Trials that train nothing, for what a search costs beside its trials: run by tagsearch and by bare Ray Tune.

Their curve is a function of the learning rate; an epoch takes microseconds. ASHA stops half of them after the first of
two epochs, so that a trial of a large study has as many epochs on average as one of a small one.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import AsyncHyperBandScheduler
from ray.tune.search.optuna import OptunaSearch

from tagsearch.records import State, TrialSpec, result_from_history, write_history, write_result
from tagsearch.study.parse import read_study
from tagsearch.study.schema import Study

TRAIN = "trivial_trials:train"
N_ARMS, EPOCHS, GRACE_PERIOD, REDUCTION_FACTOR = 10, 2, 1, 2
OBJECTIVE = "valid/pr_auc"

_STUDY = """
study: trivial
data: {{corpus: builtin, size: small}}
base: {{model: cnn1d, epochs: {epochs}}}
factors: {{batch_size: {sizes}}}
tune:
  trials_per_arm: {trials_per_arm}
  search: {search}
  tunables: {{lr: {{loguniform: [1.0e-4, 1.0e-1]}}}}
  asha: {{grace_period: {grace_period}, reduction_factor: {reduction_factor}}}
confirm: {{seeds: 1}}
"""


def trivial_study(n_trials: int, search: str, folder: Path) -> Study:
    """`n_trials` in all, of which each arm has one in the confirm phase."""
    assert n_trials % N_ARMS == 0
    file = folder / "trivial.yaml"
    file.write_text(
        _STUDY.format(
            epochs=EPOCHS,
            sizes=[8 * (k + 1) for k in range(N_ARMS)],
            trials_per_arm=n_trials // N_ARMS - 1,
            search=search,
            grace_period=GRACE_PERIOD,
            reduction_factor=REDUCTION_FACTOR,
        )
    )
    return read_study(file)


def train(spec: TrialSpec, settings: Mapping[str, Any], folder: Path) -> Iterator[Mapping[str, float]]:
    """What the search needs of a trial, see tagsearch.search.trainable.train."""
    rows: list[Mapping[str, float]] = []
    for epoch in range(1, spec.epochs + 1):
        value = quality(float(spec.config["lr"]), epoch)
        scores = {"train/loss": 1 - value, "valid/loss": 1 - value, "valid/roc_auc": value, OBJECTIVE: value}
        rows.append({"epoch": epoch, **scores, "clips_drawn": 10, "audio_seconds": 30.0, "seconds": 0.0})
        write_history(folder, rows, {})
        yield rows[-1]
    facts = {"objective": OBJECTIVE, "checkpoint": "best", "state": State.COMPLETED, "stop_reason": "budget"}
    write_result(folder, result_from_history(rows, **facts))  # type: ignore[arg-type]


def quality(lr: float, epoch: int) -> float:
    """Rises with the epochs to a ceiling that is highest at lr = 0.01."""
    return (0.8 - 0.1 * abs(math.log10(lr) + 2)) * (1 - 0.5 ** (1 + epoch / 3))


class BareTrial(tune.Trainable):  # type: ignore[misc]
    """The same without tagsearch, as Ray's documentation writes it."""

    def setup(self, config: dict[str, Any]) -> None:
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.config, self._epoch = new_config, 0
        return True

    def step(self) -> dict[str, Any]:
        self._epoch += 1
        value = quality(self.config["lr"], self._epoch)
        scores = {"train/loss": 1 - value, "valid/loss": 1 - value, "valid/roc_auc": value, OBJECTIVE: value}
        return {**scores, "done": self._epoch == EPOCHS}


def tune_bare(n_trials: int, search: str, folder: Path, *, n_slots: int, callback: tune.Callback) -> None:
    """With Ray's own loggers (JSON, CSV, TensorBoard) and its own ASHA, one for all trials."""
    space = {"lr": tune.loguniform(1e-4, 1e-1), "batch_size": tune.choice([8 * (k + 1) for k in range(N_ARMS)])}
    asha = AsyncHyperBandScheduler(
        time_attr="training_iteration",
        max_t=EPOCHS,
        grace_period=GRACE_PERIOD,
        reduction_factor=REDUCTION_FACTOR,
    )
    tuner = tune.Tuner(
        tune.with_resources(BareTrial, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(
            metric=OBJECTIVE,
            mode="max",
            search_alg=OptunaSearch(seed=0) if search == "optuna" else None,
            scheduler=asha,
            num_samples=n_trials,
            max_concurrent_trials=n_slots,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="bare",
            storage_path=str(folder),
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            callbacks=[callback],
        ),
    )
    tuner.fit()

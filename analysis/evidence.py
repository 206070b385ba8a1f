"""What the confirm phase says about each arm: its samples on the test split, its lost trials, its budget.

One trial's scores are in memory at a time; what is kept of it are its per-tag metrics and, per tag, the influence of
each test cluster (see tagsearch's `ranks`). Clusters are artists. Tags without a positive or without a negative test
clip are left out of every score, the same for all arms, and counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from analysis import ranks
from analysis.intervals import Estimate, Floats, Sample, contrast
from analysis.rundata import RunData
from tagsearch.errors import AnalysisError, RecordError
from tagsearch.records import Config, State, Trial
from tagsearch.study.schema import METRICS, Metric


@dataclass(frozen=True, kw_only=True)
class TestSplit:
    """labels: (n_clips, n_defined) of the tags whose metrics exist; artists: (n_clips,)."""

    __test__ = False  # no test class, whatever pytest reads into the name

    labels: npt.NDArray[np.uint8]
    artists: npt.NDArray[np.int32]
    defined: npt.NDArray[np.bool_]  # (n_tags,)

    @property
    def n_clips(self) -> int:
        return len(self.labels)

    @property
    def n_artists(self) -> int:
        return len(np.unique(self.artists))

    @property
    def prevalence(self) -> float:
        """Mean share of clips that have a tag: the macro PR AUC of random scores."""
        return float(self.labels.mean()) if self.labels.size else 0.0


@dataclass(frozen=True, kw_only=True)
class ArmEvidence:
    """An arm's confirm trials. values: (K, n_defined, 2); influence: (K, n_artists, n_defined, 2)."""

    name: str
    config: Config
    planned: tuple[int, ...]  # seeds
    seeds: tuple[int, ...]  # of the COMPLETED trials whose scores are readable, in rising order
    values: Floats
    influence: Floats
    diverged: tuple[int, ...]
    failed: tuple[int, ...]
    unfinished: tuple[int, ...]  # planned seeds that neither ended nor failed
    clips_drawn: float  # mean of the completed trials

    @property
    def missing(self) -> tuple[int, ...]:
        return tuple(sorted({*self.failed, *self.unfinished}))

    @property
    def extra(self) -> int:
        """Completed seeds beyond the plan."""
        return len(set(self.seeds) - set(self.planned))

    def sample(self, metric: Metric) -> Sample:
        """The arm on the macro mean over the defined tags."""
        m = METRICS.index(metric)
        return Sample(
            seeds=self.seeds,
            values=self.values[..., m].mean(axis=1),
            influence=self.influence[..., m].mean(axis=2),
        )

    def mean(self, metric: Metric) -> Estimate:
        """The arm by itself. Raises AnalysisError without a completed trial."""
        return self._means[metric]

    @cached_property
    def _means(self) -> Mapping[Metric, Estimate]:
        if not self.seeds:
            raise AnalysisError(f"arm {self.name!r} has no completed confirm trial")
        return {metric: contrast([self.sample(metric)], [1.0], paired=False) for metric in METRICS}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    split: TestSplit
    arms: Mapping[str, ArmEvidence]
    notes: tuple[str, ...]  # trials that had to be left out, one line each

    def difference(self, arm: str, than: str, metric: Metric) -> Estimate | None:
        """arm - than; None where too few trials completed.

        Seeds are paired where both train the same architecture: the seed then draws the same initial weights and crops.
        This is decided by the configuration, never by the scores."""
        one, other = self.arms[arm], self.arms[than]
        paired = _architecture(one.config) == _architecture(other.config)
        enough = set(one.seeds) & set(other.seeds) if paired else one.seeds and other.seeds
        if not enough:
            return None
        return contrast([one.sample(metric), other.sample(metric)], [1.0, -1.0], paired=paired)


def _architecture(config: Config) -> Config:
    return {name: value for name, value in config.items() if name.split(".")[0] == "model"}


def collect(run: RunData) -> Evidence:
    """Score every completed confirm trial on the test split. A trial whose scores cannot be read counts as failed."""
    rows = run.corpus.rows("test")
    labels = run.corpus.labels[rows]
    defined = ranks.defined_tags(labels)
    if not defined.any():
        raise AnalysisError("no tag has both a positive and a negative clip in the test split: nothing can be scored")
    split = TestSplit(labels=labels[:, defined], artists=run.corpus.artists[rows], defined=defined)
    notes: list[str] = []
    arms = {name: _collect_arm(run, name, split, notes) for name in run.study.confirm_arms}
    return Evidence(split=split, arms=arms, notes=tuple(notes))


def _collect_arm(run: RunData, name: str, split: TestSplit, notes: list[str]) -> ArmEvidence:
    trials = sorted((trial for trial in run.confirm if trial.spec.arm == name), key=lambda trial: trial.spec.seed)
    scored: dict[int, tuple[Floats, Floats]] = {}
    failed = {trial.spec.seed for trial in trials if trial.state is State.FAILED}
    for trial in trials:
        if trial.state is State.COMPLETED:
            try:
                scored[trial.spec.seed] = _score(trial, split)
            except (RecordError, AnalysisError) as error:
                failed.add(trial.spec.seed)
                notes.append(f"{trial.spec.name} is left out and counts as failed: {error}")
    diverged = {trial.spec.seed for trial in trials if trial.state is State.DIVERGED}
    planned = run.study.confirm_seeds
    drawn = [trial.result.clips_drawn for trial in trials if trial.result and trial.spec.seed in scored]
    return ArmEvidence(
        name=name,
        config=trials[0].spec.config if trials else _declared_config(run, name),
        planned=planned,
        seeds=tuple(scored),
        values=np.stack([values for values, _ in scored.values()]) if scored else np.empty((0, 0, 2)),
        influence=np.stack([influence for _, influence in scored.values()]) if scored else np.empty((0, 0, 0, 2)),
        diverged=tuple(sorted(diverged)),
        failed=tuple(sorted(failed)),
        unfinished=tuple(sorted(set(planned) - set(scored) - diverged - failed)),
        clips_drawn=float(np.mean(drawn)) if drawn else 0.0,
    )


def _declared_config(run: RunData, name: str) -> Config:
    """Empty for a pure search's winners that are not chosen yet."""
    return run.study.by_name[name].config if name in run.study.by_name else {}


def _score(trial: Trial, split: TestSplit) -> tuple[Floats, Floats]:
    scores = trial.scores("test")
    if scores.shape != (split.n_clips, len(split.defined)):
        expected = (split.n_clips, len(split.defined))
        raise RecordError(f"{trial.folder / 'scores.npz'} holds test scores of shape {scores.shape}, not {expected}")
    values, gradients = ranks.values_and_gradients(ranks.plan(scores[:, split.defined], split.labels))
    return values, ranks.cluster_sums(gradients, split.artists)

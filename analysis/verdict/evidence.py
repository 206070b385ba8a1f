"""What the confirm phase says about each arm: its samples on the test split, its lost trials, its budget.

One trial's scores are in memory at a time; what is kept of it are its per-tag metrics and, per tag, the influence of
each test cluster (see tagsearch's `ranks`). Clusters are artists. Tags without a positive or without a negative test
clip are left out of every score, the same for all arms, and counted.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from analysis.rundata import RunData
from analysis.tags.tagwise import count_threshold, read_scores
from analysis.verdict import balance, intervals, ranks
from analysis.verdict.intervals import Estimate, Floats, Sample
from tagsearch.errors import AnalysisError, RecordError
from tagsearch.records import FINAL, MEASURES, Config, State, Trial
from tagsearch.study.contrasts import versus
from tagsearch.study.endpoints import Endpoint
from tagsearch.study.pairing import are_paired
from tagsearch.study.schema import METRICS, Contrast, Metric, TagGroup
from tagsearch.study.tag_groups import places_of


@dataclass(frozen=True, kw_only=True)
class TestSplit:
    """labels: (n_clips, n_defined) of the tags whose metrics exist; artists: (n_clips,)."""

    __test__ = False  # no test class, whatever pytest reads into the name

    labels: npt.NDArray[np.uint8]
    artists: npt.NDArray[np.int32]
    defined: npt.NDArray[np.bool_]  # (n_tags,)
    tags: tuple[str, ...]  # all of the corpus's
    train_counts: npt.NDArray[np.int64]  # (n_tags,)

    @property
    def n_clips(self) -> int:
        return len(self.labels)

    @property
    def n_artists(self) -> int:
        return len(np.unique(self.artists))

    @cached_property
    def effective_artists(self) -> float:
        """How many artists with equally many clips would tell as much (Kish 1965)."""
        sizes = np.unique(self.artists, return_counts=True)[1]
        return float(sizes.sum() ** 2 / (sizes**2).sum())

    @property
    def prevalence(self) -> float:
        """Mean share of clips that have a tag: the macro PR AUC of random scores."""
        return float(self.labels.mean()) if self.labels.size else 0.0

    def columns(self, tags: TagGroup | tuple[str, ...]) -> npt.NDArray[np.int64]:
        """Places of a group's scored tags in `labels`; none where no tag of it can be scored, or where one of those
        that are named cannot: a claim about two tags is none about one of them."""
        column = np.cumsum(self.defined) - 1
        places = places_of(tags, self.tags, self.train_counts)
        if not isinstance(tags, str) and not (len(places) == len(tags) and self.defined[places].all()):
            places = places[:0]
        return np.asarray(column[places[self.defined[places]]])


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Trained models at one checkpoint. values: (K, n_defined, 2); influence: (K, n_artists, n_defined, 2); evenness:
    (K,), -ln of the divergence of `balance`, and its influence (K, n_artists); NaN and 0 where no part claims it."""

    values: Floats
    influence: Floats
    evenness: Floats
    evenness_influence: Floats


@dataclass(frozen=True, kw_only=True)
class ArmEvidence:
    """An arm's confirm trials."""

    name: str
    config: Config
    planned: tuple[int, ...]  # seeds
    seeds: tuple[int, ...]  # of the COMPLETED trials whose scores are readable, in rising order
    scored: Mapping[str, Scored]  # checkpoint -> the seeds' models; empty without a seed
    measures: Mapping[str, Floats]  # name of a measure -> (K,), NaN where a trial lacks it
    diverged: tuple[int, ...]
    failed: tuple[int, ...]
    unfinished: tuple[int, ...]  # planned seeds that neither ended nor failed
    clips_drawn: float  # mean of the completed trials
    audio_seconds: float  # likewise

    @property
    def missing(self) -> tuple[int, ...]:
        return tuple(sorted({*self.failed, *self.unfinished}))

    @property
    def values(self) -> Floats:
        """Of the final checkpoint, (K, n_defined, 2)."""
        return self.scored[FINAL].values if self.seeds else np.empty((0, 0, 2))

    @property
    def influence(self) -> Floats:
        """Of the final checkpoint, (K, n_artists, n_defined, 2)."""
        return self.scored[FINAL].influence if self.seeds else np.empty((0, 0, 0, 2))

    def sample(self, metric: Metric) -> Sample:
        """The arm on the macro mean over the defined tags, at its final checkpoint."""
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
        return {metric: intervals.contrast([self.sample(metric)], [1.0], paired=False) for metric in METRICS}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    split: TestSplit
    arms: Mapping[str, ArmEvidence]
    notes: tuple[str, ...]  # trials that had to be left out, one line each

    def difference(self, arm: str, than: str, metric: Metric) -> Estimate | None:
        """arm - than on the macro mean; None where too few trials completed."""
        return self.estimate(versus(arm, than), Endpoint(metric=metric))

    def estimate(self, contrast: Contrast, endpoint: Endpoint) -> Estimate | None:
        """None where too few trials completed, or where no tag of the endpoint can be scored.

        Seeds are paired where all arms train the same architecture: the seed then draws the same initial weights and
        crops. This is decided by the configuration, never by the scores."""
        arms = [self.arms[name] for name in contrast.weights]
        if not all(arm.seeds for arm in arms):
            return None
        samples = [self.sample(arm, endpoint) for arm in arms]
        paired = self.are_paired(contrast)
        if any(sample is None for sample in samples) or (paired and not _shared(arms)):
            return None
        present = [sample for sample in samples if sample is not None]
        estimate = intervals.contrast(present, list(contrast.weights.values()), paired=paired)
        return estimate if math.isfinite(estimate.value) else None  # balance is not there where no part claims it

    def are_paired(self, contrast: Contrast) -> bool:
        """Whether the seeds of the contrast's arms belong together by design."""
        return are_paired([self.arms[name].config for name in contrast.weights])

    def sample(self, arm: ArmEvidence, endpoint: Endpoint) -> Sample | None:
        """None where no tag of the endpoint can be scored. `arm` has a seed."""
        scored, effective = arm.scored[endpoint.checkpoint], self.split.effective_artists
        if endpoint.metric == "balance":
            return Sample(
                seeds=arm.seeds, values=scored.evenness, influence=scored.evenness_influence, effective=effective
            )
        m = METRICS.index(endpoint.metric)
        groups = [self.split.columns(endpoint.tags)] + (
            [self.split.columns(endpoint.beyond)] if endpoint.beyond else []
        )
        if not all(len(columns) for columns in groups):
            return None
        values = [scored.values[:, columns, m].mean(axis=1) for columns in groups]
        influence = [scored.influence[:, :, columns, m].mean(axis=2) for columns in groups]
        return Sample(
            seeds=arm.seeds,
            values=values[0] - (values[1] if endpoint.beyond else 0.0),
            influence=influence[0] - (influence[1] if endpoint.beyond else 0.0),
            effective=effective,
        )


def _shared(arms: Sequence[ArmEvidence]) -> set[int]:
    return set.intersection(*(set(arm.seeds) for arm in arms))


def collect(run: RunData) -> Evidence:
    """Score every completed confirm trial on the test split. A trial whose scores cannot be read counts as failed."""
    rows = run.corpus.rows("test")
    labels = run.corpus.labels[rows]
    defined = ranks.defined_tags(labels)
    if not defined.any():
        raise AnalysisError("no tag has both a positive and a negative clip in the test split: nothing can be scored")
    split = TestSplit(
        labels=labels[:, defined],
        artists=run.corpus.artists[rows],
        defined=defined,
        tags=run.corpus.tags,
        train_counts=run.corpus.train_counts,
    )
    notes: list[str] = []
    arms = {name: _collect_arm(run, name, split, notes) for name in run.study.confirm_arms}
    return Evidence(split=split, arms=arms, notes=tuple(notes))


def _collect_arm(run: RunData, name: str, split: TestSplit, notes: list[str]) -> ArmEvidence:
    trials = sorted((trial for trial in run.confirm if trial.spec.arm == name), key=lambda trial: trial.spec.seed)
    wanted = _checkpoints(run)
    models: dict[int, Mapping[str, Scored]] = {}
    failed = {trial.spec.seed for trial in trials if trial.state is State.FAILED} | _ambiguous(trials, notes)
    for trial in (trial for trial in trials if trial.spec.seed not in failed):
        if trial.state is State.COMPLETED:
            try:
                models[trial.spec.seed] = {
                    checkpoint: _score(run, trial, checkpoint, split, with_balance=with_balance)
                    for checkpoint, with_balance in wanted.items()
                }
            except (RecordError, AnalysisError) as error:
                failed.add(trial.spec.seed)
                notes.append(f"{trial.spec.name} is left out and counts as failed: {error}")
    diverged = {trial.spec.seed for trial in trials if trial.state is State.DIVERGED} - failed
    planned = run.planned_seeds(name)
    results = [trial.result for trial in trials if trial.result and trial.spec.seed in models]
    return ArmEvidence(
        name=name,
        config=trials[0].spec.config if trials else _declared_config(run, name),
        planned=planned,
        seeds=tuple(models),
        scored={checkpoint: _stacked([one[checkpoint] for one in models.values()]) for checkpoint in wanted if models},
        measures={m: np.array([result.measures.get(m, np.nan) for result in results]) for m in MEASURES},
        diverged=tuple(sorted(diverged)),
        failed=tuple(sorted(failed)),
        unfinished=tuple(sorted(set(planned) - set(models) - diverged - failed)),
        clips_drawn=float(np.mean([result.clips_drawn for result in results])) if results else 0.0,
        audio_seconds=float(np.mean([result.audio_seconds for result in results])) if results else 0.0,
    )


def _ambiguous(trials: Sequence[Trial], notes: list[str]) -> set[int]:
    """Seeds of an arm that several trials have, of different settings: which of them counts, nobody knows."""
    twice = {seed: n for seed, n in Counter(trial.spec.seed for trial in trials).items() if n > 1}
    for seed, n in twice.items():
        notes.append(
            f"{trials[0].spec.arm} has {n} trials with seed {seed}, of different settings: it counts as failed"
        )
    return set(twice)


def _checkpoints(run: RunData) -> Mapping[str, bool]:
    """Those that claims are about, the final one first, and whether their balance is asked for."""
    parts = [part for hypothesis in run.study.hypotheses for part in hypothesis.parts]
    names = dict.fromkeys([FINAL, *(part.checkpoint for part in parts)])
    return {name: any(p.checkpoint == name and "balance" in p.metrics for p in parts) for name in names}


def _declared_config(run: RunData, name: str) -> Config:
    """Empty for a pure search's winners that are not chosen yet."""
    return run.study.by_name[name].config if name in run.study.by_name else {}


def _score(run: RunData, trial: Trial, checkpoint: str, split: TestSplit, *, with_balance: bool) -> Scored:
    """One model, as arrays whose first axis is one seed long."""
    scores = read_scores(run.corpus, trial, "test", checkpoint)
    values, gradients = ranks.values_and_gradients(ranks.plan(scores[:, split.defined], split.labels))
    evenness, by_artist = np.nan, np.zeros(split.n_artists)
    if with_balance:
        validation = run.corpus.labels[run.corpus.rows("valid")]
        threshold = count_threshold(read_scores(run.corpus, trial, "valid", checkpoint), validation)
        evenness, by_clip = balance.log_evenness(run.corpus.labels[run.corpus.rows("test")], scores > threshold)
        by_artist = ranks.cluster_sums(by_clip, split.artists)
    return Scored(
        values=values[None],
        influence=ranks.cluster_sums(gradients, split.artists)[None],
        evenness=np.array([evenness]),
        evenness_influence=by_artist[None],
    )


def _stacked(models: Sequence[Scored]) -> Scored:
    return Scored(
        **{name: np.concatenate([getattr(one, name) for one in models]) for name in Scored.__dataclass_fields__}
    )

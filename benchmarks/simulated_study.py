"""Studies without training: read by the real parser from a text, their evidence given by a simulation.

The verdict code meets what it would meet in a run folder: a Study, tune trials that ended, and for every arm its
confirm seeds with their values and the influence of every test artist on them.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from analysis.rundata import RunData
from analysis.verdict.evidence import ArmEvidence, Evidence, Scored, TestSplit
from tagsearch.records import FINAL, MEASURES, CorpusTable, State, Trial, TrialResult, TrialSpec
from tagsearch.study.extension import Extension
from tagsearch.study.lock import make_lock
from tagsearch.study.parse import read_study
from tagsearch.study.schema import Metric, Part, Study

MARGINS: dict[Metric, float] = {"roc_auc": 0.005, "pr_auc": 0.010}  # the defaults: half a ROC point, one PR point
RHO = np.array(list(MARGINS.values()))
CLEAR = 4.0  # margins that the other arms gain where all are claimed: only one arm can fail the claim
PREVALENCE = 0.065  # of MagnaTagATune's 50 tags: chance level of the PR AUC
LOSSES = ("bce", "focal", "weighted_bce", "asymmetric", "logit_adjusted")
MODELS = ("cnn1d", "cnn2d", "short_chunk", "musicnn", "crnn")
Kind = Literal["any", "all", "ladder", "interaction"]
TEXT = """
study: calibration
objective: valid/roc_auc
question: Is the verdict as sure as it says?
data: {{corpus: builtin}}
base: {{epochs: {epochs}}}
factors: {factors}
design: grid
tune:
  trials_per_arm: {trials}
  search: random
  tunables: {{lr: {{loguniform: [1.0e-4, 1.0e-1]}}}}
  asha: {{grace_period: 3, reduction_factor: 3}}
confirm: {{seeds: {seeds}{extension}}}
seed: 1
margins: {{roc_auc: 0.005, pr_auc: 0.010}}
hypotheses:
  - {{id: H, text: the new arms gain, {claim}}}
"""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Any or all of `n_new` arms beat the baseline; a ladder from the baseline over them; or, of two losses x two
    samplers, that one gains more with the other. `paired`: all arms train the same architecture."""

    kind: Kind = "any"
    n_new: int = 1
    paired: bool = True

    @property
    def factors(self) -> str:
        if self.kind == "interaction":
            return "{loss: [bce, focal], sampler: [shuffle, tag_uniform]}"
        return f"{{{'loss' if self.paired else 'model'}: [{', '.join(self._arms)}]}}"

    @property
    def text(self) -> str:
        if self.kind == "interaction":
            return "interaction: {loss: focal, sampler: tag_uniform}"
        return f"{self.kind}: [{', '.join(self._arms[self.kind != 'ladder' :])}]"

    @property
    def _arms(self) -> Sequence[str]:
        return (LOSSES if self.paired else MODELS)[: self.n_new + 1]

    def effects(self, effect: float) -> npt.NDArray[np.float64]:
        """Of every arm against the baseline, so that `effect` decides the claim; (n_arms,)."""
        if self.kind == "interaction":
            return np.array([0.0, 0.0, 0.0, effect])
        if self.kind == "ladder":
            return np.linspace(0.0, effect, self.n_new + 1)
        return np.array([0.0, effect, *[CLEAR if self.kind == "all" else 0.0] * (self.n_new - 1)])


def study_of(claim: Claim, *, seeds: int, extension: int | None = None, trials: int = 1, epochs: int = 9) -> Study:
    text = TEXT.format(
        epochs=epochs,
        factors=claim.factors,
        trials=trials,
        seeds=seeds,
        extension=f", extension: {extension}" if extension else "",
        claim=claim.text,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calibration.yaml"
        path.write_text(text)
        return read_study(path)


@cache
def run_of(claim: Claim, *, seeds: int, extension: int | None = None, trials: int = 1, epochs: int = 9) -> RunData:
    """A run of such a study after its tune phase, every trial of which has ended; at its first look."""
    study = study_of(claim, seeds=seeds, extension=extension, trials=trials, epochs=epochs)
    specs = [
        TrialSpec(phase="tune", arm=arm.name, index=k, seed=study.tune_seed(k), config=arm.config)
        for arm in study.arms
        for k in range(study.tune.trials_per_arm if study.tune else 0)
    ]
    result = TrialResult(state=State.COMPLETED, epochs=9, best=0.3, last=0.3)
    tune = tuple(Trial(folder=Path(spec.name), spec=spec, result=result, history=()) for spec in specs)
    table = table_of(np.eye(3, 1))
    lock = make_lock(study, table)
    return RunData(folder=Path("simulated"), study=study, corpus=table, lock=lock, tune=tune, confirm=())


def table_of(labels: npt.ArrayLike, artists: npt.ArrayLike | None = None) -> CorpusTable:
    """A corpus whose clips are all in the test split, a clip an artist unless told otherwise."""
    label = np.asarray(labels, dtype=np.uint8)
    ids = np.arange(len(label), dtype=np.int32)
    artist = ids if artists is None else np.asarray(artists, dtype=np.int32)
    return CorpusTable(
        name="simulated",
        fingerprint="simulated",
        tags=tuple(f"tag {t}" for t in range(label.shape[1])),
        clip_ids=ids.astype(np.int64),
        paths=ids.astype(np.str_),
        songs=ids,
        albums=artist,
        artists=artist,
        splits=np.full(len(label), 2, dtype=np.int8),
        labels=label,
    )


def extended(run: RunData) -> RunData:
    """The same run at its second look."""
    declared = run.study.confirm.extension
    assert declared is not None
    return replace(run, extension=Extension(seeds=declared, as_declared=True, time=""))


def evidence_of(
    run: RunData, values: Sequence[npt.ArrayLike], influence: Sequence[npt.ArrayLike], sizes: npt.ArrayLike
) -> Evidence:
    """From one endpoint a metric. For each arm, values: (K, 2); influence: (K, n_artists, 2); sizes: (n_artists,)."""
    arms = zip(run.study.arms, map(np.asarray, values), map(np.asarray, influence), strict=True)
    found = {
        arm.name: ArmEvidence(
            name=arm.name,
            config=arm.config,
            planned=run.confirm_seeds,
            seeds=run.confirm_seeds,
            scored={FINAL: _scored(value, derivative)},
            measures={measure: np.full(len(value), np.nan) for measure in MEASURES},
            diverged=(),
            failed=(),
            unfinished=(),
            clips_drawn=1000.0,
            audio_seconds=1000.0,
        )
        for arm, value, derivative in arms
    }
    return Evidence(split=_split(np.asarray(sizes)), arms=found, notes=())


def _scored(values: npt.NDArray[np.float64], influence: npt.NDArray[np.float64]) -> Scored:
    """One tag stands for the macro mean; nothing claims the balance."""
    no_balance = np.zeros(influence.shape[:2])
    return Scored(
        values=values[:, None],
        influence=influence[:, :, None],
        evenness=np.full(len(values), np.nan),
        evenness_influence=no_balance,
    )


def _split(sizes: npt.NDArray[np.float64]) -> TestSplit:
    """Artists with clips in proportion to their sizes, 20 on average."""
    clips = np.maximum(1, np.round(20 * sizes / sizes.mean())).astype(np.int64)
    labels = np.zeros((clips.sum(), 1), dtype=np.uint8)
    labels[: round(PREVALENCE * len(labels))] = 1
    return TestSplit(
        labels=labels,
        artists=np.repeat(np.arange(len(clips), dtype=np.int32), clips),
        defined=np.ones(1, dtype=np.bool_),
        tags=("macro mean",),
        train_counts=np.ones(1, dtype=np.int64),
    )


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A study ready to be judged, and what is true of it. `means`: (n_arms, 2), of each arm over endless seeds and
    artists; `on_this_set`: the same on the study's own artists, where it is known; `told`: what else was seen."""

    run: RunData
    evidence: Evidence
    means: npt.NDArray[np.float64]
    on_this_set: npt.NDArray[np.float64] | None = None
    told: Mapping[str, float] = field(default_factory=dict)
    first_look: "Simulated | None" = None  # is judged before it, and ends the matter unless it is inconclusive

    @property
    def claimed(self) -> Part:
        (hypothesis,) = self.run.study.hypotheses
        (part,) = hypothesis.parts
        return part

    def truth(self, means: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
        """What is true of each contrast of the claim, (2,), where the arms have these means."""
        names = [arm.name for arm in self.run.study.arms]
        rows = [(list(one.weights.values()), list(map(names.index, one.weights))) for one in self.claimed.contrasts]
        return [np.asarray(weights) @ means[places] for weights, places in rows]

    @property
    def is_gain(self) -> bool:
        """Whether "Confirmed" would be right: better in both metrics."""
        return self._effect > 1e-9

    @property
    def reaches_margin(self) -> bool:
        """Whether "no gain worth having" would be wrong."""
        return self._effect >= 1 - 1e-9

    @property
    def _effect(self) -> float:
        """In margins, of the contrast that decides the claim."""
        effects = sorted(float((effect / RHO).min()) for effect in self.truth(self.means))
        return effects[-self.claimed.at_least]

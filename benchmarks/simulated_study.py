"""Studies without training: read by the real parser from a text, their evidence given by a simulation.

The verdict code meets what it would meet in a run folder: a Study, tune trials that ended, and for every arm its confirm
seeds with their values and the influence of every test artist on them.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analysis.evidence import ArmEvidence, Evidence, TestSplit
from analysis.rundata import RunData
from tagsearch.records import CorpusTable, State, Trial, TrialResult, TrialSpec
from tagsearch.study.parse import read_study
from tagsearch.study.schema import Metric, Study

MARGINS: dict[Metric, float] = {"roc_auc": 0.005, "pr_auc": 0.010}  # the defaults: half a ROC point, one PR point
PREVALENCE = 0.065  # of MagnaTagATune's 50 tags: chance level of the PR AUC
LEVELS = {  # of one architecture, where a seed means the same for all arms, or of several
    True: ("loss", ("bce", "focal", "weighted_bce", "asymmetric", "logit_adjusted")),
    False: ("model", ("cnn1d", "cnn2d", "short_chunk", "musicnn", "crnn")),
}
TEXT = """
study: calibration
objective: valid/roc_auc
question: Is the verdict as sure as it says?
data: {{corpus: builtin}}
base: {{epochs: {epochs}}}
factors: {{{factor}: [{arms}]}}
tune:
  trials_per_arm: {trials}
  search: random
  tunables: {{lr: {{loguniform: [1.0e-4, 1.0e-1]}}}}
  asha: {{grace_period: 3, reduction_factor: 3}}
confirm: {{seeds: {seeds}}}
seed: 1
margins: {{roc_auc: 0.005, pr_auc: 0.010}}
hypotheses:
  - {{id: H, text: {quantifier} new arms gain, {claim}: {claimed}}}
"""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Any or all of `n_arms` new arms beat the baseline. `paired`: all arms train the same architecture."""

    n_arms: int = 1
    quantifier: str = "any"
    paired: bool = True


def _study(claim: Claim, *, seeds: int, trials: int, epochs: int) -> Study:
    factor, names = LEVELS[claim.paired]
    arms = names[: claim.n_arms + 1]
    text = TEXT.format(
        epochs=epochs,
        factor=factor,
        arms=", ".join(arms),
        trials=trials,
        seeds=seeds,
        quantifier=claim.quantifier,
        claim="arm" if claim.n_arms == 1 else claim.quantifier,
        claimed=arms[1] if claim.n_arms == 1 else f"[{', '.join(arms[1:])}]",
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calibration.yaml"
        path.write_text(text)
        return read_study(path)


@cache
def run_of(claim: Claim, *, seeds: int, trials: int = 1, epochs: int = 9) -> RunData:
    """A run of such a study after its tune phase: every trial of every arm has ended."""
    study = _study(claim, seeds=seeds, trials=trials, epochs=epochs)
    specs = [
        TrialSpec(phase="tune", arm=arm.name, index=k, seed=study.tune_seed(k), config=arm.config)
        for arm in study.arms
        for k in range(study.tune.trials_per_arm if study.tune else 0)
    ]
    result = TrialResult(state=State.COMPLETED, epochs=9, best=0.3, last=0.3)
    tune = tuple(Trial(folder=Path(spec.name), spec=spec, result=result, history=()) for spec in specs)
    return RunData(
        folder=Path("simulated"), study=study, corpus=table_of(np.eye(3, 1)), lock=None, tune=tune, confirm=()
    )


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


def evidence_of(study: Study, values: Sequence[npt.ArrayLike], influence: Sequence[npt.ArrayLike]) -> Evidence:
    """From one endpoint a metric. For each arm, values: (K, 2); influence: (K, n_artists, 2)."""
    arms = zip(study.arms, map(np.asarray, values), map(np.asarray, influence), strict=True)
    found = {
        arm.name: ArmEvidence(
            name=arm.name,
            config=arm.config,
            planned=study.confirm_seeds,
            seeds=study.confirm_seeds,
            values=value[:, None],
            influence=derivative[:, :, None],
            diverged=(),
            failed=(),
            unfinished=(),
            clips_drawn=1000.0,
        )
        for arm, value, derivative in arms
    }
    return Evidence(split=_split(np.asarray(influence[0]).shape[1]), arms=found, notes=())


@cache
def _split(n_artists: int) -> TestSplit:
    labels = np.zeros((n_artists, 1), dtype=np.uint8)
    labels[: round(PREVALENCE * n_artists)] = 1
    return TestSplit(labels=labels, artists=np.arange(n_artists, dtype=np.int32), defined=np.ones(1, dtype=np.bool_))


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A study ready to be judged, and what is true of it. `truth`: the effect of each claimed arm, (2,) of METRICS;
    `on_this_set`: the same on the study's own test artists, where it is known; `told`: what else was seen."""

    run: RunData
    evidence: Evidence
    truth: Sequence[npt.NDArray[np.float64]]
    on_this_set: Sequence[npt.NDArray[np.float64]] | None = None
    told: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_gain(self) -> bool:
        """Whether "Confirmed" would be right: better in both metrics, any or all of the arms as claimed."""
        return self._effect > 0

    @property
    def reaches_margin(self) -> bool:
        """Whether "no gain worth having" would be wrong."""
        return self._effect >= 1 - 1e-9

    @property
    def _effect(self) -> float:
        """In margins."""
        (hypothesis,) = self.run.study.hypotheses
        by_arm = [float((effect / list(MARGINS.values())).min()) for effect in self.truth]
        return min(by_arm) if hypothesis.text.startswith("all") else max(by_arm)

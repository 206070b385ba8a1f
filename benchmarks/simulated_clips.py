"""Scores of clips x tags from which everything else is worked out as in a run: ranks, influence of artists, intervals.

    y_it ~ Bernoulli(logistic(logit prevalence_t + taste_at))                          a the artist of clip i
    score_it = (strength_arm + luck_run + v_a,arm + w_a,run) y_it + b_at + b_at,arm + b_at,run + e_it + e_it,run

50 tags as rare as MagnaTagATune's; an artist has its tags, is easy or hard for an arm (v) and for a run (w), and raises
all its clips' scores of a tag (b). Two arms of equal strength are exchangeable, so that their expected difference is
zero whatever the metric's bias; for another strength it is the mean over large samples that differ in nothing else.
"""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from simulated_noise import SIZES, Floats
from simulated_study import Claim, Simulated, run_of, table_of

from analysis.verdict import ranks
from analysis.verdict.evidence import collect
from tagsearch.readings import Reading
from tagsearch.records import FINAL, Split, State, Trial, TrialResult, TrialSpec
from tagsearch.study.lock import make_lock

N_TAGS, N_CLIPS = 50, 1106  # of the built-in corpus' test split
PREVALENCE = np.geomspace(0.22, 0.01, N_TAGS)  # mean 0.068
TASTE = 0.8
STRENGTH = 1.75  # ROC AUC 0.86
PER_MARGIN = 0.035  # strength that is worth about 0.005 ROC AUC
LUCK, OF_ARM, OF_RUN = 0.03, 0.12, 0.18
BIAS, BIAS_OF_ARM, BIAS_OF_RUN = 0.5, 0.2, 0.2
CLIP, CLIP_OF_RUN = 0.7, 0.7
LARGE = 4_000  # artists of a large sample
N_LARGE = 6


@dataclass(frozen=True, kw_only=True)
class ClipCase:
    name: str
    seeds: int = 5
    artists: int = 189
    n: int = 200
    n_sure: int = 600
    effects: tuple[float, ...] = (0.0, 2.0)


CLIP_CASES = [
    ClipCase(name="clips, K=5, C=189"),
    ClipCase(name="clips, K=3, C=189", seeds=3),
    ClipCase(name="clips, K=5, C=75", artists=75),
]


@dataclass(frozen=True, kw_only=True)
class ScoredTrial(Trial):
    """A confirm trial whose scores are in memory."""

    logits: npt.NDArray[np.float32]

    def scores(self, split: Split, checkpoint: str = FINAL) -> npt.NDArray[np.float32]:
        return self.logits

    def reads(self) -> tuple[Reading, ...]:
        return ()


@dataclass(frozen=True, kw_only=True)
class Clips:
    """artists: (n_clips,) from 0; labels: (n_clips, N_TAGS); common: scores that all runs share, without strength."""

    artists: npt.NDArray[np.int64]
    labels: npt.NDArray[np.uint8]
    common: npt.NDArray[np.float32]


def clip_study(case: ClipCase, effect: float, rng: np.random.Generator) -> Simulated:
    run = run_of(Claim(), seeds=case.seeds)
    study = run.study
    clips = _draw_clips(case.artists, N_CLIPS / case.artists, rng)
    strengths = (STRENGTH, STRENGTH + effect * PER_MARGIN)
    trials = []
    for arm, strength in zip(study.arms, strengths, strict=True):
        for k, scores in enumerate(_runs(clips, strength, case.seeds, rng)):
            spec = TrialSpec(phase="confirm", arm=arm.name, index=k, seed=study.confirm_seeds[k], config=arm.config)
            result = TrialResult(state=State.COMPLETED, epochs=9, best=0.3, last=0.3, clips_drawn=1000)
            trials.append(ScoredTrial(folder=Path(spec.name), spec=spec, result=result, history=(), logits=scores))
    table = table_of(clips.labels, clips.artists)
    run = replace(run, corpus=table, lock=make_lock(study, table), confirm=tuple(trials))
    return Simulated(run=run, evidence=collect(run), means=np.array([np.zeros(2), true_effect(strengths[1])]))


@cache
def true_effect(strength: float) -> Floats:
    """(2,) against STRENGTH; the same draws for both."""
    if strength == STRENGTH:
        return np.zeros(2)
    effects = [_large(strength, k) - _large(STRENGTH, k) for k in range(N_LARGE)]
    return np.asarray(np.mean(effects, axis=0))


def _large(strength: float, k: int) -> Floats:
    rng = np.random.default_rng([k, LARGE])
    clips = _draw_clips(LARGE, 5.0, rng)
    (scores,) = _runs(clips, strength, 1, rng)
    return np.asarray(ranks.values_and_gradients(ranks.plan(scores, clips.labels))[0].mean(axis=0))


def _draw_clips(n_artists: int, mean_size: float, rng: np.random.Generator) -> Clips:
    """Drawn anew where a tag has no positive clip."""
    weights = rng.lognormal(0.0, SIZES, n_artists)
    sizes = np.maximum(1, np.round(weights / weights.mean() * mean_size)).astype(int)
    artists = np.repeat(np.arange(n_artists), sizes)
    logit = np.log(PREVALENCE / (1 - PREVALENCE)) + TASTE * rng.standard_normal((n_artists, N_TAGS))
    labels = (rng.random((len(artists), N_TAGS)) < 1 / (1 + np.exp(-logit[artists]))).astype(np.uint8)
    if not ranks.defined_tags(labels).all():
        return _draw_clips(n_artists, mean_size, rng)
    common = BIAS * _normal(rng, n_artists)[artists] + CLIP * _normal(rng, len(artists))
    return Clips(artists=artists, labels=labels, common=common)


def _runs(clips: Clips, strength: float, n: int, rng: np.random.Generator) -> list[npt.NDArray[np.float32]]:
    """Scores of one arm's runs."""
    n_artists, artists = int(clips.artists[-1]) + 1, clips.artists
    of_arm, bias_of_arm = OF_ARM * rng.standard_normal(n_artists), BIAS_OF_ARM * _normal(rng, n_artists)
    found = []
    for _ in range(n):
        of_run = of_arm + OF_RUN * rng.standard_normal(n_artists)
        hit = (strength + LUCK * rng.standard_normal() + of_run).astype(np.float32)
        bias = bias_of_arm + BIAS_OF_RUN * _normal(rng, n_artists)
        noise = CLIP_OF_RUN * _normal(rng, len(artists))
        found.append(hit[artists][:, None] * clips.labels + bias[artists] + noise + clips.common)
    return found


def _normal(rng: np.random.Generator, n: int) -> npt.NDArray[np.float32]:
    return rng.standard_normal((n, N_TAGS), dtype=np.float32)

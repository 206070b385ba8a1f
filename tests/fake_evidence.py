"""Evidence with given per-tag values and influences, for numbers that can be worked out by hand."""

from types import SimpleNamespace

import numpy as np

from analysis.verdict.evidence import ArmEvidence, Evidence, Scored, TestSplit
from tagsearch.records import FINAL
from tests.fake_scores import small_corpus

N_ARTISTS = 6  # as many as five tags take, see evidence_of


def arm_of(name: str, values, influence=None) -> ArmEvidence:
    """`values`: (K, n_tags), taken for both metrics; `influence`: (K, N_ARTISTS, n_tags), 0 by default."""
    table = np.asarray(values, dtype=np.float64)
    if influence is None:
        influence = np.zeros((len(table), N_ARTISTS, table.shape[1]))
    seeds, both = tuple(range(1, len(table) + 1)), np.repeat(table[..., None], 2, axis=-1)
    scored = Scored(
        values=both,
        influence=np.repeat(np.asarray(influence, dtype=np.float64)[..., None], 2, axis=-1),
        evenness=np.full(len(table), np.nan),
        evenness_influence=np.zeros((len(table), N_ARTISTS)),
    )
    return ArmEvidence(
        name=name,
        config={"model": "cnn1d", "loss": name},
        planned=seeds,
        seeds=seeds,
        scored={FINAL: scored} if seeds else {},
        measures={},
        diverged=(),
        failed=(),
        unfinished=(),
        clips_drawn=0.0,
        audio_seconds=0.0,
    )


def evidence_of(train_counts, *arms: ArmEvidence):
    """A run (its study and corpus only) and the evidence of these arms, the baseline first. The test split has a clip
    an artist: tag t is on the first t + 1 of them, and no tag is on all."""
    n_tags, n_clips = len(train_counts), max(N_ARTISTS, len(train_counts) + 1)
    train = (np.arange(max(train_counts))[:, None] < np.array(train_counts)).astype(int)
    test = (np.arange(n_clips)[:, None] <= np.arange(n_tags)).astype(int)
    corpus = small_corpus(test[:1], test, train=train, tags=tuple(f"tag {t}" for t in range(n_tags)))
    study = SimpleNamespace(baseline=arms[0], confirm_arms=tuple(arm.name for arm in arms))
    rows = corpus.rows("test")
    split = TestSplit(
        labels=corpus.labels[rows],
        artists=corpus.artists[rows],
        defined=np.ones(n_tags, dtype=bool),
        tags=corpus.tags,
        train_counts=corpus.train_counts,
    )
    run = SimpleNamespace(study=study, corpus=corpus)
    return run, Evidence(split=split, arms={arm.name: arm for arm in arms}, notes=())

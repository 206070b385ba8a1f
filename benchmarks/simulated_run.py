"""A large finished run on disk, written through tagsearch.records: five losses, four tune trials to a confirm trial.

Nothing is trained: curves are smooth, scores are labels and noise. It has every file that a real run's summary reads.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from simulated_study import Claim, study_of

from tagsearch import files, records
from tagsearch.records import FINAL, MEASURES, CorpusTable, State, TrialResult, TrialSpec
from tagsearch.study.parse import write_resolved
from tagsearch.study.schema import Study

EPOCHS = 27
N_TRAIN, N_VALID = 13_000, 1_500  # clips
CLAIM = Claim(kind="any", n_new=4)
N_ARMS = 5


def write_run(folder: Path, *, n_trials: int, n_test: int, n_tags: int, n_artists: int) -> Study:
    """`n_trials`: a multiple of 25, four fifths of them in the tune phase."""
    per_arm = n_trials // N_ARMS
    study = study_of(CLAIM, seeds=per_arm // 5, trials=per_arm - per_arm // 5, epochs=EPOCHS)
    rng = np.random.default_rng(0)
    corpus = _corpus(rng, n_test=n_test, n_tags=n_tags, n_artists=n_artists)
    corpus.save(folder / "corpus.npz")
    files.write_text(folder / "resolved.yaml", write_resolved(study))
    for k, arm in enumerate(study.arms):
        for index in range(study.tune.trials_per_arm if study.tune else 0):
            config = {**arm.config, "lr": float(10 ** rng.uniform(-4, -1))}
            proposal = {"lr": config["lr"]}
            spec = TrialSpec(
                phase="tune", arm=arm.name, index=index, seed=study.tune_seed(index), config=config, proposal=proposal
            )
            _write_trial(folder, spec, corpus, epochs=(3, 9, EPOCHS)[index % 3], rng=rng)
        for index, seed in enumerate(study.confirm_seeds):
            spec = TrialSpec(phase="confirm", arm=arm.name, index=index, seed=seed, config=arm.config)
            _write_trial(folder, spec, corpus, epochs=EPOCHS, rng=rng)
            _write_scores(folder, spec, corpus, 1.5 + 0.05 * k, rng)
    return study


def _corpus(rng: np.random.Generator, *, n_test: int, n_tags: int, n_artists: int) -> CorpusTable:
    sizes = (N_TRAIN, N_VALID, n_test)
    splits = np.repeat(np.arange(3), sizes)
    n = len(splits)
    artists = rng.integers(0, n_artists, n) + n_artists * splits
    return CorpusTable(
        name="simulated",
        fingerprint="simulated",
        tags=tuple(f"tag {t}" for t in range(n_tags)),
        clip_ids=np.arange(n),
        paths=np.array([f"{i}.mp3" for i in range(n)]),
        songs=(np.arange(n) // 4).astype(np.int32),
        albums=artists.astype(np.int32),
        artists=artists.astype(np.int32),
        splits=splits.astype(np.int8),
        labels=(rng.random((n, n_tags)) < np.geomspace(0.22, 0.01, n_tags)).astype(np.uint8),
    )


def _write_trial(folder: Path, spec: TrialSpec, corpus: CorpusTable, *, epochs: int, rng: np.random.Generator) -> None:
    home = folder / spec.phase / spec.name
    records.write_spec(home, spec)
    curve = 0.3 * (1 - np.exp(-np.arange(1, epochs + 1) / 5)) + 0.005 * rng.standard_normal(epochs)
    rows = [
        dict.fromkeys(records.HISTORY_COLUMNS, 1.0)
        | {"epoch": e + 1, "valid/pr_auc": float(value), "valid/roc_auc": 0.5 + float(value), "clips_drawn": N_TRAIN}
        for e, value in enumerate(curve)
    ]
    per_tag = (curve[:, None] + 0.01 * rng.standard_normal((epochs, len(corpus.tags)))).astype(np.float32)
    records.write_history(home, rows, {"roc_auc": 0.5 + per_tag, "pr_auc": per_tag})
    records.write_draws(home, rng.poisson(epochs, N_TRAIN), corpus.labels[corpus.rows("train")])
    state = State.COMPLETED if epochs == EPOCHS else State.STOPPED
    result = records.result_from_history(
        rows, objective="valid/roc_auc", checkpoint="best", state=state, stop_reason="budget"
    )
    measures = dict.fromkeys(MEASURES, 0.2) if spec.phase == "confirm" else {}
    records.write_result(home, TrialResult(**{**vars(result), "measures": measures, "checkpoints": {FINAL: epochs}}))


def _write_scores(
    folder: Path, spec: TrialSpec, corpus: CorpusTable, strength: float, rng: np.random.Generator
) -> None:
    arrays: dict[str, npt.NDArray[np.float32]] = {}
    for split in records.SPLITS[1:]:
        labels = corpus.labels[corpus.rows(split)]
        arrays[f"{split}/{FINAL}"] = (strength * labels + rng.standard_normal(labels.shape) - 3).astype(np.float32)
    files.write_npz(folder / spec.phase / spec.name / "scores.npz", arrays)

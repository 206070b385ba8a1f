"""One confirm trial with given labels and scores, for values that can be worked out by hand."""

from pathlib import Path

import numpy as np

from tagsearch import files, records
from tagsearch.records import FINAL, CorpusTable, State, Trial, TrialResult, TrialSpec, read_trial


def small_corpus(valid, test, *, train=None, tags: tuple[str, ...] | None = None) -> CorpusTable:
    """A corpus of these labels; a clip an artist."""
    train = [[1] * len(test[0])] if train is None else train
    labels = np.array([*train, *valid, *test], dtype=np.uint8)
    ids = np.arange(len(labels), dtype=np.int32)
    return CorpusTable(
        name="small",
        fingerprint="f" * 8,
        tags=tags or tuple("abcdefgh"[: labels.shape[1]]),
        clip_ids=ids.astype(np.int64),
        paths=np.array([f"{i}.mp3" for i in ids]),
        songs=ids,
        albums=ids,
        artists=ids,
        splits=np.repeat(np.arange(3, dtype=np.int8), [len(train), len(valid), len(test)]),
        labels=labels,
    )


def scored_trial(folder: Path, checkpoints, *, arm: str = "bce", seed: int = 1) -> Trial:
    """`checkpoints`: name -> (validation scores, test scores)."""
    spec = TrialSpec(phase="confirm", arm=arm, index=0, seed=seed, config={"loss": arm, "epochs": 9})
    home = folder / "confirm" / spec.name
    records.write_spec(home, spec)
    arrays = {
        f"{split}/{name}": np.array(scores, dtype=np.float32)
        for name, both in checkpoints.items()
        for split, scores in zip(("valid", "test"), both, strict=True)
    }
    files.write_npz(home / "scores.npz", arrays)
    epochs = {name: 9 if name == FINAL else int(name.removeprefix("epoch")) for name in checkpoints}
    records.write_history(home, [{"epoch": epoch} for epoch in range(1, 10)], {})
    records.write_result(home, TrialResult(state=State.COMPLETED, epochs=9, best=0.5, last=0.5, checkpoints=epochs))
    return read_trial(home)

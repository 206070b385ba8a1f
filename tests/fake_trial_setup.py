"""Real trials on the fake corpus, small enough for tests: 33 training clips (so that a batch of 16 leaves one over)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tagsearch import registry
from tagsearch.data.features import write_view
from tagsearch.data.frontend import LOG_MEL, FrontEnd
from tagsearch.data.store import prepare
from tagsearch.files import read_array
from tagsearch.records import Phase, TrialSpec, read_history
from tagsearch.study.schema import Stop
from tagsearch.training.settings import TrialSettings
from tests.fake_corpus import make_table, silent, write_corpus

TIMES = {"seconds", "train_seconds"}  # the columns of a row that no seed decides


def make_settings(
    folder: Path,
    *,
    seconds: Sequence[float] = (3.5,),
    n_train: int = 33,
    front_end: FrontEnd = LOG_MEL,
    **changes: Any,
) -> TrialSettings:
    """A fake corpus with its features in `folder`, and the settings of a study on it."""
    table = make_table(n_train=n_train, n_valid=12, n_test=10)
    table.save(folder / "corpus.npz")
    corpus = write_corpus(folder / "audio", table, seconds=seconds)
    view = write_view(prepare(corpus, front_end, cache=folder, progress=silent), table)
    given = {"corpus": folder / "corpus.npz", "features": view, "objective": "valid/pr_auc", "checkpoint": "best"}
    return TrialSettings(**{**given, "stop": Stop(), "snapshots": (), "device": "cpu", **changes})


def make_spec(*, phase: Phase = "confirm", seed: int = 3, **changes: Any) -> TrialSpec:
    """The defaults of every component, narrow and short; `changes` of the configuration, "." written "__"."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    chosen = {kind: named.get(kind, default) for kind, default in registry.DEFAULT_COMPONENTS.items()}
    knobs = {
        f"{kind}.{knob}": spec.default
        for kind, name in chosen.items()
        for knob, spec in registry.entry(kind, str(name)).knobs.items()
    }
    training = {name: knob.default for name, knob in registry.TRAINING.items()}
    settings = training | {"lr": 0.01, "epochs": 3, "batch_size": 16, "model.width": 4}
    config = {**chosen, **knobs, **settings, **named}
    return TrialSpec(phase=phase, arm="arm", index=0, seed=seed, config=config)


def outcome(folder: Path) -> tuple[Any, ...]:
    """What a trial left that its seed decides: history, per-tag values, draws and, if there are any, scores;
    comparable."""
    rows = [without_times(row) for row in read_history(folder)]
    per_tag = {name: read_array(folder / "per_tag.npz", name).tobytes() for name in ("roc_auc", "pr_auc")}
    scores: dict[str, bytes] = {}
    if (folder / "scores.npz").exists():
        with np.load(folder / "scores.npz") as stored:
            scores = {name: stored[name].tobytes() for name in stored.files}
    drawn = read_array(folder / "draws.npz", "clips").tobytes()
    return rows, per_tag, scores, drawn


def without_times(row: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name not in TIMES}

"""A run without Ray: its trials one after the other in this process, by the driver's own planning, scheduling and
ending. For tests of what a run reads and writes, in milliseconds.

A trial trains nothing, but leaves all the files that a real one does, checkpoints excepted.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tagsearch.errors import StorageError
from tagsearch.readings import note_read
from tagsearch.records import (
    FINAL,
    State,
    TrialSpec,
    history_so_far,
    read_corpus,
    result_from_history,
    write_draws,
    write_history,
    write_result,
    write_scores,
)
from tagsearch.search import run as run_module
from tagsearch.search.asha import ArmScheduler
from tagsearch.search.failures import Failures
from tagsearch.search.observers import Observer
from tagsearch.search.phase import _Ending
from tagsearch.search.run import Options, execute
from tagsearch.search.run_folder import find_run, open_run
from tagsearch.search.searcher import PlannedSearcher
from tagsearch.search.storage import StorageWatch
from tagsearch.search.trainable import STORAGE, TrialActor
from tagsearch.study.parse import read_resolved, read_study
from tests.fake_run import make_corpus
from tests.fake_trial import quality

STUDY = """\
study: tiny
question: Does it help?
base: {epochs: 9}
factors: {loss: [bce, focal]}
tune:
  trials_per_arm: 4
  search: random
  tunables: {lr: {loguniform: [1.0e-4, 1.0e-1]}}
  asha: {grace_period: 1, reduction_factor: 3}
confirm: {seeds: 3}
hypotheses:
  - {id: H1, text: Focal loss helps., parts: [{any: [focal], than: bce}]}
"""
TRAIN = "tests.faults.in_process:train"


def corpus() -> Any:
    return make_corpus(np.random.default_rng(0), n_clips=60, n_artists=12, n_tags=4)


def begin(run: Path) -> None:
    """A registered run without a trial."""
    run.mkdir(parents=True)
    source = run.parent / "tiny.yaml"
    source.write_text(STUDY)
    open_run(run, read_study(source), corpus(), device="cpu")


def resume(run: Path, patch: pytest.MonkeyPatch, *, observers: Sequence[Observer] = ()) -> None:
    """What `tagsearch resume` does after the features are there."""
    for name in ("ray_session", "head_watched"):
        patch.setattr(run_module, name, lambda *_, **__: nullcontext())
    patch.setattr(run_module, "machines", lambda **_: [])
    patch.setattr(run_module, "n_slots", lambda *_, **__: 1)
    patch.setattr(run_module, "check_nodes", lambda *_, **__: None)
    patch.setattr(run_module, "run_phase", _run_phase)
    folder = find_run(str(run), storage=run.parent)
    study = read_resolved(folder)
    open_run(folder, study, corpus(), device="cpu")
    options = Options(train=TRAIN, max_retries=0)
    execute(study, folder, {"cnn1d": folder}, options=options, device="cpu", observers=observers)


def whole_run(run: Path) -> Path:
    """Begun and brought to its end without a fault."""
    begin(run)
    with pytest.MonkeyPatch.context() as patch:
        resume(run, patch)
    return run


def _run_phase(
    phase: Any, *, study: Any, folder: Path, planned: Any, trial_config: Any, placement: Any, observers: Any,
    rungs: Any = None, told: Any = None,
) -> None:  # fmt: skip
    storage = StorageWatch(folder)
    failures = Failures(folder / phase, max_retries=placement.max_retries, notice=lambda line: None)
    ending = _Ending(folder=folder / phase, study=study, rungs=rungs, failures=failures, observers=observers, told=told)
    searcher = PlannedSearcher(planned, folder=folder / phase, config=trial_config, ended=ending.ended, storage=storage)
    scheduler = ArmScheduler(rungs, objective=study.objective, failures=failures, storage=storage)
    for trial_id in map(str, count()):
        config = searcher.suggest(trial_id)
        if not isinstance(config, dict):
            break
        with storage:
            for observer in observers:
                observer.trial_started(TrialSpec(**config["spec"]))
        try:
            _run_trial(config, scheduler, storage, observers)
        except Exception as error:
            failures.add(config["name"], str(error))
        searcher.on_trial_complete(trial_id)
    if storage.complaint:
        raise StorageError(storage.complaint)


def _run_trial(config: dict[str, Any], scheduler: ArmScheduler, storage: StorageWatch, observers: Any) -> None:
    """To its end, or until it is stopped."""
    actor = TrialActor.__new__(TrialActor)
    actor.reset_config(config)
    while not storage.complaint:
        result = actor.step()
        if result.get("done"):
            storage.note(result.get(STORAGE, ""))
            return
        with storage:
            for observer in observers:
                observer.epoch_done(TrialSpec(**config["spec"]), result)
        if scheduler.on_trial_result(None, SimpleNamespace(config=config), result) == "STOP":
            return


def train(spec: TrialSpec, settings: Mapping[str, Any], folder: Path) -> Iterator[Mapping[str, float]]:
    rows = [dict(row) for row in history_so_far(folder)]
    yield from rows
    table = read_corpus(folder.parent.parent)
    labels = table.labels[table.rows("train")]
    for epoch in range(len(rows) + 1, spec.epochs + 1):
        value = quality(spec, epoch)
        rows.append({"epoch": epoch, "valid/pr_auc": value, "valid/roc_auc": value, "valid/loss": 1 - value})
        rows[-1] |= {"train/loss": 1 - value, "clips_drawn": 10, "audio_seconds": 30.0, "seconds": 0.1}
        per_tag = np.full((epoch, len(table.tags)), value, np.float32)
        write_history(folder, rows, {"roc_auc": per_tag, "pr_auc": per_tag})
        write_draws(folder, np.full(len(labels), epoch), labels)
        yield rows[-1]
    facts = _scored(spec, folder, table) if spec.phase == "confirm" else {}
    rule: dict[str, Any] = {"objective": "valid/pr_auc", "checkpoint": "best"}
    write_result(folder, result_from_history(rows, **rule, state=State.COMPLETED, stop_reason="budget", **facts))


def _scored(spec: TrialSpec, folder: Path, table: Any) -> dict[str, Any]:
    content = f"weights of {spec.name}".encode()
    (folder / f"weights-{FINAL}.pt").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    note_read(folder, split="test", checkpoint=FINAL, weights_sha256=sha256)
    noise = np.random.default_rng(spec.seed).normal(0, 1, table.labels.shape)
    logits = (table.labels * (1 + (spec.arm != "bce")) + noise - 2).astype(np.float32)
    scores = {f"{split}/{FINAL}": logits[table.rows(split)] for split in ("valid", "test")}
    return {
        "scores_sha256": write_scores(folder, scores),
        "checkpoints": {FINAL: spec.epochs},
        "weights_sha256": {FINAL: sha256},
    }

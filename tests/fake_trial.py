"""A trial that trains nothing: what the search needs of one, in microseconds.

Its curve is a function of lr and seed. What else it does stands in `fake.json` of the run folder, if there is one:
{"seconds": sleep per epoch, "fail": {"<phase>/<arm>/<index>": times}, "unseen": as for fail, it does not see the
storage, "diverge": [arms], "hang": [trials, written as for fail]}.
"""

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tagsearch.errors import StorageUnseenError
from tagsearch.files import append_line, write_json
from tagsearch.records import (
    State,
    TrialResult,
    TrialSpec,
    history_so_far,
    result_from_history,
    write_history,
    write_result,
)
from tagsearch.study.schema import Arm, Asha, Confirm, Stop, Study, Tunable, Tune
from tagsearch.study.settings import defaults

TRAIN = "tests.fake_trial:train"
TRAINED_FILE = "trained.txt"  # in the trial's folder: an epoch a line, each as often as it was trained
HOMES_FILE = "homes.txt"  # beside it: the home folder of the process that trained each
BASE = {**defaults(), "lr": 0.01, "epochs": 9}


def tiny_study(*, arms: tuple[str, ...] = ("bce", "focal"), trials_per_arm: int = 4, **changes: Any) -> Study:
    tunable = Tunable(name="lr", kind="loguniform", low=1e-4, high=1e-1)
    asha = Asha(grace_period=1, reduction_factor=3)
    facts: dict[str, Any] = {
        "name": "tiny",
        "question": "Does it run?",
        "data": {"corpus": "builtin", "pad": "refuse"},
        "base": BASE,
        "factors": {"loss": arms},
        "design": "one_factor",
        "arms": tuple(Arm(name=name, levels={"loss": name}, config=BASE) for name in arms),
        "tune": Tune(trials_per_arm=trials_per_arm, search="random", tunables=(tunable,), asha=asha),
        "confirm": Confirm(seeds=3),
        "objective": "valid/pr_auc",
        "checkpoint": "best",
        "stop": Stop(),
        "snapshots": (),
        "hypotheses": (),
        "seed": 0,
        "profile": None,
        "document": {},
        "source": "",
    }
    return Study(**{**facts, **changes})


def specs(study: Study, n: int, *, epochs: int) -> list[TrialSpec]:
    """`n` confirm trials of the baseline."""
    config = {**study.baseline.config, "epochs": epochs}
    return [TrialSpec(phase="confirm", arm=study.baseline.name, index=k, seed=k, config=config) for k in range(n)]


def train(spec: TrialSpec, settings: Mapping[str, Any], folder: Path) -> Iterator[Mapping[str, float]]:
    rows = [dict(row) for row in history_so_far(folder)]
    yield from rows
    if (folder / "record.json").exists():
        return
    behaviour = _behaviour(folder)
    _maybe_fail(spec, behaviour, folder)
    if f"{spec.phase}/{spec.arm}/{spec.index}" in behaviour.get("hang", ()):
        time.sleep(600)
    for epoch in range(len(rows) + 1, spec.epochs + 1):
        if spec.arm in behaviour.get("diverge", ()) and epoch == 1:
            write_result(folder, _result(rows, State.DIVERGED, "nan in train/loss"))
            return
        time.sleep(behaviour.get("seconds", 0.0))
        rows.append(_row(spec, epoch))
        append_line(folder / TRAINED_FILE, str(epoch))
        append_line(folder / HOMES_FILE, os.environ.get("HOME", ""))
        write_history(folder, rows, {})
        yield rows[-1]
    write_result(folder, _result(rows, State.COMPLETED, "budget"))


def quality(spec: TrialSpec, epoch: int) -> float:
    """Rises with the epochs to a ceiling that is highest at lr = 0.01."""
    ceiling = 0.8 - 0.1 * abs(math.log10(float(spec.config["lr"])) + 2)
    return ceiling * (1 - 0.5 ** (1 + epoch / 3)) + (spec.seed % 7) * 1e-4


def _row(spec: TrialSpec, epoch: int) -> dict[str, float]:
    value = quality(spec, epoch)
    losses = {"train/loss": 1 - value, "valid/loss": 1 - value}
    scores = {"valid/roc_auc": value, "valid/pr_auc": value}
    return {"epoch": epoch, **losses, **scores, "clips_drawn": 10, "audio_seconds": 30.0, "seconds": 0.1}


def _result(rows: list[dict[str, float]], state: State, reason: str) -> TrialResult:
    return result_from_history(rows, objective="valid/pr_auc", checkpoint="best", state=state, stop_reason=reason)


def _behaviour(folder: Path) -> dict[str, Any]:
    file = folder.parent.parent / "fake.json"
    content: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return content


def _maybe_fail(spec: TrialSpec, behaviour: Mapping[str, Any], folder: Path) -> None:
    """Fail as often as told; the count is on disk, as a retry may be another process."""
    for kind, error in (("fail", RuntimeError), ("unseen", StorageUnseenError)):
        wanted = behaviour.get(kind, {}).get(f"{spec.phase}/{spec.arm}/{spec.index}", 0)
        counter = folder / f"{kind}.json"
        so_far = json.loads(counter.read_text()) if counter.exists() else 0
        if so_far < wanted:
            write_json(counter, so_far + 1)
            raise error(f"failure {so_far + 1} on purpose")

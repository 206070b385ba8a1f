"""A trial that trains nothing: what the search needs of one, in microseconds.

Its curve is a function of lr and seed; settings: {"seconds": per epoch, "fail": {trial index: times}, "diverge": [arms]}.
"""

import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tagsearch.records import State, TrialSpec, result_from_history, write_history, write_json, write_result


def quality(spec: TrialSpec, epoch: int) -> float:
    """Rises with the epochs to a ceiling that is highest at lr = 0.01."""
    ceiling = 0.8 - 0.1 * abs(math.log10(float(spec.config["lr"])) + 2)
    return ceiling * (1 - 0.5 ** (1 + epoch / 3)) + (spec.seed % 7) * 1e-4


def train(spec: TrialSpec, settings: Mapping[str, Any], folder: Path) -> Iterator[Mapping[str, float]]:
    record = folder / "history.json"
    rows = json.loads(record.read_text()) if record.exists() else []
    yield from rows
    if (folder / "record.json").exists():
        return
    _maybe_fail(spec, settings, folder)
    for epoch in range(len(rows) + 1, spec.epochs + 1):
        if spec.arm in settings.get("diverge", ()) and epoch == 2:
            write_result(folder, _result(rows, State.DIVERGED, "nan in train/loss"))
            return
        time.sleep(settings.get("seconds", 0.0))
        rows.append(_row(spec, epoch))
        write_history(folder, rows, {})
        yield rows[-1]
    write_result(folder, _result(rows, State.COMPLETED, "budget"))


def _row(spec: TrialSpec, epoch: int) -> dict[str, float]:
    value = quality(spec, epoch)
    return {
        "epoch": epoch,
        "train/loss": 1 - value,
        "valid/loss": 1 - value,
        "valid/roc_auc": value,
        "valid/pr_auc": value,
        "clips_drawn": 10,
        "seconds": 0.1,
    }


def _result(rows: list[dict[str, float]], state: State, reason: str) -> Any:
    return result_from_history(rows, objective="valid/pr_auc", checkpoint="best", state=state, stop_reason=reason)


def _maybe_fail(spec: TrialSpec, settings: Mapping[str, Any], folder: Path) -> None:
    """Fail as often as settings say; the count is on disk, as a retry may be another process."""
    wanted = settings.get("fail", {}).get(f"{spec.phase}/{spec.arm}/{spec.index}", 0)
    counter = folder / "failures.json"
    so_far = json.loads(counter.read_text()) if counter.exists() else 0
    if so_far < wanted:
        write_json(counter, so_far + 1)
        raise RuntimeError(f"failure {so_far + 1} on purpose")

"""Fake trials whose processes die as `die` in fake.json says: {"<phase>/<arm>/<index>": how}; each writes its pid.txt.

Apart from dying.py, as a trial's process should not spend its time limit on imports.
"""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tagsearch.records import TrialSpec
from tests import fake_trial

TRAIN = "tests.faults.doomed_trial:train"
BY_KERNEL, BY_PYTHON = "out of memory, by the kernel", "out of memory, by Python"


def train(spec: TrialSpec, settings: Mapping[str, Any], folder: Path) -> Iterator[Mapping[str, float]]:
    fate = json.loads((folder.parent.parent / "fake.json").read_text())["die"]
    how = fate.get(f"{spec.phase}/{spec.arm}/{spec.index}")
    (folder / "pid.txt").write_text(str(os.getpid()))
    for row in fake_trial.train(spec, settings, folder):
        if how == BY_KERNEL and row["epoch"] == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if how == BY_PYTHON and row["epoch"] == 2:
            raise MemoryError("cannot allocate 9.9 EiB")
        yield row

"""One search over trivial trials in this process, timed: python benchmarks/timed_search.py SIDE SEARCH N_TRIALS

SIDE: tagsearch or bare (Ray Tune without it); SEARCH: random or optuna. Prints a line of JSON, see `figures`.
"""

import json
import os
import resource
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

BEGUN = time.monotonic()  # before ray and tagsearch are imported
SLOTS = 2
FROM = 9  # the first trials wait for the slots' processes
QUARTERS = 4


class Clock:
    """ends: of each trial, (wall seconds, the driver's CPU seconds, its open files); stages: wall seconds beside them,
    by name."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float, int]] = []
        self.stages: dict[str, float] = {}
        self._last = BEGUN

    def stage(self, name: str) -> None:
        """`name` has ended; it began when the stage or trial before it ended."""
        now = time.monotonic()
        self.stages[name] = round(now - self._last, 2)
        self._last = now

    def trial_ended(self, *, first_of: str) -> None:
        if f"first trial of {first_of}" not in self.stages:
            self.stage(f"first trial of {first_of}")
        self._last = time.monotonic()
        self.ends.append((self._last, time.process_time(), len(os.listdir("/proc/self/fd"))))  # noqa: PTH208


def run_tagsearch(search: str, n_trials: int, folder: Path) -> tuple[Clock, int]:
    """As `tagsearch run` does; the live table is drawn, to nowhere. The clock, and the trials of the tune phase."""
    from rich.console import Console
    from trivial_trials import TRAIN, trivial_study

    from tagsearch.records import Phase, TrialResult, TrialSpec
    from tagsearch.search.observers import Observer
    from tagsearch.search.progress import LiveTable
    from tagsearch.search.run import Options, execute
    from tagsearch.search.tensorboard import TensorBoard

    class Timed(Observer):
        def phase_started(self, phase: Phase, **_: Any) -> None:
            clock.stage("Ray up, storage seen" if phase == "tune" else "between phases")

        def trial_ended(self, spec: TrialSpec, result: TrialResult) -> None:
            clock.trial_ended(first_of=spec.phase)

        def phase_ended(self, phase: Phase) -> None:
            clock.stage(f"end of {phase}")

    clock, study = Clock(), trivial_study(n_trials, search, folder)
    clock.stage("imports")
    with Path(os.devnull).open("w") as nowhere:
        console = Console(file=nowhere, force_terminal=True, width=120)
        execute(
            study,
            folder,
            {"cnn1d": folder},
            options=Options(train=TRAIN, max_concurrent=SLOTS),
            device="cpu",
            observers=[Timed(), LiveTable(study, console), TensorBoard(folder)],
        )
    clock.stage("files, Ray down")
    return clock, n_trials - len(study.arms)


def run_bare(search: str, n_trials: int, folder: Path) -> tuple[Clock, int]:
    os.environ |= {"RAY_AIR_NEW_OUTPUT": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    import ray
    from ray import tune
    from trivial_trials import tune_bare

    class Timed(tune.Callback):  # type: ignore[misc]
        def on_trial_complete(self, *_: Any, **__: Any) -> None:
            clock.trial_ended(first_of="tune")

        def __getstate__(self) -> dict[str, Any]:
            return {}

    clock = Clock()
    clock.stage("imports")
    ray.init(address="local", log_to_driver=False, include_dashboard=False, logging_level="ERROR")
    clock.stage("Ray up")
    tune_bare(n_trials, search, folder, n_slots=SLOTS, callback=Timed())
    clock.stage("end of tune")
    ray.shutdown()
    clock.stage("Ray down")
    return clock, n_trials


def figures(clock: Clock, n_tuned: int) -> dict[str, Any]:
    """Milliseconds are per trial of the tune phase; quarters are of its trials."""
    ends = clock.ends[FROM:n_tuned]
    cuts = [round(k * (len(ends) - 1) / QUARTERS) for k in range(QUARTERS + 1)]

    def ms(what: int, first: int, last: int) -> float:
        return round(1000 * (ends[last][what] - ends[first][what]) / (last - first), 2)

    return {
        "wall_ms": ms(0, 0, cuts[-1]),
        "cpu_ms": ms(1, 0, cuts[-1]),
        "wall_ms_by_quarter": [ms(0, first, last) for first, last in pairwise(cuts)],
        "cpu_ms_by_quarter": [ms(1, first, last) for first, last in pairwise(cuts)],
        "total_s": round(time.monotonic() - BEGUN, 1),
        "stages_s": clock.stages,
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "open_files": max(files for _, _, files in ends),
    }


RUNS = {"tagsearch": run_tagsearch, "bare": run_bare}

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        found = figures(*RUNS[sys.argv[1]](sys.argv[2], int(sys.argv[3]), Path(name)))
    print(json.dumps(found))

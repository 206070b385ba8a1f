"""What a trial costs beside its training, and whether it costs more in a large study: trivial trials, 100 to 3,000.

    python benchmarks/search_growth.py [--sizes 100 1000 3000] [--searches random optuna] [--rounds 1] [--out DIR]

Each size as a study of tagsearch (ASHA, live table, TensorBoard; TPE or random proposals) and as the same number of
trials on bare Ray Tune (a class Trainable whose actors are reused, Ray's own loggers and ASHA), each in a process of
its own, in turns. Per trial: wall and the driver's CPU seconds from the tenth trial's end to the last one's, so that no
start-up flatters the large study; the same by quarter of these trials; and the driver's memory and open files.
Aim: at 1,000 trials <= 1.2 x that at 100. Writes search_growth.json and search_growth.md.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import pairwise, product
from pathlib import Path
from typing import Any

SLOTS = 2
SIDES = ("tagsearch", "bare Ray Tune")
FROM = 9  # the first trials wait for the slots' processes
QUARTERS = 4


class Clock:
    """When trials ended: (wall, the driver's CPU seconds, its open files)."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float, int]] = []

    def trial_ended(self) -> None:
        self.ends.append((time.monotonic(), time.process_time(), len(os.listdir("/proc/self/fd"))))  # noqa: PTH208


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 3000])
    parser.add_argument("--searches", nargs="+", choices=("random", "optuna"), default=["random", "optuna"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--one", nargs=3, metavar=("SIDE", "SEARCH", "SIZE"), help="in this process, print JSON")
    arguments = parser.parse_args()
    if arguments.one:
        side, search, size = arguments.one
        print(json.dumps(measure(side, search, int(size))))
        return
    runs = []
    for _, size, search, side in product(range(arguments.rounds), sorted(arguments.sizes), arguments.searches, SIDES):
        runs.append(in_own_process(side, search, size))
        write(arguments.out, runs)  # what is measured is kept if a later run is cut off
    print((arguments.out / "search_growth.md").read_text())


def in_own_process(side: str, search: str, size: int) -> dict[str, Any]:
    load = os.getloadavg()[0]
    command = [sys.executable, "-W", "ignore", __file__, "--one", side, search, str(size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = {"load_before": load, "load_after": os.getloadavg()[0], **json.loads(done.stdout.splitlines()[-1])}
    print(f"{side:14} {search:7} {size:5}: {found['wall_ms']:.1f} ms, load {load:.1f}", file=sys.stderr)
    return found


# --- one run ---------------------------------------------------------------------------------------------------------


def measure(side: str, search: str, size: int) -> dict[str, Any]:
    """Milliseconds are per trial."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as name:
        run = run_tagsearch if side == SIDES[0] else run_bare
        total_s, cpu_s = run(search, size, Path(name), clock)
    ends = clock.ends[FROM:]
    cuts = [round(k * (len(ends) - 1) / QUARTERS) for k in range(QUARTERS + 1)]
    return {
        "side": side,
        "search": search,
        "trials": size,
        "wall_ms": ms(ends, 0, -1, clock=0),
        "cpu_ms": ms(ends, 0, -1, clock=1),
        "wall_ms_by_quarter": [ms(ends, a, b, clock=0) for a, b in pairwise(cuts)],
        "cpu_ms_by_quarter": [ms(ends, a, b, clock=1) for a, b in pairwise(cuts)],
        "total_s": round(total_s, 2),  # from Ray's being up to the last file
        "total_cpu_s": round(cpu_s, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "open_files": [ends[cut][2] for cut in cuts],
    }


def ms(ends: Sequence[tuple[float, float, int]], first: int, last: int, *, clock: int) -> float:
    n = range(len(ends))[last] - first
    return round(1000 * (ends[last][clock] - ends[first][clock]) / n, 2)


def run_tagsearch(search: str, size: int, folder: Path, clock: Clock) -> tuple[float, float]:
    """As `tagsearch run` does; the live table is drawn, to nowhere. Wall and CPU seconds."""
    from rich.console import Console
    from trivial_trials import TRAIN, trivial_study

    from tagsearch.records import Phase, TrialResult, TrialSpec
    from tagsearch.search.observers import Observer
    from tagsearch.search.progress import LiveTable
    from tagsearch.search.run import Options, execute
    from tagsearch.search.tensorboard import TensorBoard

    class Timed(Observer):
        begun: tuple[float, float] | None = None

        def phase_started(self, phase: Phase, **facts: Any) -> None:
            self.begun = self.begun or (time.monotonic(), time.process_time())
            self._phase = phase

        def trial_ended(self, spec: TrialSpec, result: TrialResult) -> None:
            if self._phase == "tune":  # between the phases Ray begins anew
                clock.trial_ended()

    study, timed = trivial_study(size, search, folder), Timed()
    with Path(os.devnull).open("w") as nowhere:
        console = Console(file=nowhere, force_terminal=True, width=120)
        execute(
            study,
            folder,
            {"cnn1d": folder},
            options=Options(train=TRAIN, max_concurrent=SLOTS),
            device="cpu",
            observers=[timed, LiveTable(study, console), TensorBoard(folder)],
        )
    assert timed.begun is not None
    return time.monotonic() - timed.begun[0], time.process_time() - timed.begun[1]


def run_bare(search: str, size: int, folder: Path, clock: Clock) -> tuple[float, float]:
    """Wall and CPU seconds."""
    os.environ |= {"RAY_AIR_NEW_OUTPUT": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    import ray
    from ray import tune
    from trivial_trials import run_bare

    class Timed(tune.Callback):  # type: ignore[misc]
        def on_trial_complete(self, *_: Any, **__: Any) -> None:
            clock.trial_ended()

        def __getstate__(self) -> dict[str, Any]:
            return {}

    ray.init(address="local", log_to_driver=False, include_dashboard=False, logging_level="ERROR")
    begun = time.monotonic(), time.process_time()
    run_bare(size, search, folder, n_slots=SLOTS, callback=Timed())
    taken = time.monotonic() - begun[0], time.process_time() - begun[1]
    ray.shutdown()
    return taken


# --- results ---------------------------------------------------------------------------------------------------------


def write(folder: Path, runs: Sequence[Mapping[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made = {name: version(name) for name in ("tagsearch", "ray", "optuna")} | {"python": platform.python_version()}
    content = {"made_with": made, "cores": os.cpu_count(), "slots": SLOTS, "runs": runs}
    (folder / "search_growth.json").write_text(json.dumps(content, indent=1) + "\n")
    versions = ", ".join(f"{name} {number}" for name, number in made.items())
    loads = [run[when] for run in runs for when in ("load_before", "load_after")]
    text = [
        "# What a trivial trial costs in small and large studies",
        "",
        f"Made by `python benchmarks/search_growth.py` ({versions}; {os.cpu_count()} cores, {SLOTS} trials at a time; "
        f"load of the machine between runs {min(loads):.1f} to {max(loads):.1f}, of which a run makes about {SLOTS}). "
        "Milliseconds per trial from the tenth trial's end to the last one's; CPU is the driver's; in brackets: times "
        "the smallest study's; total: seconds from Ray's being up to the last file, both phases.",
        "",
        *table(runs),
        "",
        "By quarter of the trials, CPU (wall):",
        "",
        *quarters(runs),
    ]
    (folder / "search_growth.md").write_text("\n".join(text) + "\n")


def table(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    heads = ("search", "trials", "", "wall", "CPU", "total s", "driver's peak MB", "its open files")
    rows = []
    for search, side, size in cases(runs):
        smallest = min(run["trials"] for run in runs)
        wall, cpu = (
            f"{typical(runs, search, side, size, name):.1f} "
            f"({typical(runs, search, side, size, name) / typical(runs, search, side, smallest, name):.2f})"
            for name in ("wall_ms", "cpu_ms")
        )
        files = max(max(run["open_files"]) for run in of(runs, search, side, size))
        total, peak = (typical(runs, search, side, size, name) for name in ("total_s", "peak_mb"))
        rows.append((search, size, side, wall, cpu, f"{total:.0f}", f"{peak:.0f}", files))
    return markdown(heads, rows)


def quarters(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = []
    for search, side, size in cases(runs):
        found = of(runs, search, side, size)
        cells = []
        for k in range(QUARTERS):
            cpu, wall = (
                statistics.median(run[name][k] for run in found) for name in ("cpu_ms_by_quarter", "wall_ms_by_quarter")
            )
            cells.append(f"{cpu:.1f} ({wall:.1f})")
        rows.append((search, size, side, *cells))
    return markdown(("search", "trials", "", "first", "second", "third", "last"), rows)


def cases(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, int]]:
    return sorted({(run["search"], run["side"], run["trials"]) for run in runs}, key=lambda c: (c[0], c[2], c[1]))


def of(runs: Sequence[Mapping[str, Any]], search: str, side: str, size: int) -> list[Mapping[str, Any]]:
    return [run for run in runs if (run["search"], run["side"], run["trials"]) == (search, side, size)]


def typical(runs: Sequence[Mapping[str, Any]], search: str, side: str, size: int, name: str) -> float:
    """The median over the rounds."""
    return statistics.median(run[name] for run in of(runs, search, side, size))


def markdown(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


if __name__ == "__main__":
    main()

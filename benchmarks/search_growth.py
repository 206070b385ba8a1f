"""What a trial costs beside its training, and whether it costs more in a large study: trivial trials, 100 to 3,000.

    python benchmarks/search_growth.py [--sizes 100 1000 3000] [--searches random optuna] [--rounds 1] [--out DIR]

Each size as a study of tagsearch (ten arms, ASHA, live table, TensorBoard) and as the same number of trials on bare Ray
Tune (a class Trainable whose actors are reused, Ray's own loggers and ASHA), each in a process of its own, in turns:
timed_search.py. Per trial: wall and the driver's CPU seconds from the tenth trial's end to the last one's of the tune
phase, so that no start-up flatters the large study; the same by quarter of these trials; what a run takes beside its
trials; the driver's memory and open files.
Aim: at 1,000 trials <= 1.2 x that at 100. Writes search_growth.json and search_growth.md.

What grows, as profiled: a proposal of TPE, with the trials that its arm has; the driver's memory, by what Ray keeps of
each trial (some 20 KB with tagsearch; with Ray's own end of a trial 55, mostly windows over every metric).
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

SIDES = ("tagsearch", "bare")
SCRIPT = Path(__file__).parent / "timed_search.py"
Run = Mapping[str, Any]
Case = tuple[str, int, str]  # search, trials, side


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 3000])
    parser.add_argument("--searches", nargs="+", choices=("random", "optuna"), default=["random", "optuna"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    runs: list[Run] = []
    rounds = range(arguments.rounds)
    for _, size, search, side in product(rounds, sorted(arguments.sizes), arguments.searches, SIDES):
        runs.append(timed(side, search, size))
        write(arguments.out, runs)  # what is measured is kept if a later run is cut off
    print((arguments.out / "search_growth.md").read_text())


def timed(side: str, search: str, size: int) -> Run:
    load = os.getloadavg()[0]
    command = [sys.executable, "-W", "ignore", str(SCRIPT), side, search, str(size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{side:9} {search:6} {size:5}: {found['wall_ms']:.1f} ms a trial, load {load:.1f}", file=sys.stderr)
    loads = {"load_before": load, "load_after": os.getloadavg()[0]}
    return {"side": side, "search": search, "trials": size, **found, **loads}


# --- results ---------------------------------------------------------------------------------------------------------


def write(folder: Path, runs: Sequence[Run]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    made = {name: version(name) for name in ("tagsearch", "ray", "optuna")} | {"python": platform.python_version()}
    content = {"made_with": made, "cores": os.cpu_count(), "runs": runs}
    (folder / "search_growth.json").write_text(json.dumps(content, indent=1) + "\n")
    versions = ", ".join(f"{name} {number}" for name, number in made.items())
    loads = [run[when] for run in runs for when in ("load_before", "load_after")]
    text = [
        "# What a trivial trial costs in small and large studies",
        "",
        f"Made by `python benchmarks/search_growth.py` ({versions}; {os.cpu_count()} cores, two trials at a time; "
        f"load of the machine between runs {min(loads):.1f} to {max(loads):.1f}, a run's own part about two).",
        "",
        "Milliseconds per trial from the tenth trial's end to the last one's; CPU is the driver's; in brackets: times "
        "the smallest study's.",
        "",
        *per_trial(runs),
        "",
        "By quarter of the trials, CPU (wall):",
        "",
        *by_quarter(runs),
        "",
        "Wall seconds beside the trials:",
        "",
        *beside(runs),
    ]
    (folder / "search_growth.md").write_text("\n".join(text) + "\n")


def per_trial(runs: Sequence[Run]) -> list[str]:
    smallest = min(run["trials"] for run in runs)
    rows: list[Sequence[object]] = []
    for case in cases(runs):
        search, _, side = case
        cells = []
        for name in ("wall_ms", "cpu_ms"):
            value, least = typical(runs, case, name), typical(runs, (search, smallest, side), name)
            cells.append(f"{value:.1f} ({value / least:.2f})")
        whole = (round(typical(runs, case, name)) for name in ("total_s", "peak_mb", "open_files"))
        rows.append((*case, *cells, *whole))
    return markdown(("search", "trials", "", "wall", "CPU", "whole run, s", "driver's peak MB", "its open files"), rows)


def by_quarter(runs: Sequence[Run]) -> list[str]:
    rows: list[Sequence[object]] = []
    for case in cases(runs):
        quarters = zip(*(median_of_lists(runs, case, f"{what}_ms_by_quarter") for what in ("cpu", "wall")), strict=True)
        rows.append((*case, *(f"{cpu:.1f} ({wall:.1f})" for cpu, wall in quarters)))
    return markdown(("search", "trials", "", "first", "second", "third", "last"), rows)


def beside(runs: Sequence[Run]) -> list[str]:
    rows: list[Sequence[object]] = []
    for case in cases(runs):
        names = of(runs, case)[0]["stages_s"]
        seconds = {name: statistics.median(run["stages_s"][name] for run in of(runs, case)) for name in names}
        rows.append((*case, ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())))
    return markdown(("search", "trials", "", "stages"), rows)


def cases(runs: Sequence[Run]) -> list[Case]:
    return sorted({(run["search"], run["trials"], run["side"]) for run in runs})


def of(runs: Sequence[Run], case: Case) -> list[Run]:
    return [run for run in runs if (run["search"], run["trials"], run["side"]) == case]


def typical(runs: Sequence[Run], case: Case, name: str) -> float:
    """The median over the rounds."""
    return statistics.median(run[name] for run in of(runs, case))


def median_of_lists(runs: Sequence[Run], case: Case, name: str) -> list[float]:
    return [statistics.median(values) for values in zip(*(run[name] for run in of(runs, case)), strict=True)]


def markdown(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


if __name__ == "__main__":
    main()

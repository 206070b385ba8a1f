"""What an interval costs beside scikit-learn and a naive bootstrap, and what a run of 1,000 trials costs to summarise.

    python benchmarks/summary_speed.py interval [--seeds 5] [--resamples 3]
    python benchmarks/summary_speed.py run [--trials 100 1000]
    (both: [--out benchmarks/results])

interval: two arms x seeds on 4,332 clips x 50 tags by 75 artists, as MagnaTagATune's test split. In CPU seconds of one
thread: the closed-form jackknife with its interval; scikit-learn's two metrics on resamples of artists, from a few of
them scaled to 1,000; the exact weighted bootstrap after one sort. Values are compared, and standard errors.
run: a run folder made in a temporary place, eight tune trials to two confirm trials with scores of the same size;
summarised, then reported, each in a process of its own whose peak memory is taken.
Writes summary_speed.json.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

sys.path.insert(0, str(Path(__file__).parent))
from simulated_run import write_run

from analysis.report.report import write_report
from analysis.summary import summarize
from analysis.verdict import ranks
from analysis.verdict.intervals import Sample, cluster_variance, contrast
from tagsearch.study.schema import METRICS

N_CLIPS, N_TAGS, N_ARTISTS = 4332, 50, 75
DRAWS = 1000
CHUNK = 50  # draws weighted at once
Floats = npt.NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("interval", "run", "summarise"))
    parser.add_argument("folder", nargs="?", type=Path, help="of a run, for summarise")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--resamples", type=int, default=3)
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    if arguments.what == "summarise":
        print(json.dumps(cost_of_summary(arguments.folder)))
    elif arguments.what == "interval":
        keep(arguments.out, "interval", interval(arguments.seeds, arguments.resamples))
    else:
        keep(arguments.out, "run", [cost_of_run(n) for n in arguments.trials])


def keep(folder: Path, what: str, figures: object) -> None:
    """Beside those of the other measurement."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "summary_speed.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(kept | {what: figures}, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


# --- one comparison --------------------------------------------------------------------------------------------------


def interval(n_seeds: int, n_resamples: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    artists = np.sort(np.concatenate([np.arange(N_ARTISTS), rng.integers(0, N_ARTISTS, N_CLIPS - N_ARTISTS)]))
    labels = (rng.random((N_CLIPS, N_TAGS)) < np.geomspace(0.22, 0.01, N_TAGS)).astype(np.uint8)
    labels[:2] = [[1], [0]]
    arms = [[_scores(labels, artists, strength, rng) for _ in range(n_seeds)] for strength in (1.5, 1.6)]
    models = [scores for arm in arms for scores in arm]
    counts = rng.multinomial(N_ARTISTS, np.full(N_ARTISTS, 1 / N_ARTISTS), DRAWS)
    weights = counts.T[artists].astype(np.float64)  # (n_clips, DRAWS)

    jackknife_s, estimate = timed(lambda: _jackknife(arms, labels, artists))
    exact_s, exact = timed(lambda: [_after_one_sort(scores, labels, weights) for scores in models])
    naive_s, naive = timed(lambda: _naive(models[:2], labels, weights[:, :n_resamples]))
    naive_s *= DRAWS / n_resamples * len(models) / 2
    draws = np.mean(exact[n_seeds:], axis=0) - np.mean(exact[:n_seeds], axis=0)
    return {
        "models": len(models),
        "draws": DRAWS,
        "cpu_s": {"jackknife": jackknife_s, "after one sort": exact_s, "naive": naive_s},
        "naive is scaled from": f"{n_resamples} resamples of 2 models",
        "times faster than naive": {"jackknife": naive_s / jackknife_s, "after one sort": naive_s / exact_s},
        "largest difference to scikit-learn": {
            "value": _largest_difference(models[:2], labels),
            "weighted": float(np.abs(np.array(exact[:2])[:, :n_resamples] - naive).max()),
        },
        "se over artists": {
            metric: {"jackknife": float(np.sqrt(estimate[m])), "bootstrap": float(draws[:, m].std(ddof=1))}
            for m, metric in enumerate(METRICS)
        },
    }


def timed(what: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of this thread."""
    begun = time.thread_time()
    found = what()
    return time.thread_time() - begun, found


def _scores(
    labels: npt.NDArray[np.uint8], artists: npt.NDArray[np.int64], strength: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    bias = 0.4 * rng.standard_normal((N_ARTISTS, N_TAGS))
    return (strength * labels + bias[artists] + rng.standard_normal(labels.shape)).astype(np.float32)


def _jackknife(arms: Any, labels: npt.NDArray[np.uint8], artists: npt.NDArray[np.int64]) -> list[float]:
    """From scores to the interval; returns the variance over artists of these models' difference, a metric each."""
    found = []
    for scores_of_arm in arms:
        both = [ranks.values_and_gradients(ranks.plan(scores, labels)) for scores in scores_of_arm]
        values = np.array([value.mean(axis=0) for value, _ in both])
        influence = np.array([ranks.cluster_sums(gradient.mean(axis=1), artists) for _, gradient in both])
        found.append((values, influence))
    seeds = tuple(range(len(arms[0])))
    variances = []
    for m in range(len(METRICS)):
        baseline, arm = (Sample(seeds=seeds, values=v[:, m], influence=g[:, :, m]) for v, g in found)
        estimate = contrast([arm, baseline], [1.0, -1.0], paired=True)
        estimate.interval(0.05)
        variances.append(float(cluster_variance((arm.influence - baseline.influence).mean(axis=0))))
    return variances


def _after_one_sort(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8], weights: Floats) -> Floats:
    """Macro metrics of every draw, (DRAWS, 2)."""
    plan = ranks.plan(scores, labels)
    parts = [ranks.weighted_scores(plan, weights[:, k : k + CHUNK]) for k in range(0, weights.shape[1], CHUNK)]
    return np.asarray(np.concatenate(parts).mean(axis=1))


def _naive(models: Any, labels: npt.NDArray[np.uint8], weights: Floats) -> Floats:
    """scikit-learn on every resample, (n_models, n_resamples, 2): clips are repeated as often as their artist came."""
    rows = [np.repeat(np.arange(N_CLIPS), weight.astype(int)) for weight in weights.T]
    return np.array([[_by_sklearn(scores[row], labels[row]) for row in rows] for scores in models])


def _by_sklearn(scores: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> tuple[float, float]:
    return roc_auc_score(labels, scores, average="macro"), average_precision_score(labels, scores, average="macro")


def _largest_difference(models: Any, labels: npt.NDArray[np.uint8]) -> float:
    ours = [ranks.values_and_gradients(ranks.plan(scores, labels))[0].mean(axis=0) for scores in models]
    return float(np.abs(np.array(ours) - [_by_sklearn(scores, labels) for scores in models]).max())


# --- a large run -----------------------------------------------------------------------------------------------------


def cost_of_run(n_trials: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        write_run(folder, n_trials=n_trials, n_test=N_CLIPS, n_tags=N_TAGS, n_artists=N_ARTISTS)
        megabytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 2**20
        command = [sys.executable, __file__, "summarise", str(folder)]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        return {"trials": n_trials, "run_mb": round(megabytes), **json.loads(told)}


def cost_of_summary(folder: Path) -> dict[str, Any]:
    """Of this process: what it took to read and judge the run, then to write its report."""
    figures: dict[str, Any] = {"imported_mb": _peak_mb()}
    begun = time.monotonic(), time.process_time()
    summary = summarize(folder)
    figures["summarize"] = _since(begun)
    begun = time.monotonic(), time.process_time()
    write_report(summary, folder / "report")
    figures["write_report"] = _since(begun)
    return figures


def _since(begun: tuple[float, float]) -> dict[str, float]:
    wall, cpu = time.monotonic() - begun[0], time.process_time() - begun[1]
    return {"wall_s": round(wall, 1), "cpu_s": round(cpu, 1), "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()

"""Is a verdict as sure as it says? Studies with a known truth, judged by the real verdict code.

    python benchmarks/calibration.py [--scale 0.01] [--only noise looks clips tune] [--out benchmarks/results]

noise: crossed noise of seeds and artists on the macro scores, with the SDs of the shipped studies and worse ones.
looks: the same with a declared second look, taken where the first one decides nothing.
clips: scores of clips x tags, from whose ranks the intervals are worked out as in a run.
tune:  tune phases with early stopping and crossing learning curves before the confirm phase.
Each row counts verdicts and how often an interval of nominal 95 % holds the truth; brackets are 95 % intervals
(Clopper-Pearson) for the Monte Carlo error. Writes calibration.json and calibration.md; --only renews those parts.
A scale of 1 takes ten minutes of one core, 0.01 a few seconds.
"""

import argparse
import json
import platform
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy

sys.path.insert(0, str(Path(__file__).parent))
from calibration_tables import page
from simulated_clips import CLIP_CASES, clip_study
from simulated_noise import MEASURED, Floats, Noise, draw
from simulated_study import MARGINS, RHO, Claim, Simulated, evidence_of, extended, run_of
from simulated_tuning import TUNE_CASES, tuned_study

import tagsearch
from analysis.verdict.intervals import Estimate, Scope
from analysis.verdict.judgement import HypothesisVerdict
from analysis.verdict.outcomes import Verdict
from analysis.verdict.verdicts import judge
from tagsearch.study.schema import METRICS

SEED = 2026
ALPHA = 0.05
COUNTS = ("verdicts", "on_this_set", "covered", "wrong", "could_be_wrong")
EXCLUDED = (Verdict.REFUTED, Verdict.NOT_SUPPORTED)  # both say: no gain worth having
BASELINE = np.array([0.85, 0.30])  # ROC AUC, PR AUC
EFFECTS = (-1.0, 0.0, 0.5, 1.0, 2.0)  # of the arm in question, in margins


ONE_ARM = Claim()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A row: `n` studies of each effect, `n_sure` of those at which an error is counted (effects 0 and 1)."""

    name: str
    claim: Claim = ONE_ARM
    seeds: int = 5
    artists: int = 189
    noise: Noise = MEASURED
    n: int = 300
    n_sure: int = 600
    effects: tuple[float, ...] = EFFECTS


ARTISTS = Noise(seed=0.0002, artist=0.03, run_artist=0.002)
QUIET = Noise(seed=0.0028, artist=0.005, run_artist=0.005)
GRID = [
    Case(name=f"{kind}, K={seeds}, C={artists}", seeds=seeds, artists=artists, noise=noise, n_sure=n_sure)
    for kind, noise, n_sure in (("as measured", MEASURED, 2000), ("quiet", QUIET, 600))
    for artists in (75, 189)
    for seeds in (3, 5, 10)
]
NOISE_CASES = [
    *GRID,
    Case(name="two seeds", seeds=2, effects=(0.0, 2.0)),
    Case(name="other architecture (unpaired)", claim=Claim(paired=False)),
    Case(name="other architecture, K=3", claim=Claim(paired=False), seeds=3),
    Case(name="any of 2", claim=Claim(n_new=2)),
    Case(name="any of 4", claim=Claim(n_new=4)),
    Case(name="any of 4, K=10", claim=Claim(n_new=4), seeds=10),
    Case(name="all of 2", claim=Claim(kind="all", n_new=2)),
    Case(name="ladder of 3", claim=Claim(kind="ladder", n_new=2)),
    Case(name="interaction of 2 x 2", claim=Claim(kind="interaction")),
    Case(name="new arm's noise x 3", noise=Noise(spread=3.0)),
    Case(name="new arm's noise x 3, unpaired", noise=Noise(spread=3.0), claim=Claim(paired=False)),
    Case(name="very unequal artists, C=75", noise=Noise(sizes=1.0), artists=75),
    Case(name="artists only, very unequal, C=75", noise=replace(ARTISTS, sizes=1.0), artists=75),
    Case(name="artists only, very unequal, C=20", noise=replace(ARTISTS, sizes=1.0), artists=20),
    Case(name="seeds only", noise=Noise(artist=0.0, run_artist=0.0)),
    Case(name="artists only", noise=ARTISTS),
    Case(name="runs x artists only", noise=Noise(seed=0.0002, artist=0.0, run_artist=0.06)),
    Case(name="seeds t(3)", noise=Noise(tails="t3")),
    Case(name="1 run in 10 collapses", noise=Noise(tails="both collapse")),
    Case(name="1 run in 10 of the new arm collapses", noise=Noise(tails="new arm collapses")),
]
LOOK_CASES = [Case(name="5 seeds, then 10"), Case(name="5 seeds, then 10, artists only", noise=ARTISTS)]


@dataclass(kw_only=True)
class Tally:
    """Counts over the studies of one row."""

    n: int = 0
    n_claims: int = 0  # arms x studies
    verdicts: Counter[str] = field(default_factory=Counter)
    on_this_set: Counter[str] = field(default_factory=Counter)  # verdicts at scope "benchmark"
    covered: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    could_be_wrong: Counter[str] = field(default_factory=Counter)
    half_widths: list[tuple[float, ...]] = field(default_factory=list)
    told: list[Mapping[str, float]] = field(default_factory=list)

    def add(self, verdict: HypothesisVerdict, study: Simulated) -> None:
        (part,) = verdict.parts
        self.n += 1
        self.verdicts[str(verdict.verdict)] += 1
        self.on_this_set[str(verdict.other_scope)] += 1
        self.could_be_wrong["gain"] += not study.is_gain
        self.could_be_wrong["no gain"] += study.reaches_margin
        self.wrong["gain"] += verdict.verdict is Verdict.CONFIRMED and not study.is_gain
        self.wrong["no gain"] += verdict.verdict in EXCLUDED and study.reaches_margin
        self.told.append(study.told)
        self.n_claims += len(part.members)
        estimates = [[claim.estimate for claim in member.claims if claim.estimate] for member in part.members]
        self.half_widths += [tuple(one.half_width(ALPHA) for one in both) for both in estimates]
        self._count(estimates, "population", study.truth(study.means))
        if study.on_this_set is not None:
            self._count(estimates, "benchmark", study.truth(study.on_this_set))

    def _count(self, estimates: Sequence[Sequence[Estimate]], scope: Scope, truth: Sequence[Floats]) -> None:
        for both, true in zip(estimates, truth, strict=True):
            for m, metric in enumerate(METRICS):
                lower, upper = both[m].interval(ALPHA, scope)
                self.covered[f"{scope}, {metric}"] += bool(lower <= true[m] <= upper)

    def row(self) -> dict[str, Any]:
        keys = self.told[0] if self.told else ()
        return {
            "n": self.n,
            "n_claims": self.n_claims,
            **{name: dict(getattr(self, name)) for name in COUNTS},
            "half_width": dict(zip(METRICS, np.mean(self.half_widths, axis=0).tolist(), strict=True)),
            "told": {key: _moments([told[key] for told in self.told]) for key in keys},
        }


def _moments(values: Sequence[float]) -> dict[str, float]:
    return {"mean": float(np.mean(values)), "se": float(np.std(values, ddof=1) / np.sqrt(len(values)))}


def noise_study(case: Case, effect: float, rng: np.random.Generator) -> Simulated:
    means = BASELINE + np.outer(case.claim.effects(effect), RHO)
    drawn = draw(case.noise, means, n_seeds=case.seeds, n_artists=case.artists, paired=case.claim.paired, rng=rng)
    run = run_of(case.claim, seeds=case.seeds)
    evidence = evidence_of(run, drawn.values, drawn.influence, drawn.sizes)
    return Simulated(run=run, evidence=evidence, means=means, on_this_set=np.array(drawn.on_this_set))


def two_looks(case: Case, effect: float, rng: np.random.Generator) -> Simulated:
    """At `case.seeds` seeds, and if that decides nothing, at twice as many: as the study declared."""
    n_seeds = 2 * case.seeds
    means = BASELINE + np.outer(case.claim.effects(effect), RHO)
    drawn = draw(case.noise, means, n_seeds=n_seeds, n_artists=case.artists, paired=case.claim.paired, rng=rng)
    run = run_of(case.claim, seeds=case.seeds, extension=n_seeds)
    values, influence = ([one[: case.seeds] for one in arms] for arms in (drawn.values, drawn.influence))
    known = {"means": means, "on_this_set": np.array(drawn.on_this_set)}
    return Simulated(
        run=extended(run),
        evidence=evidence_of(extended(run), drawn.values, drawn.influence, drawn.sizes),
        first_look=Simulated(run=run, evidence=evidence_of(run, values, influence, drawn.sizes), **known),
        **known,
    )


PARTS: dict[str, tuple[Sequence[Any], Callable[..., Simulated]]] = {
    "noise": (NOISE_CASES, noise_study),
    "looks": (LOOK_CASES, two_looks),
    "clips": (CLIP_CASES, clip_study),
    "tune": (TUNE_CASES, tuned_study),
}
SURE_EFFECTS = (0.0, 1.0)  # where a verdict can be wrong


def rows(part: str, *, scale: float = 1.0) -> Iterable[dict[str, Any]]:
    """One row a case and effect; every row has a generator of its own, so that rows can be added."""
    cases, study = PARTS[part]
    for case in cases:
        for effect in case.effects:
            n = case.n_sure if effect in SURE_EFFECTS else case.n
            name = f"{part}: {case.name} at {effect}"
            rng = np.random.default_rng([SEED, zlib.crc32(name.encode())])
            begun = time.process_time()
            tally = simulate(study(case, effect, rng) for _ in range(max(4, round(scale * n))))
            yield {"part": part, "effect": effect, **asdict(case), **tally.row(), "cpu_s": time.process_time() - begun}


def simulate(studies: Iterable[Simulated]) -> Tally:
    tally = Tally()
    for study in studies:
        tally.add(judged(study), study)
    return tally


def judged(study: Simulated) -> HypothesisVerdict:
    if study.first_look:
        first = judged(study.first_look)
        if first.verdict is not Verdict.INCONCLUSIVE:
            return first
    (hypothesis,) = study.run.study.hypotheses
    return judge(study.run, study.evidence, hypothesis)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of studies; 0.01 takes seconds")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    found = []
    for row in (row for part in arguments.only for row in rows(part, scale=arguments.scale)):
        print(json.dumps({key: row[key] for key in ("name", "effect", "n", "verdicts", "cpu_s")}), flush=True)
        found.append(row)
    write(found, arguments.out, scale=arguments.scale)


def write(found: Sequence[Mapping[str, Any]], folder: Path, *, scale: float) -> None:
    """Rows of parts that were not run anew are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    path, anew = folder / "calibration.json", {row["part"] for row in found}
    before = json.loads(path.read_text())["rows"] if path.exists() else []
    kept = [row for row in before if row["part"] not in anew]
    ordered = sorted([*kept, *found], key=lambda row: list(PARTS).index(row["part"]))
    results = {"settings": settings(scale=scale), "rows": ordered}
    path.write_text(json.dumps(results, indent=1) + "\n")
    (folder / "calibration.md").write_text(page(results))


def settings(*, scale: float) -> dict[str, Any]:
    versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    return {
        "seed": SEED,
        "scale": scale,
        "alpha": ALPHA,
        "margins": dict(MARGINS),
        "versions": versions | {"tagsearch": tagsearch.__version__},
    }


if __name__ == "__main__":
    main()

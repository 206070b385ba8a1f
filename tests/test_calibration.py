"""The simulated studies of benchmarks/calibration.py, in small; and that README and results file say the same."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))
from calibration import NOISE_CASES, noise_study, simulate
from calibration_tables import clopper_pearson, main_table, page
from simulated_clips import ClipCase, clip_study
from simulated_noise import MEASURED, SCALE, draw
from simulated_study import Claim, run_of
from simulated_tuning import TUNE_CASES, tuned_study

from analysis.verdict.intervals import cluster_variance

ROOT = Path(__file__).parent.parent
RESULTS = json.loads((ROOT / "benchmarks" / "results" / "calibration.json").read_text())
SPEED = json.loads((ROOT / "benchmarks" / "results" / "summary_speed.json").read_text())
CASES = {case.name: case for case in NOISE_CASES}


def studies(case, effect, n, *, seed=0):
    rng = np.random.default_rng(seed)
    return [noise_study(case, effect, rng) for _ in range(n)]


def test_false_gains_are_rare_and_big_ones_are_found():
    case = CASES["quiet, K=5, C=189"]
    assert simulate(studies(case, 0.0, 60)).verdicts["Confirmed"] <= 3
    assert simulate(studies(case, 3.0, 20)).verdicts["Confirmed"] >= 18


def test_intervals_hold_the_truth_as_often_as_they_say():
    tally = simulate(studies(CASES["as measured, K=5, C=189"], 1.0, 100))
    assert min(tally.covered.values()) >= 88  # of 100; 95 expected
    assert set(tally.covered) == {
        f"{scope}, {m}" for scope in ("population", "benchmark") for m in ("roc_auc", "pr_auc")
    }


def test_two_seeds_never_give_a_verdict():
    assert set(simulate(studies(CASES["two seeds"], 2.0, 20)).verdicts) == {"Inconclusive"}


def test_the_same_generator_gives_the_same_studies_and_another_one_others():
    case = CASES["any of 2"]
    one, same, other = (studies(case, 0.0, 1, seed=seed)[0].on_this_set for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("claim", "effects"),
    [
        (Claim(n_new=2), [1.5, 0.0]),
        (Claim(kind="all", n_new=2), [1.5, 4.0]),
        (Claim(kind="ladder", n_new=2), [1.5]),
        (Claim(kind="interaction"), [1.5]),
    ],
)
def test_the_effect_of_a_case_is_the_truth_of_the_contrast_that_decides_its_claim(claim, effects):
    case = replace(CASES["any of 2"], claim=claim)
    (study,) = studies(case, 1.5, 1)
    truth = study.truth(study.means)
    np.testing.assert_allclose(truth, np.outer(effects, [0.005, 0.010]))
    assert study.is_gain
    assert study.reaches_margin


def test_the_influence_of_artists_tells_the_variance_that_they_cause():
    """Without seeds, the variance of a value over studies is that of its artists."""
    noise = replace(MEASURED, seed=0.0, run_artist=0.0)
    rng = np.random.default_rng(0)
    draws = [draw(noise, np.zeros((1, 2)), n_seeds=1, n_artists=100, paired=True, rng=rng) for _ in range(400)]
    values = np.array([one.values[0][0] for one in draws])
    told = np.mean([cluster_variance(one.influence[0][0].T) for one in draws], axis=0)
    np.testing.assert_allclose(told, values.var(axis=0, ddof=1), rtol=0.15)
    np.testing.assert_allclose(values.std(axis=0)[1] / values.std(axis=0)[0], SCALE[1], rtol=0.15)


def test_clips_without_an_effect_are_judged_from_their_ranks():
    tally = simulate(clip_study(ClipCase(name="small", seeds=3), 0.0, np.random.default_rng(k)) for k in range(2))
    assert tally.n == tally.n_claims == 2
    assert tally.verdicts["Confirmed"] == 0


def test_a_tuned_study_confirms_its_chosen_configurations_not_the_best_validation_value():
    case = next(case for case in TUNE_CASES if case.paces[0] != case.paces[1])
    found = [tuned_study(case, 0.0, np.random.default_rng(k)) for k in range(8)]
    told = {name: np.mean([study.told[name] for study in found]) for name in found[0].told}
    assert told["optimism"] > 0.004  # the best of 27 noisy values
    assert abs(told["confirmed"] - told["true"]) < 0.004
    assert {trial.state.name for study in found for trial in study.run.tune} == {"COMPLETED", "STOPPED"}


def test_the_study_comes_from_the_parser_and_is_registered():
    run = run_of(Claim(n_new=4), seeds=5)
    assert run.study.hypotheses[0].parts[0].contrasts[0].name == "focal - bce"
    assert run.lock is not None


@pytest.mark.parametrize(("hits", "n"), [(0, 40), (3, 200), (40, 40)])
def test_clopper_pearson_is_scipys(hits, n):
    exact = binomtest(hits, n).proportion_ci(method="exact")
    np.testing.assert_allclose(clopper_pearson(hits, n), (exact.low, exact.high), atol=1e-12)


def test_the_readme_shows_the_table_of_the_results_file():
    assert main_table(RESULTS) in (ROOT / "README.md").read_text()


def test_the_page_of_results_is_of_the_results_file():
    assert (ROOT / "benchmarks" / "results" / "calibration.md").read_text() == page(RESULTS)


def test_the_results_hold_every_case_that_the_benchmark_has():
    assert {row["name"] for row in RESULTS["rows"] if row["part"] == "noise"} == set(CASES)


def test_an_interval_is_a_hundred_times_as_fast_as_a_naive_bootstrap_with_the_same_numbers():
    found = SPEED["interval"]
    assert found["times faster than naive"]["jackknife"] >= 100
    assert max(found["largest difference to scikit-learn"].values()) <= 1e-6
    for both in found["se over artists"].values():
        assert both["jackknife"] == pytest.approx(both["bootstrap"], rel=0.1)

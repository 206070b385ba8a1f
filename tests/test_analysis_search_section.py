import re

import numpy as np
import pytest
from matplotlib.colors import to_hex

from analysis.report.canvas import LIGHT
from analysis.report.page import html
from analysis.search.search_figures import best_of_n_curves, parallel_coordinates, slices
from analysis.search.search_section import UNTUNED, search_section
from analysis.search.tuning import tuning
from analysis.verdict.evidence import collect
from tagsearch.records import State
from tagsearch.study.schema import Tunable
from tests.fake_tune import LR, Tried, diverged, tuned_run

GAMMA = Tunable(name="loss.gamma", kind="uniform", low=0.0, high=5.0, when={"loss": ("focal",)})
STOPPED = Tried(value=0.1, state=State.STOPPED, epochs=1)
TRIED = {
    "bce": [Tried(value=0.3), STOPPED, diverged()],
    "focal": [Tried(value=0.02 * k, proposal={"lr": 0.001 * k, "loss.gamma": 0.5 * k}) for k in range(1, 10)],
}


def section_of(run):
    return search_section(run, collect(run), tuning(run))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tuned_run(tmp_path_factory.mktemp("run"), TRIED, tunables=(LR, GAMMA))


def test_the_section_tells_effort_choice_drops_importance_and_shows_its_pictures(run):
    section = section_of(run)
    assert (section.anchor, section.title) == ("search", "How the search went")
    assert sorted(section.tables) == ["best_of_n", "drop", "flow", "importance", "tune", "tune_trials"]
    assert re.findall(r"\((\w+)\.png\)", section.markdown()) == ["best_of_n", "slices", "parallel_coordinates"]
    assert "A diverged trial counts as the worst value" in section.markdown()
    assert "No importance of tunables. bce: 3 trials have ended" in section.markdown()


def test_the_page_of_the_section_stands_alone(run, tmp_path):
    page = html(title="run", header=[], sections=[section_of(run)])
    assert len(re.findall('<img alt="', page)) >= 3
    assert all(source.startswith("data:") for source in re.findall(r'(?:src|srcset)="([^"]{0,40})', page))


@pytest.mark.parametrize(
    ("checkpoint", "words"), [("best", "a lower bound of what"), ("last", "counts with its last value")]
)
def test_how_stopped_trials_count_is_told_by_the_checkpoint_rule(tmp_path, checkpoint, words):
    assert words in section_of(tuned_run(tmp_path, TRIED, tunables=(LR, GAMMA), checkpoint=checkpoint)).markdown()


def test_a_study_that_tunes_nothing_says_so_and_tells_its_drops(tmp_path):
    section = section_of(tuned_run(tmp_path, {"bce": [], "focal": []}, tune=None))
    assert UNTUNED in section.markdown()
    assert list(section.tables) == ["flow", "drop"]


def test_a_tune_phase_that_has_not_begun_says_so(tmp_path):
    assert "No tune trial has started yet." in section_of(tuned_run(tmp_path, {"bce": [], "focal": []})).markdown()


def test_a_tune_phase_of_diverged_trials_is_shown_without_a_curve(tmp_path):
    section = section_of(tuned_run(tmp_path, {"bce": [diverged(), diverged()]}))
    assert re.findall(r"\((\w+)\.png\)", section.markdown()) == ["slices"]


def test_a_single_trial_is_shown(tmp_path):
    section = section_of(tuned_run(tmp_path, {"bce": [Tried(value=0.3)]}))
    assert re.findall(r"\((\w+)\.png\)", section.markdown()) == ["best_of_n", "slices"]


def test_a_phase_whose_tunables_no_trial_has_yet_shows_no_slice(tmp_path):
    section = section_of(tuned_run(tmp_path, {"bce": [Tried(value=0.3, proposal={})]}, tunables=(GAMMA,)))
    assert re.findall(r"\((\w+)\.png\)", section.markdown()) == ["best_of_n"]


def test_a_stopped_trial_s_loss_is_an_upper_bound(tmp_path):
    run = tuned_run(tmp_path, {"bce": [Tried(value=0.3), STOPPED]}, objective="valid/loss")
    assert "an upper bound of what" in section_of(run).markdown()


def test_failed_and_unended_trials_are_counted(tmp_path):
    tried = {"bce": [Tried(value=0.3), Tried(state=State.FAILED), Tried(state=State.RUNNING)]}
    text = section_of(tuned_run(tmp_path, tried)).markdown()
    assert "Failed trials are left out, as an error is no result: 1." in text
    assert "Trials that have not ended are left out: 1." in text


def test_a_pure_search_has_one_curve_and_its_tunables(tmp_path):
    tried = [Tried(value=0.03 * k, proposal={"lr": 0.001 * k, "loss.gamma": 0.5 * k}) for k in range(1, 10)]
    run = tuned_run(tmp_path, {"search": tried}, tunables=(LR, GAMMA), design="search")
    assert len(best_of_n_curves(run).axes[0].lines) == 1
    assert len(parallel_coordinates(run).axes[0].lines) == 9 + 2  # trials, tunables


def dots(axes, marker, *, filled=True):
    lines = [line for line in axes.lines if line.get_marker() == marker and line.get_markersize() < 10]
    lines = [line for line in lines if (line.get_markerfacecolor() != "none") == filled]
    return {to_hex(line.get_color()).upper(): len(line.get_xdata()) for line in lines if len(line.get_xdata())}


def test_a_slice_has_one_dot_a_trial_marked_by_how_it_ended(run):
    lr, gamma = slices(run).axes
    blue, orange = LIGHT.colours[:2]
    assert dots(lr, "o") == {blue: 1}
    assert dots(lr, "s") == {orange: 9}
    assert dots(lr, "o", filled=False) == {blue: 1}
    assert dots(lr, "x") == {blue: 1}
    assert dots(gamma, "s") == {orange: 9}
    assert (lr.get_xscale(), gamma.get_xscale()) == ("log", "linear")


def test_the_chosen_trials_are_ringed(run):
    rings = [line for line in slices(run).axes[0].lines if line.get_markersize() > 10]
    places = np.concatenate([line.get_xydata() for line in rings])
    assert places[np.argsort(places[:, 0])] == pytest.approx(np.array([(0.009, 0.18), (0.01, 0.3)]))


def test_parallel_coordinates_are_drawn_for_arms_with_two_tunables_only(run, tmp_path):
    figure = parallel_coordinates(run)
    assert [axes.get_title(loc="left") for axes in figure.axes[:-1]] == ["focal"]
    assert parallel_coordinates(tuned_run(tmp_path, {"bce": [Tried(value=0.3)]})) is None


def test_a_trial_passes_below_a_tunable_it_does_not_have(tmp_path):
    tried = [Tried(value=0.3, proposal={"lr": 0.01, "loss.gamma": 1.0}), Tried(value=0.2, proposal={"lr": 0.1})]
    figure = parallel_coordinates(tuned_run(tmp_path, {"focal": tried}, tunables=(LR, GAMMA)))
    lines = {tuple(np.round(line.get_ydata(), 3)) for line in figure.axes[0].lines[:2]}
    assert lines == {(0.667, 0.2), (1.0, -0.14)}


def test_equal_values_are_drawn(tmp_path):
    tried = [Tried(value=0.3, proposal={"lr": 0.01 * k, "loss.gamma": 1.0}) for k in range(1, 9)]
    section = section_of(tuned_run(tmp_path, {"focal": tried}, tunables=(LR, GAMMA)))
    assert "all trials scored the same" in section.markdown()
    assert re.findall(r"\((\w+)\.png\)", section.markdown()) == ["best_of_n", "slices", "parallel_coordinates"]


@pytest.mark.parametrize(("n_arms", "is_drawn"), [(4, True), (5, False)])
def test_bands_of_luck_are_drawn_and_told_for_a_few_arms_only(tmp_path, n_arms, is_drawn):
    run = tuned_run(tmp_path, {f"arm{k}": [Tried(value=0.3), Tried(value=0.1 * k)] for k in range(n_arms)})
    assert len(best_of_n_curves(run).axes[0].collections) == (n_arms if is_drawn else 0)
    assert ("Band: the middle half" in section_of(run).markdown()) == is_drawn

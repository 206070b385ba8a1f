import dataclasses

import numpy as np
import pytest

from analysis.arms.figures import learning_curves, tune_curves
from analysis.report.canvas import DARK, LIGHT, canvas, legend
from analysis.rundata import gather
from tagsearch.records import State
from tests.fake_run import FakeRun
from tests.fake_tune import Tried, diverged, tuned_run

OBJECTIVE = "valid/pr_auc"


def with_histories(trials, lengths, *, top=0.3):
    """Trial k reaches `top` + k / 100 after that many epochs, in a straight line from 0."""
    return tuple(
        dataclasses.replace(
            trial,
            history=tuple({"epoch": e, OBJECTIVE: (top + k / 100) * e / n, "seconds": 1.0} for e in range(1, n + 1)),
        )
        for k, (trial, n) in enumerate(zip(trials, lengths, strict=True))
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.2}, n_clips=60, seeds=3, tuned=False)
    return gather(folder, fake.write(folder))


def by_label(axes):
    return {line.get_label(): line for line in axes.lines}


def test_the_thick_line_is_the_median_of_the_seeds(run):
    (axes,) = learning_curves(run).axes
    curves = [[row[OBJECTIVE] for row in trial.history] for trial in run.confirm if trial.spec.arm == "focal"]
    thick = by_label(axes)["focal"]
    assert thick.get_ydata() == pytest.approx(np.median(curves, axis=0))
    assert (thick.get_color(), thick.get_marker()) == (LIGHT.line(1)["color"], "s")
    assert len([line for line in axes.lines if line.get_linewidth() == 0.8]) == 6


def test_the_common_budget_is_a_line_at_the_shortest_one(run):
    (axes,) = learning_curves(run, DARK).axes
    assert [line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1] == [4]
    assert "common budget" in [text.get_text() for text in axes.texts]


def test_budgets_that_differ_by_arm_are_not_called_common(run):
    last = run.confirm[-1]
    spec = dataclasses.replace(last.spec, config={**last.spec.config, "epochs": 8})
    longer = dataclasses.replace(last, spec=spec)
    (axes,) = learning_curves(dataclasses.replace(run, confirm=(*run.confirm[:-1], longer))).axes
    assert "shortest budget" in [text.get_text() for text in axes.texts]


def test_a_legend_of_two_lines_is_read_line_by_line():
    figure, (axes,) = canvas(LIGHT, width=8, height=4)
    for label in "abcde":
        axes.plot([0], [0], "o", label=label)
    legend(figure, axes, LIGHT)
    figure.canvas.draw()
    places = {text.get_text(): text.get_window_extent().min for text in figure.legends[0].get_texts()}
    assert sorted(places, key=lambda label: (-round(places[label][1]), places[label][0])) == list("abcde")
    assert round(places["a"][1]) == round(places["d"][1]) > round(places["e"][1])


@pytest.mark.parametrize("width", [4, 5.25, 8])
def test_a_legend_of_long_names_stays_inside_its_figure(width):
    figure, (axes,) = canvas(LIGHT, width=width, height=4)
    for label in ("cnn1d", "short_chunk_res", "self_attention", "finished", "stopped", "chosen"):
        axes.plot([0], [0], "o", label=label)
    legend(figure, axes, LIGHT)
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width


def test_the_axis_names_the_objective_in_words(run):
    (axes,) = learning_curves(run).axes
    assert axes.get_ylabel() == "validation PR AUC"


def test_seeds_that_diverged_or_ended_early_are_marked_where_they_did(run):
    trials = with_histories(run.confirm, [4, 4, 4, 4, 3, 2])
    trials = (
        *trials[:5],
        dataclasses.replace(trials[5], result=dataclasses.replace(trials[5].result, state=State.DIVERGED)),
    )
    (axes,) = learning_curves(dataclasses.replace(run, confirm=trials)).axes
    lines = by_label(axes)
    assert lines["diverged"].get_xydata() == pytest.approx(np.array([(2, 0.35)]))
    assert lines["ended by the stop rule"].get_xydata() == pytest.approx(np.array([(3, 0.34)]))


def test_a_run_without_epochs_has_no_curves(run):
    empty = dataclasses.replace(run, confirm=with_histories(run.confirm, [0] * 6))
    assert learning_curves(empty) is None
    assert tune_curves(empty) is None


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    tried = [Tried(value=0.3), Tried(value=0.2, state=State.STOPPED, epochs=1), diverged()]
    run = tuned_run(tmp_path_factory.mktemp("run"), {"bce": tried, "focal": [Tried(value=0.4)]})
    ordered = sorted(run.tune, key=lambda trial: (trial.spec.arm, trial.spec.index))
    return dataclasses.replace(run, tune=with_histories(ordered, [4, 1, 2, 4]))


def test_every_arm_has_a_panel_and_every_trial_a_line(searched):
    panels = tune_curves(searched).axes
    assert [axes.get_title() for axes in panels] == ["bce", "focal"]
    lengths = [len(line.get_xdata()) for line in panels[0].lines if line.get_linewidth() in (1, 2.6)]
    assert sorted(lengths) == [1, 2, 4]
    assert panels[0].get_ylim() == panels[1].get_ylim()


def test_how_a_trial_ended_is_marked_at_its_last_epoch(searched):
    axes = tune_curves(searched).axes[0]
    ends = {(line.get_marker(), line.get_markerfacecolor() == LIGHT.paper): line.get_xdata()[0] for line in axes.lines}
    assert ends["o", False] == 4
    assert ends["o", True] == 1
    assert ends["x", False] == 2


def test_the_chosen_trial_is_thick(searched):
    thick = [line for line in tune_curves(searched).axes[0].lines if line.get_linewidth() == 2.6]
    assert [line.get_ydata()[-1] for line in thick] == pytest.approx([0.3])


def test_the_epochs_at_which_asha_looks_are_dotted(searched):
    dotted = [line.get_xdata()[0] for line in tune_curves(searched).axes[0].lines if line.get_linewidth() == 0.7]
    assert dotted == list(searched.study.tune.asha.rungs(4)) == [1, 3]

import dataclasses

import numpy as np
import pytest

from analysis import plots
from analysis.arms.interaction_figures import interaction_lines, interaction_pictures
from analysis.report.canvas import DARK
from analysis.rundata import gather
from analysis.summary import summarize
from tagsearch.errors import AnalysisError
from tagsearch.records import State
from tagsearch.study.schema import Arm, Contrast, Hypothesis, Part
from tests.fake_run import FakeRun

CELLS = {"base": ("bce", "shuffle"), "focal": ("focal", "shuffle"), "even": ("bce", "even"), "both": ("focal", "even")}
SIGNALS = {"base": 1.0, "focal": 1.1, "even": 1.2, "both": 1.6}
PART = Part(
    id="p1",
    kind="interaction",
    contrasts=(Contrast(name="more with even", weights={"both": 1.0, "even": -1.0, "focal": -1.0, "base": 1.0}),),
    at_least=1,
    metrics=("roc_auc", "pr_auc"),
    margins={"roc_auc": 0.005, "pr_auc": 0.01},
    written={"interaction": {"loss": "focal", "sampler": "even"}},
)


def factorial(folder, **changes):
    fake = FakeRun(signals=SIGNALS, n_clips=150, seeds=3, **changes)
    study = fake.study()
    arms = tuple(
        Arm(name=name, levels={"loss": loss, "sampler": sampler}, config=fake.config(name))
        for name, (loss, sampler) in CELLS.items()
    )
    study = dataclasses.replace(
        study,
        arms=arms,
        design="grid",
        factors={"loss": ("bce", "focal"), "sampler": ("shuffle", "even")},
        hypotheses=(Hypothesis(id="H1", text="They work together", alpha=0.05, parts=(PART,)),),
    )
    fake.write(folder, study)
    return summarize(gather(folder, study))


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    return factorial(tmp_path_factory.mktemp("run"))


def test_a_line_joins_the_cells_of_a_level(summary):
    figure = plots.interaction(summary, "H1", "p1")
    for axes, metric in zip(figure.axes, ("roc_auc", "pr_auc"), strict=True):
        means = {name: arm.sample(metric).values.mean() for name, arm in summary.evidence.arms.items()}
        drawn = {line.get_label(): line.get_ydata() for line in axes.lines}
        assert drawn["loss: bce"] == pytest.approx([means["base"], means["even"]])
        assert drawn["loss: focal"] == pytest.approx([means["focal"], means["both"]])
        gap = drawn["loss: focal"][1] - drawn["without interaction"][1]
        assert gap == pytest.approx(means["both"] - means["even"] - means["focal"] + means["base"])


def test_dots_are_the_seeds_of_every_cell(summary):
    axes = interaction_lines(summary, PART, DARK).axes[0]
    dots = np.concatenate([line.get_ydata() for line in axes.lines if line.get_markersize() == 3.5])
    values = np.concatenate([arm.sample("roc_auc").values for arm in summary.evidence.arms.values()])
    assert sorted(dots) == pytest.approx(sorted(values))


def test_the_report_has_a_picture_of_every_interaction(summary):
    assert [(one.name, one.title) for one in interaction_pictures(summary)] == [
        ("interaction_H1_p1", "H1: more with even")
    ]


def test_a_cell_without_scores_has_no_picture(tmp_path):
    lost = {("even", k): State.FAILED for k in range(3)}
    assert interaction_pictures(factorial(tmp_path, lost=lost)) == []


def test_a_part_that_claims_no_interaction_is_refused(summary):
    with pytest.raises(AnalysisError, match=r"H1/p2 is no part that claims an interaction; those that do: H1/p1"):
        plots.interaction(summary, "H1", "p2")

import dataclasses

import numpy as np
import pytest

from analysis.arms.forest import BALANCE, NOTE, forest, forest_parts
from analysis.arms.forest_rows import forest_blocks
from analysis.report.canvas import DARK, LIGHT
from analysis.rundata import gather
from analysis.summary import summarize
from tagsearch.records import State
from tagsearch.study.contrasts import slope, versus
from tagsearch.study.schema import Hypothesis, Part
from tests.fake_run import FakeRun, claim, summary_of

SIGNALS = {"bce": 1.0, "focal": 1.2, "triplet": 1.3, "other": 1.1}


def part(id, **changes) -> Part:
    fields = {"kind": "versus", "contrasts": (versus("focal", "bce"),), "at_least": 1, "metrics": ("pr_auc",)}
    fields |= {"margins": {"pr_auc": 0.01, "balance": 0.1}, "written": {}}
    return Part(id=id, **(fields | changes))


LADDER = part(
    "ladder",
    kind="ladder",
    contrasts=(slope(["bce", "focal", "triplet"], [0, 1, 2], name="triplet over bce, fitted in equal steps"),),
    steps=(versus("focal", "bce"), versus("triplet", "focal")),
)
RARE = part("rare", tags="tail", beyond="head")
EVEN = part("balance", metrics=("balance",))
DECLARED = (
    Hypothesis(id="H1", text="Focal helps", alpha=0.05, parts=(*claim("all", "focal", than="bce").parts, RARE, EVEN)),
    Hypothesis(id="H2", text="The more the better", alpha=0.05, parts=(LADDER,)),
)


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    fake = FakeRun(signals=SIGNALS, hypotheses=DECLARED, n_clips=300, seeds=4)
    return summary_of(fake, tmp_path_factory.mktemp("run"))


def test_every_declared_contrast_has_a_row_then_the_other_arms_then_the_noise(summary):
    told = [(block.title, [row.label for row in block.rows]) for block in forest_blocks(summary)]
    assert [title.split(",")[0] for title, _ in told] == [
        "H1",
        "H2",
        "Exploratory: no hypothesis is about these",
        "Noise: nothing changed",
    ]
    assert [labels for _, labels in told] == [
        ["focal - bce", "focal - bce of tail tags beyond head tags", "focal - bce"],
        ["triplet over bce, fitted in equal steps", "step: focal - bce", "step: triplet - focal"],
        ["other - bce"],
        ["bce, seed - seed"],
    ]


def test_a_row_shows_the_numbers_of_its_claim(summary):
    declared = summary.verdicts[0].parts[0].members[0].claims[1]
    mark = forest_blocks(summary)[0].rows[0].marks["pr_auc"]
    assert mark.value == declared.estimate.value
    assert mark.outer == (declared.lower, declared.upper)
    assert mark.outer[0] <= mark.inner[0] < mark.value < mark.inner[1] <= mark.outer[1]
    assert mark.dots == declared.estimate.per_seed
    assert mark.margin == 0.010
    assert mark.outcome == str(declared.outcome)


def test_balance_is_told_as_a_relative_reduction(summary):
    declared = summary.verdicts[0].parts[2].members[0].claims[0]
    (row,) = forest_blocks(summary, ["balance"])[0].rows
    assert row.marks["balance"].value == pytest.approx(1 - np.exp(-declared.estimate.value))
    assert row.marks["balance"].margin == 0.1


def test_the_noise_is_every_seed_of_the_baseline_less_every_other(summary):
    a, b, c, d = summary.evidence.arms["bce"].sample("roc_auc").values
    dots = forest_blocks(summary)[-1].rows[0].marks["roc_auc"].dots
    assert sorted(dots) == pytest.approx(
        sorted([a - b, b - a, a - c, c - a, a - d, d - a, b - c, c - b, b - d, d - b, c - d, d - c])
    )


def test_lines_bands_and_dots_are_drawn_where_the_numbers_are(summary):
    mark = forest_blocks(summary)[0].rows[0].marks["pr_auc"]
    axes = forest(summary).axes[1]
    drawn = {tuple(np.atleast_1d(line.get_xdata())) for line in axes.lines}
    assert {mark.outer, mark.inner, mark.dots, (mark.value,)} <= drawn
    band = axes.patches[0]
    assert (band.get_x(), band.get_width()) == pytest.approx((-0.010, 0.020))


def test_outcomes_stand_at_the_height_of_their_rows(summary):
    axes = forest(summary).axes[1]
    first = forest_blocks(summary)[0].rows[0].marks["pr_auc"]
    diamonds = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "D"]
    signs = [text for text in axes.texts if text.xy[0] == 1.0 and text.get_text()]
    assert signs[0].get_text() == first.outcome.replace("-", "−")
    assert [text.xy[1] for text in signs] == pytest.approx(diamonds[: len(signs)], abs=0.2)


def test_names_and_titles_are_beside_the_first_panel(summary):
    texts = [text.get_text().replace("\n", " ") for text in forest(summary, DARK).axes[0].texts]
    assert "focal - bce of tail tags beyond head tags" in texts
    assert any(text.startswith("H2, ") and text.endswith(": The more the better") for text in texts)


def test_an_arm_has_its_colour_and_a_contrast_of_several_none(summary):
    ladder, step, _ = forest_blocks(summary)[1].rows
    assert (ladder.arm, step.arm) == ("", "focal")
    axes = forest(summary, LIGHT).axes[1]
    colours = [line.get_color() for line in axes.lines if line.get_marker() == "D"]
    assert colours[2:4] == [LIGHT.ink, LIGHT.line(1)["color"]]


def test_balance_is_a_picture_of_its_own(summary):
    *pictures, text = forest_parts(summary)
    assert [picture.name for picture in pictures] == ["forest", "forest_balance"]
    assert text.lines == (NOTE, BALANCE)


def test_with_one_seed_there_is_the_interval_of_the_models_and_no_noise(tmp_path):
    summary = summary_of(FakeRun(signals={"bce": 1.0, "focal": 1.2}, seeds=1, n_clips=200), tmp_path)
    (block,) = forest_blocks(summary)
    mark = block.rows[0].marks["roc_auc"]
    assert np.isinf(mark.outer).all()
    assert mark.models == summary.verdicts[0].parts[0].members[0].claims[0].estimate.model_interval(0.05)
    assert "these models" in [text.get_text() for text in forest(summary).legends[0].get_texts()]


def test_nothing_to_compare_is_no_picture(tmp_path):
    lost = {("focal", k): State.FAILED for k in range(2)}
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.2}, seeds=2, n_clips=100, lost=lost)
    study = dataclasses.replace(fake.study(), hypotheses=())
    fake.write(tmp_path, study)
    assert forest(summarize(gather(tmp_path, study))) is None

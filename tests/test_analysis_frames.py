"""Every table and every figure as one function: what a notebook calls."""

import inspect
import re

import pandas as pd
import pytest
from matplotlib.figure import Figure

import analysis
from analysis import frames, plots
from analysis.rundata import gather
from analysis.search import tuning
from analysis.summary import summarize
from tagsearch.errors import AnalysisError
from tagsearch.records import State
from tests.fake_run import FakeRun

FAKE = FakeRun(signals={"bce": 1.0, "focal": 1.5}, n_clips=90, n_artists=20, seeds=2, samplers={"focal": "power"})
OF_AN_ARM = ("tags", "tags_beside", "tag_differences", "tag_groups")
HELPERS = ("run_of", "summary_of")


def offered(module) -> dict:
    functions = inspect.getmembers(module, inspect.isfunction)
    own = {name: function for name, function in functions if function.__module__ == module.__name__}
    return {name: one for name, one in own.items() if not name.startswith("_") and name not in HELPERS}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    fake = FAKE
    return gather(folder, fake.write(folder))


@pytest.fixture(scope="module")
def summary(run):
    return summarize(run)


@pytest.mark.parametrize("name", sorted(set(offered(frames)) - {"labels"}))
def test_every_table_is_a_frame_with_the_columns_that_its_docstring_names(name, summary):
    arguments = ("focal",) if name in OF_AN_ARM else ()
    frame = offered(frames)[name](summary, *arguments)
    assert isinstance(frame, pd.DataFrame)
    told = {*re.findall(r"\w+", offered(frames)[name].__doc__), *(one.name for one in tuning.tunables(FAKE.study()))}
    own = [column for column in frame.columns if column not in told]
    stems, ends = ("roc_", "pr_", "tail_", "mid_", "head_", "train/", "valid/"), ("_sd", "_mean", "_at_k")
    assert [column for column in own if not column.startswith(stems) and not column.endswith(ends)] == []


@pytest.mark.parametrize("name", sorted(set(offered(plots)) - {"parallel_coordinates", "interaction"}))
def test_every_figure_is_drawn(name, summary):
    arguments = ("focal",) if name in OF_AN_ARM else ()
    figure = offered(plots)[name](summary, *arguments)
    assert isinstance(figure, Figure)
    assert any(axes.has_data() for axes in figure.axes)


@pytest.mark.parametrize("module", [frames, plots])
def test_all_that_is_offered_is_listed_by_the_package(module):
    listed = set(re.findall(r"\w+", analysis.__doc__))
    assert set(offered(module)) <= listed


def test_a_run_is_taken_as_loaded_or_summarised(run, summary):
    pd.testing.assert_frame_equal(frames.comparison(run), frames.comparison(summary))
    assert len(frames.trials(run)) == len(frames.trials(summary)) == 10


def test_the_verdicts_are_a_row_a_claim(summary):
    assert list(frames.verdicts(summary)["outcome"]) == [
        str(claim.outcome) for one in summary.verdicts for claim in one.parts[0].members[0].claims
    ]


def test_the_label_analysis_is_the_corpus_s(run):
    assert list(frames.labels(run).counts["tag"]) == list(run.corpus.tags)


def test_an_arm_that_is_not_there_is_named_with_those_that_are(run):
    with pytest.raises(AnalysisError, match="there is no arm 'focul'; the run has bce, focal"):
        frames.tags(run, "focul")
    with pytest.raises(AnalysisError, match="there is no arm 'focul'; the run has bce, focal"):
        frames.tag_differences(run, "focal", than="focul")
    with pytest.raises(AnalysisError, match="there is no arm 'focul'; the run has bce, focal"):
        plots.tags_beside(run, "focul")


def test_a_rival_other_than_the_baseline_can_be_named(run):
    assert {*frames.tag_groups(run, "bce", than="focal")["than"]} == {"focal"}


def test_where_there_is_nothing_to_draw_it_says_why(tmp_path, run):
    with pytest.raises(AnalysisError, match="nothing to draw: no arm has two tunables"):
        plots.parallel_coordinates(run)
    lost = {(arm, k): State.PENDING for arm in FAKE.signals for k in range(2)}
    begun = FakeRun(signals=FAKE.signals, n_clips=90, n_artists=20, seeds=2, lost=lost)
    begun_run = gather(tmp_path, begun.write(tmp_path))
    with pytest.raises(AnalysisError, match="nothing to draw: no confirm trial has completed"):
        plots.tag_counts(begun_run)
    with pytest.raises(AnalysisError, match="nothing to draw: no two arms have completed trials"):
        plots.forest(begun_run)


def test_the_tune_phase_of_several_runs_is_drawn_run_by_run(tmp_path, run):
    other = gather(tmp_path, FAKE.write(tmp_path))
    with pytest.raises(AnalysisError, match=r"draw one of run\.pooled\.runs"):
        plots.slices(analysis.combine([run, other]))

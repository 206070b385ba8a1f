import pandas as pd
import pytest

from analysis.rundata import gather
from analysis.search.flow import flow, flow_grid
from analysis.verdict.evidence import collect
from tagsearch.records import State
from tests.fake_run import FakeRun
from tests.fake_tune import Tried, diverged, tuned_run

TRIED = [
    Tried(value=0.3),
    Tried(value=0.2, epochs=3),
    Tried(value=0.1, state=State.STOPPED, epochs=1),
    diverged(),
    Tried(state=State.FAILED),
    Tried(state=State.RUNNING),
]


def of(run):
    return flow(run, collect(run)).set_index("arm")


def test_every_configuration_is_counted_once(tmp_path):
    row = of(tuned_run(tmp_path, {"bce": TRIED})).loc["bce"]
    counts = ["proposed", "stopped", "diverged", "failed", "unended", "finished", "full_length", "chosen"]
    assert row[counts].tolist() == [6, 1, 1, 1, 1, 2, 1, 1]
    assert row["proposed"] == row[["stopped", "diverged", "failed", "unended", "finished"]].sum()


def test_every_planned_seed_is_analysed_or_lost_for_a_reason(tmp_path):
    lost = {("focal", 0): State.DIVERGED, ("focal", 1): State.FAILED, ("focal", 2): State.PENDING}
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.2}, n_clips=60, lost=lost)
    frame = of(gather(tmp_path, fake.write(tmp_path)))
    steps = ["planned", "confirm_diverged", "confirm_failed", "confirm_unended", "analysed", "unplanned"]
    assert frame.loc["bce", steps].tolist() == [5, 0, 0, 0, 5, 0]
    assert frame.loc["focal", steps].tolist() == [5, 1, 1, 1, 2, 0]


def test_a_study_that_tunes_nothing_has_no_steps_of_tuning(tmp_path):
    run = tuned_run(tmp_path, {"bce": [], "focal": []}, tune=None)
    frame = flow(run, collect(run))
    assert frame[["proposed", "finished", "chosen"]].isna().all(axis=None)
    assert [row[0] for row in flow_grid(frame).rows] == ["confirm seeds planned", "analysed on the test split"]


def test_a_pure_search_and_its_winners_have_their_own_columns(tmp_path):
    run = tuned_run(tmp_path, {"search": TRIED[:3]}, design="search")
    frame = of(run)
    assert list(frame.index) == ["search", "search-1"]
    assert frame.loc["search", ["proposed", "chosen"]].tolist() == [3, 1]
    assert pd.isna(frame.loc["search-1", "proposed"])


@pytest.mark.parametrize(("tried", "is_told"), [(TRIED, True), (TRIED[:1], False)])
def test_losses_are_told_where_there_are_any(tmp_path, tried, is_told):
    run = tuned_run(tmp_path, {"bce": tried})
    grid = flow_grid(flow(run, collect(run)))
    assert ("– diverged" in [row[0] for row in grid.rows]) == is_told
    assert grid.head == ("", "bce")
    assert ("finished", str(2 if is_told else 1)) in grid.rows

import numpy as np
import pytest

from analysis.arms.draws_table import drawn, draws_grid, rate_ratios
from analysis.rundata import gather
from tagsearch.records import Draws, write_draws
from tests.fake_run import FakeRun

FAKE = FakeRun(
    signals={"shuffle": 1.0, "even": 1.0},
    samplers={"shuffle": "shuffle", "even": "tag_uniform"},
    n_clips=60,
    n_artists=10,
    seeds=2,
)


def test_a_rate_ratio_by_hand():
    # 4 clips, tag a on 2 of them, b on 1, c on none; 8 draws: a came with 2, b with 6
    draws = Draws(clips=np.array([1, 1, 6, 0], np.int32), tags=np.array([2, 6, 0]))
    ratios = rate_ratios(draws, np.array([2, 1, 0]))
    assert ratios[:2].tolist() == [(2 / 8) / (2 / 4), (6 / 8) / (1 / 4)]
    assert np.isnan(ratios[2])


def test_the_draws_of_an_arm_with_another_sampler_are_told(tmp_path):
    run = gather(tmp_path, FAKE.write(tmp_path))
    rows = run.corpus.rows("train")
    clips = np.ones(len(rows), np.int64)
    clips[0], clips[1] = 8, 0
    for trial in run.confirm:
        write_draws(trial.folder, clips, run.corpus.labels[rows])
    frame = drawn(run)
    assert frame["arm"].tolist() == ["even"]
    assert frame["sampler"].tolist() == ["tag_uniform"]
    assert frame["repeated"].tolist() == [8 / 4]  # in four epochs
    assert frame["never"].tolist() == [pytest.approx(1 / len(rows))]
    counts, totals = run.corpus.train_counts, clips @ run.corpus.labels[rows]  # of six tags the rarest three are tail
    tail = np.mean([(totals[t] / clips.sum()) / (counts[t] / len(rows)) for t in np.argsort(counts)[:3]])
    assert frame["tail"].tolist() == [pytest.approx(tail)]
    told = draws_grid(frame).rows[0]
    assert told[5:] == ("2.0", f"{1 / len(rows):.1%}")


def test_draws_that_were_not_recorded_are_told_so(tmp_path):
    grid = draws_grid(drawn(gather(tmp_path, FAKE.write(tmp_path))))
    assert grid.rows == (("even", "tag_uniform", "-", "-", "-", "-", "-"),)


def test_arms_with_the_baselines_sampler_have_no_row(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.0}, n_clips=30, n_artists=6, seeds=1)
    assert drawn(gather(tmp_path, fake.write(tmp_path))).empty

"""Epochs that leave one clip over, and corpora of one: networks whose batch norm has one value a clip."""

from pathlib import Path

import pytest

from tagsearch.errors import CorpusError
from tagsearch.training.loop import run_trial
from tests.fake_trial_setup import make_settings, make_spec


@pytest.mark.parametrize("batch_size", [2, 4])
def test_an_epoch_that_leaves_one_clip_over_trains_on_it_with_the_batch_before(batch_size: int, tmp_path: Path) -> None:
    spec = make_spec(phase="tune", model="musicnn", epochs=1, batch_size=batch_size)
    (row,) = run_trial(spec, make_settings(tmp_path, n_train=9), tmp_path / "trial")
    assert row["clips_drawn"] == 9


def test_single_clips_train_a_network_that_bears_them(tmp_path: Path) -> None:
    spec = make_spec(phase="tune", model="cnn1d", epochs=1, batch_size=1)
    (row,) = run_trial(spec, make_settings(tmp_path, n_train=3), tmp_path / "trial")
    assert row["clips_drawn"] == 3


def test_a_corpus_with_fewer_training_clips_than_a_batch_needs_is_refused(tmp_path: Path) -> None:
    spec, settings = make_spec(model="musicnn"), make_settings(tmp_path, n_train=1)
    message = r"^model musicnn trains on at least 2 clips at once, and corpus \w+ has 1 to train on; choose another"
    with pytest.raises(CorpusError, match=message):
        list(run_trial(spec, settings, tmp_path / "trial"))

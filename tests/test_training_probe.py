"""The probe: a real trial on random features, in a process of its own."""

import dataclasses

import pytest

from tagsearch.errors import RunFailedError
from tagsearch.registry import CorpusSize
from tagsearch.study.settings import defaults
from tagsearch.training.probe import probe

SIZE = CorpusSize(train=64, valid=8, test=8, clip_seconds=8.0, n_tags=5)
CONFIG = {**defaults(), "model.width": 4, "batch_size": 4}


def test_a_configuration_is_trained_for_real_and_its_time_and_memory_come_back() -> None:
    said: list[str] = []
    found = probe({"small": CONFIG}, size=SIZE, device="cpu", repeat_short=False, say=said.append)
    assert said == ["probing 1 of 1: cnn1d, batches of 4, on cpu"]
    small = found["small"]
    assert 0 < small.seconds_per_chunk < small.seconds_per_step < 10
    assert 10**8 < small.peak_bytes < small.total_bytes  # torch alone takes more
    assert (small.device, small.on_gpu) == ("cpu", False)


def test_a_configuration_that_cannot_be_trained_is_named_in_a_line() -> None:
    short = dataclasses.replace(SIZE, clip_seconds=1.0)
    message = r"^the probe of model cnn1d with 4 clips failed: .*shorter"
    with pytest.raises(RunFailedError, match=message) as failed:
        probe({"short": CONFIG}, size=short, device="cpu", repeat_short=False, say=print)
    assert "\n" not in str(failed.value)

"""How many trials run at once, and where: this machine, a cluster, a cluster that is yet to grow."""

import pytest

from tagsearch.errors import UsageError
from tagsearch.search.run import Options, trials_at_once
from tagsearch.training.devices import place


def test_this_machine_is_filled() -> None:
    assert trials_at_once(Options(), fitting=8) == 8


def test_this_machine_holds_no_more_than_it_has() -> None:
    assert trials_at_once(Options(max_concurrent=2), fitting=8) == 2
    assert trials_at_once(Options(max_concurrent=16), fitting=8) == 8


def test_a_cluster_is_asked_for_what_it_does_not_have_yet() -> None:
    assert trials_at_once(Options(address="auto", max_concurrent=16), fitting=0) == 16


def test_an_empty_cluster_is_refused_unless_it_is_said_to_grow() -> None:
    with pytest.raises(UsageError, match=r"not one trial fits: .* --max-concurrent N"):
        trials_at_once(Options(address="auto"), fitting=0)


def test_an_empty_machine_cannot_grow() -> None:
    with pytest.raises(UsageError, match=r"less than 2 of a GPU$"):
        trials_at_once(Options(max_concurrent=4, gpus_per_trial=2.0), fitting=0)


def test_a_share_of_a_gpu_is_the_clusters_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert place(0.25, on_cluster=True) == ("cuda", 0.25)
    assert place(None, on_cluster=True) == ("cpu", 0.0)
    with pytest.raises(UsageError, match=r"--gpus-per-trial 0.25: torch finds no GPU"):
        place(0.25)

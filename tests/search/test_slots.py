"""How many trials run at once, and where: this machine, a cluster, a cluster that is yet to grow."""

import pytest

from tagsearch.errors import UsageError
from tagsearch.search.placement import Machine
from tagsearch.search.run import Options, trials_at_once
from tagsearch.training.devices import place

HERE = [Machine(name="here", n_cpus=8, n_gpus=0)]
HEAD = [Machine(name="head", n_cpus=0, n_gpus=0)]


def test_this_machine_is_filled() -> None:
    assert trials_at_once(Options(), HERE, all_known=True) == 8


def test_this_machine_holds_no_more_than_it_has() -> None:
    assert trials_at_once(Options(max_concurrent=2), HERE, all_known=True) == 2
    assert trials_at_once(Options(max_concurrent=16), HERE, all_known=True) == 8


def test_a_cluster_that_may_grow_is_asked_for_what_it_does_not_have_yet() -> None:
    assert trials_at_once(Options(address="auto", max_concurrent=16), HEAD, all_known=False) == 16


def test_an_empty_cluster_is_refused_unless_it_is_said_to_grow() -> None:
    with pytest.raises(UsageError, match="a trial needs 1 CPU of one machine"):
        trials_at_once(Options(address="auto"), HEAD, all_known=False)


def test_what_no_machine_of_a_known_cluster_holds_is_refused_however_many_are_asked_for() -> None:
    with pytest.raises(UsageError, match="a trial needs 1 CPU and 2 GPUs of one machine"):
        trials_at_once(Options(max_concurrent=4, gpus_per_trial=2.0), HERE, all_known=True)


def test_a_share_of_a_gpu_is_the_clusters_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert place(0.25, cluster_has_gpus=False) == ("cuda", 0.25)
    assert place(None, cluster_has_gpus=False) == ("cpu", 0.0)
    assert place(None, cluster_has_gpus=True) == ("cuda", 0.25)
    with pytest.raises(UsageError, match=r"--gpus-per-trial 0.25: torch finds no GPU"):
        place(0.25)

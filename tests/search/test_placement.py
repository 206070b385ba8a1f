"""How many trials machines hold, and when not one can ever be placed."""

from pathlib import Path

import pytest

from tagsearch.errors import UsageError
from tagsearch.search.placement import Machine, n_slots
from tagsearch.search.ray_session import startable

BIG = Machine(name="big", n_cpus=16, n_gpus=1)
HEAD = Machine(name="head", n_cpus=0, n_gpus=0)


@pytest.mark.parametrize(
    ("machines", "gpus_per_trial", "expected"),
    [
        ([Machine(name="a", n_cpus=2, n_gpus=0)], 0.0, 2),
        ([BIG], 0.25, 4),
        ([BIG], 0.2, 5),
        ([Machine(name="a", n_cpus=2, n_gpus=1)], 0.25, 2),  # a CPU each
        ([Machine(name="a", n_cpus=16, n_gpus=2)], 0.4, 4),  # two to a GPU: what is left of two GPUs is no fifth
        ([Machine(name="a", n_cpus=16, n_gpus=4)], 2, 2),
        ([BIG, BIG, HEAD], 1, 2),
        ([HEAD, Machine(name="worker", n_cpus=8, n_gpus=1, n=4)], 0.5, 8),
    ],
)
def test_trials_at_a_time_are_counted_machine_by_machine(
    machines: list[Machine], gpus_per_trial: float, expected: int
) -> None:
    assert n_slots(machines, gpus_per_trial=gpus_per_trial) == expected


@pytest.mark.parametrize(
    ("machines", "gpus_per_trial", "message"),
    [
        ([BIG, BIG], 2, r"1 CPU and 2 GPUs of one machine, and there is at best big of 2 with 16 CPUs, 1 GPU; lower"),
        ([HEAD], 0.0, r"needs 1 CPU of one machine, and there is head with 0 CPUs, no GPU; add a machine"),
        ([], 0.0, "there is no machine"),
        ([BIG], 1.5, "must be whole, not 1.5"),
    ],
)
def test_what_can_never_be_placed_is_refused_in_a_line(
    machines: list[Machine], gpus_per_trial: float, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        n_slots(machines, gpus_per_trial=gpus_per_trial)
    assert "\n" not in str(refused.value)


CLUSTER = """\
max_workers: 4
head_node_type: head
available_node_types:
  head: {resources: {CPU: 0}}
  gpu_worker: {max_workers: 8, resources: {CPU: 8, GPU: 1}}
"""


def test_workers_that_a_cluster_would_start_count_up_to_its_limit(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(CLUSTER)
    (worker,) = startable(file, n_there=1)
    assert (worker.name, worker.n_gpus, worker.n, worker.node_id) == ("gpu_worker", 1, 4, "")
    assert n_slots([HEAD, worker], gpus_per_trial=0.25) == 16
    assert [machine.n for machine in startable(file, n_there=3)] == [2]
    assert startable(file, n_there=5) == []

"""What a plan goes by on the command line."""

from pathlib import Path
from typing import Any

import pytest

from tagsearch.cli import main
from tagsearch.cli.planning import measure, print_plan
from tagsearch.errors import UsageError
from tagsearch.search import ray_session
from tagsearch.search.placement import Machine
from tagsearch.study import overrides
from tagsearch.study.parse import read_study
from tagsearch.study.shipped import shipped_studies
from tagsearch.training import devices, probe


def test_on_a_clusters_head_without_a_gpu_the_probe_measures_on_its_cpu(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    used: list[Any] = []
    monkeypatch.setattr(overrides, "has_gpu", lambda: False)
    monkeypatch.setattr(devices.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(probe, "probe", lambda *study, device, **how: used.append(device))
    study = read_study(shipped_studies()["smoke"], profile="gpu")
    measure(study, 0.25, address="auto")
    assert used == ["cpu"]
    assert "warning: this machine of the cluster has no GPU" in capsys.readouterr().err
    with pytest.raises(UsageError, match=r"--gpus-per-trial 0\.25: torch finds no GPU on this machine"):
        measure(study, 0.25, address="local")


@pytest.mark.parametrize(
    ("machines", "max_concurrent", "n_slots"),
    [
        ([Machine(name="head", n_cpus=2, n_gpus=0), Machine(name="worker", n_cpus=16, n_gpus=1, n=3)], None, 12),
        ([Machine(name="head", n_cpus=2, n_gpus=0), Machine(name="worker", n_cpus=16, n_gpus=1, n=3)], 5, 5),
        ([Machine(name="node", n_cpus=8, n_gpus=0, n=4)], None, 32),
    ],
)
def test_a_plan_goes_by_the_machines_of_the_cluster(
    machines: list[Machine], max_concurrent: int | None, n_slots: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overrides, "has_gpu", lambda: pytest.fail("asked for this machine's"))
    study = read_study(shipped_studies()["smoke"], profile="cpu")
    asked: dict[str, Any] = {"gpus_per_trial": None, "storage": tmp_path, "measured": {}, "source": None}
    made = print_plan(study, max_concurrent=max_concurrent, machines=machines, **asked)
    assert made.n_slots == n_slots
    monkeypatch.setattr(overrides, "has_gpu", lambda: False)
    here = print_plan(study, max_concurrent=n_slots, **asked)
    assert (made.seconds < here.seconds) == any(machine.n_gpus for machine in machines)


def test_a_run_on_a_cluster_looks_at_its_machines_before_it_plans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    joined: list[str] = []

    def machines_of(address: str) -> list[Machine]:
        joined.append(address)
        return [Machine(name="node", n_cpus=8, n_gpus=0, n=4)]

    monkeypatch.setattr(ray_session, "machines_of", machines_of)
    monkeypatch.setattr("sys.argv", ["tagsearch", "run", "smoke", "--profile", "cpu", "--address", "auto", "--dry-run"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert joined == ["auto"]
    assert "with 32 trials at a time" in capsys.readouterr().out

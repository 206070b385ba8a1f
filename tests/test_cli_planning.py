"""What a plan goes by on the command line."""

from typing import Any

import pytest

from tagsearch.cli.planning import measure
from tagsearch.errors import UsageError
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

"""The actor of trials, called as Ray calls it."""

import time
from pathlib import Path

import pytest

from tagsearch.errors import StorageUnseenError
from tagsearch.search import trainable
from tagsearch.search.trainable import TrialActor
from tests.fake_trial import TRAIN, specs, tiny_study


def config_of(folder: Path) -> dict[str, object]:
    (spec,) = specs(tiny_study(), 1, epochs=2)
    return {
        "name": folder.name,
        "folder": str(folder),
        "spec": vars(spec),
        "function": TRAIN,
        "settings": {},
        "epoch_limit_s": None,
    }


def test_a_machine_that_does_not_see_the_storage_says_so_when_it_has_waited_for_the_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(trainable, "_MOUNT_WAIT_S", 0.2)
    monkeypatch.setattr(trainable.platform, "node", lambda: "worker-7")
    monkeypatch.setattr(time, "sleep", waited.append)
    actor = TrialActor(config_of(tmp_path / "storage" / "run" / "confirm" / "trial"))
    assert waited
    with pytest.raises(StorageUnseenError, match=rf"^machine worker-7 does not see {tmp_path}/storage; mount it there"):
        actor.step()


def test_a_machine_that_is_mounted_while_it_waits_runs_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "storage" / "run" / "confirm" / "trial"
    monkeypatch.setattr(time, "sleep", lambda seconds: folder.mkdir(parents=True, exist_ok=True))
    actor = TrialActor(config_of(folder))
    assert actor.step()["epoch"] == 1

"""A search on Ray's fake GPU nodes: none at first, as many as the trials ask for, none again afterwards.

Ends every Ray that it can see; loopback.py runs it where that is none. The trials train nothing.
"""

import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray
import yaml
from ray.cluster_utils import AutoscalingCluster

from tagsearch.files import write_json
from tagsearch.records import TrialSpec, read_trials
from tagsearch.search.observers import Observer
from tagsearch.search.run import Options, execute
from tests.fake_trial import TRAIN, tiny_study

GPU_WORKER = {"resources": {"CPU": 4, "GPU": 1}, "node_config": {}, "min_workers": 0, "max_workers": 2}
IDLE_MINUTES = 0.1
GONE_WITHIN_S = 60
# Ray's own file for these clusters, which its wheel leaves out
EXAMPLE = {
    "cluster_name": "fake_multinode",
    "max_workers": 8,
    "provider": {"type": "fake_multinode", "head_node_id": "f" * 51 + "00000"},
    "auth": {},
    "docker": {},
    "available_node_types": {},
    "head_node_type": "ray.head.default",
    **dict.fromkeys(("initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands"), ()),
    **dict.fromkeys(("head_start_ray_commands", "worker_start_ray_commands", "cluster_synced_files"), ()),
    **dict.fromkeys(("rsync_exclude", "rsync_filter"), ()),
    "file_mounts": {},
    "file_mounts_sync_continuously": False,
}


class Growth(Observer):
    """How many GPUs the cluster has at each epoch of each trial."""

    def __init__(self) -> None:
        self.n_gpus: list[int] = []

    def epoch_done(self, spec: TrialSpec, row: Mapping[str, float]) -> None:
        self.n_gpus.append(n_gpus())


def main() -> None:
    example = Path(ray.__file__).parent / "autoscaler/_private/fake_multi_node/example.yaml"
    plain: dict[str, Any] = {name: list(value) if value == () else value for name, value in EXAMPLE.items()}
    example.write_text(yaml.safe_dump(plain))
    cluster = AutoscalingCluster(
        head_resources={"CPU": 0}, worker_node_types={"gpu": GPU_WORKER}, autoscaler_v2=True,
        idle_timeout_minutes=IDLE_MINUTES,
    )  # fmt: skip
    described = Path.home() / "ray_bootstrap_config.yaml"  # where `ray up` leaves it, and the search looks for machines
    assert not described.exists(), "a cluster that `ray up` made is here"
    cluster.start()
    folder = Path(tempfile.mkdtemp())
    try:
        described.write_text(yaml.safe_dump(cluster._config))
        print(f"GPUs before the run: {gpus_now()}", flush=True)
        assert gpus_now() == 0, "the cluster did not start empty"
        search(folder)
        print(f"GPUs after the run: {gpus_after(GONE_WITHIN_S)}", flush=True)
    finally:
        cluster.shutdown()
        described.unlink(missing_ok=True)
        shutil.rmtree(folder)


def search(folder: Path) -> None:
    """Two phases of trials that ask for half a GPU each."""
    write_json(folder / "fake.json", {"seconds": 0.5})
    growth = Growth()
    options = Options(address="auto", gpus_per_trial=0.5, train=TRAIN)
    execute(tiny_study(), folder, {"cnn1d": folder}, options=options, device="cuda", observers=[growth])
    ended = [trial.state for phase in ("tune", "confirm") for trial in read_trials(folder, phase)]  # type: ignore[arg-type]
    print(f"GPUs at the epochs of the run: {growth.n_gpus[0]} to {max(growth.n_gpus)}; {len(ended)} trials", flush=True)
    assert max(growth.n_gpus) == 2, "it did not grow to two workers"
    assert len(ended) == 2 * 4 + 2 * 3, "trials are missing"


def gpus_after(seconds: float) -> int:
    """Of a cluster that nobody needs any more; fails if some are left after `seconds`."""
    deadline = time.monotonic() + seconds
    while (left := gpus_now()) and time.monotonic() < deadline:
        time.sleep(2)
    assert left == 0, f"{left} idle GPUs are kept"
    return left


def gpus_now() -> int:
    ray.init(address="auto", log_to_driver=False, logging_level="ERROR")
    try:
        return n_gpus()
    finally:
        ray.shutdown()


def n_gpus() -> int:
    return int(ray.cluster_resources().get("GPU", 0))


if __name__ == "__main__":
    main()

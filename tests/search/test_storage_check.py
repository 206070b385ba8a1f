"""The storage as each machine of a cluster sees it: two Rays on this machine, one of which has another disk there."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = {**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}
HEAD = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
CHECK = """
import sys
from pathlib import Path
from tagsearch.errors import UsageError
from tagsearch.search.ray_session import machines, ray_session
from tagsearch.search.storage_check import check_nodes
with ray_session(address=sys.argv[1]):
    there = machines(address=sys.argv[1])
    try:
        check_nodes(there, Path(sys.argv[2]), needed=[Path(name) for name in sys.argv[3:]])
        answer = "fine"
    except UsageError as error:
        answer = str(error)
print(len(there), answer)
"""


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]


@pytest.fixture(scope="module")
def head() -> Iterator[str]:
    """The address of a Ray without CPUs."""
    process = subprocess.Popen(
        python(HEAD),
        env=ENVIRONMENT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    yield next(line.strip() for line in lines if line.startswith(("127.", "10.", "172.", "192.")))
    process.communicate(timeout=60)


def check(head: str, storage: Path, *needed: Path) -> str:
    """Number of machines and what is wrong."""
    done = subprocess.run(
        python(CHECK, head, storage, *needed), env=ENVIRONMENT, text=True, capture_output=True, timeout=200, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared") / "storage"
    folder.mkdir()
    (folder / "corpus.npz").write_bytes(b"labels")
    return folder


@pytest.fixture(scope="module")  # asked for by the later tests only
def other_disk(head: str, storage: Path) -> Iterator[Path]:
    """Joins a second machine that has an empty disk of its own where the first has the storage."""
    able = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], capture_output=True)
    if able.returncode:
        pytest.skip("no private mounts here (unshare)")
    ray = shutil.which("ray", path=str(Path(sys.executable).parent))
    inside = f"mount -t tmpfs none {storage} && exec {ray} start --address={head} --num-cpus=1 --block"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", inside]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while check(head, storage.parent).startswith("1"):
        assert time.monotonic() < deadline
    yield storage
    process.terminate()
    process.wait(timeout=60)


def test_a_storage_that_all_machines_see_is_fine_and_nothing_is_left_in_it(head: str, storage: Path) -> None:
    assert check(head, storage, storage / "corpus.npz") == "1 fine"
    assert [path.name for path in storage.iterdir()] == ["corpus.npz"]


def test_doctor_tells_of_every_machine_and_that_none_can_hold_a_trial(head: str, storage: Path) -> None:
    command = [sys.executable, "-m", "tagsearch", "doctor", "--address", head, "--storage-path", str(storage)]
    done = subprocess.run(command, env=ENVIRONMENT, text=True, capture_output=True, timeout=200)
    assert done.returncode == 1, done.stdout + done.stderr
    (machine,) = (line for line in done.stdout.splitlines() if line.split()[1] == "machine")
    assert machine.startswith("ok")
    assert "0 CPUs, no GPU" in machine
    assert machine.endswith("; storage written and read back")
    assert "needs 1 CPU of one machine" in done.stdout


def test_a_machine_with_another_disk_is_named_with_the_path(head: str, other_disk: Path) -> None:
    answer = check(head, other_disk)
    assert answer.startswith("2 machine ")
    assert f"cannot read in {other_disk} what the driver wrote: No such file or directory; mount the same" in answer


def test_a_machine_without_the_corpus_is_named_with_the_file(head: str, other_disk: Path) -> None:
    answer = check(head, other_disk.parent, other_disk / "corpus.npz")
    assert f"cannot read {other_disk / 'corpus.npz'}, a part of the corpus or its features" in answer

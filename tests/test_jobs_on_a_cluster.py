"""Jobs on a real cluster of one machine, with tokens: submit, follow, stop, resume. A minute or two.

Other Rays may live on the host: ports are chosen free, temporary files lie apart, and what was started is ended by its
own process (`ray stop` would end them all).
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tagsearch.records import State, read_trials

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(find_spec("aiohttp") is None, reason="jobs need ray[default]: pip install -e '.[cluster]'"),
]
ROOT = Path(__file__).parent.parent
STUDY = """\
study: mine
data: {corpus: builtin, size: small}
base: {model: cnn1d, model.width: 4}
factors: {loss: [bce, focal]}
confirm: {seeds: 2}
"""
Tagsearch = Callable[..., subprocess.CompletedProcess[str]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    extra = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4, "PYTHONPATH": str(ROOT)}
    return clean | extra | {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def address(environment: dict[str, str]) -> Iterator[str]:
    """Of the dashboard of a head that accepts jobs."""
    folder = tempfile.mkdtemp(prefix="ts-ray-", dir="/tmp")  # Ray's sockets need a short path
    names = ("port", "dashboard-port", "dashboard-agent-listen-port", "ray-client-server-port")
    ports = {name: free_port() for name in names}
    head = subprocess.Popen(
        [
            *(str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus=2", "--num-gpus=0"),
            *("--object-store-memory=100000000", "--dashboard-host=127.0.0.1", f"--temp-dir={folder}"),
            *(f"--{name}={port}" for name, port in ports.items()),
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until(lambda: _accepts(ports["dashboard-port"]), while_alive=head, seconds=180)
        yield f"http://127.0.0.1:{ports['dashboard-port']}"
    finally:
        head.send_signal(signal.SIGTERM)  # it ends what it started
        head.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until(met: Callable[[], bool], *, while_alive: subprocess.Popen[str], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert while_alive.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.fixture
def tagsearch(environment: dict[str, str], address: str, tmp_path: Path) -> Tagsearch:
    def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tagsearch", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env={**environment, "RAY_ADDRESS": address, **extra}, capture_output=True, text=True
        )

    (tmp_path / "mine.yaml").write_text(STUDY)
    return run


def test_a_job_is_followed_stopped_and_resumed_and_loses_no_finished_trial(
    tagsearch: Tagsearch, environment: dict[str, str], address: str, tmp_path: Path
) -> None:
    storage = tmp_path / "shared"
    place = ("--storage-path", str(storage), "--python", sys.executable)
    submitted = tagsearch("submit", "mine.yaml", "epochs=40", *place, "--name", "first", SECRET="hunter2")
    assert submitted.returncode == 0, submitted.stderr
    twin = tagsearch("submit", "mine.yaml", "epochs=40", *place, "--name", "first")
    assert (twin.returncode, twin.stderr) == (2, f"error: a job 'first' exists at {address}; choose another --name\n")

    follow = [sys.executable, "-m", "tagsearch", "logs", "first", "-f", "--address", address]
    watcher = subprocess.Popen(follow, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    run = storage / "first"
    _wait_until(lambda: bool(list(run.glob("confirm/*/record.json"))), while_alive=watcher, seconds=240)
    stopped = tagsearch("stop", "first")
    assert stopped.returncode == 0, stopped.stderr
    assert "first: stopped; go on with `tagsearch submit --resume first`" in stopped.stdout
    output, _ = watcher.communicate(timeout=60)
    assert watcher.returncode == 4
    assert "stopped by SIGTERM: " in output  # the run itself said so: it had the time to
    assert "hunter2" not in output

    kept = {path: path.read_bytes() for path in run.glob("confirm/*/record.json")}
    assert 1 <= len(kept) < 4
    assert "interrupted" in tagsearch("status", "first", "--storage-path", str(storage)).stdout
    resumed = tagsearch("submit", "--resume", "first", "--python", sys.executable, "--wait")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "Comparison on the test split" in resumed.stdout
    assert [trial.state for trial in read_trials(run, "confirm")] == [State.COMPLETED] * 4
    assert {path: path.read_bytes() for path in kept} == kept
    assert (run / "study.yaml").read_text() == STUDY
    assert "--address" in json.loads((run / "environment.json").read_text())["command"]
    lines = tagsearch("jobs").stdout.splitlines()
    assert [(line.split()[0], line.split()[-1]) for line in lines] == [("first", "stopped"), ("first-resumed", "done")]


def test_what_the_run_refuses_on_the_cluster_is_the_jobs_exit_code(tagsearch: Tagsearch, tmp_path: Path) -> None:
    place = ("--storage-path", str(tmp_path), "--python", sys.executable)
    done = tagsearch("submit", "mine.yaml", "--data", "mtat=/no/such/folder", *place, "--name", "refused", "--wait")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "/no/such/folder" in done.stdout
    assert done.stderr == "refused: refused\n"


def test_without_the_clusters_token_one_line_says_so(tagsearch: Tagsearch) -> None:
    done = tagsearch("jobs", RAY_AUTH_TOKEN="f" * 64)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no Ray cluster takes jobs at ")
    assert len(done.stderr.splitlines()) == 1

"""`ray up`, `ray submit`, `ray exec`, `ray rsync-down` and `ray down` for real, on one machine.

    python tests/cluster/loopback.py

What stands in cluster-onpremise.yaml is run as it stands, the installation included; only addresses, user and key are
filled in, and the way to the head is an SSH server without a port. Then a search on fake GPU nodes (autoscaling.py).
Takes about two minutes on two idle cores; exits with 0 and one line where it cannot run.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import machines
from machines import ADDRESSES, ROOT
from ruamel.yaml import YAML

WORKERS_END_WITHIN_S = 120
STRANGERS_GIVE_UP_WITHIN_S = 120
CLUSTER_NAME = "tagsearch-loopback"
STUDY = "smoke.yaml data.size=small base.epochs=4 tune.trials_per_arm=1 confirm.seeds=2"
RUN = "tagsearch run {study} --address auto --storage-path /mnt/tagsearch/runs --name tiny -q -y"
VISIT = "import ray; ray.init(address='{address}', log_to_driver=False); print(ray.cluster_resources())"
DOORS = ("{head}:6379", "ray://{head}:10001")


def main() -> int:
    reason = machines.why_not()
    if reason is not None:
        print(f"skipped: {reason}")
        return 0
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # clear up then, too
    scratch = Path(tempfile.mkdtemp(prefix="tagsearch-loopback-"))
    try:
        machines.make_keys(scratch)
        with machines.running([__file__, str(scratch)], [machines.__file__, str(scratch)]) as (head, _):
            return head.wait()
    finally:
        shutil.rmtree(scratch)
        for sockets in Path("/tmp").glob(f"ray_ssh_*/{hashlib.sha256(CLUSTER_NAME.encode()).hexdigest()[:10]}"):
            shutil.rmtree(sockets)  # of Ray's SSH connections


def prove(scratch: Path) -> None:
    """Runs inside the namespaces, as the head; the user's own machine is another home folder on it."""
    with step("a machine and its cable"):
        machines.become("head", scratch)
    laptop = Laptop(scratch)
    with step("ray get-auth-token, ray up"):
        laptop.type("ray", "get-auth-token", "--generate")
        laptop.ray("up", "-y")
    with step("ray submit: both machines are there, and closed"):
        laptop.ray("submit", "tests/cluster/probe.py", *ADDRESSES.values())
    with step("who has the token comes in, nobody else"):
        knock(laptop, scratch)
    with step("ray exec tagsearch run"):
        laptop.ray("exec", RUN.format(study=STUDY))
        check_run(scratch / "shared/runs/tiny")
    with step("ray rsync-down of the report"):
        laptop.ray("rsync-down", "/mnt/tagsearch/runs/tiny/report/", f"{scratch}/report/")
        assert (scratch / "report/index.html").stat().st_size > 10_000, "no report came back"
    with step("ray down"):
        laptop.ray("down", "-y")
        assert not ray_processes(), f"still running on the head: {ray_processes()}"
    with step("the worker notices"):
        wait_for_worker_to_end(scratch)
    with step("fake GPU nodes come and go"):
        subprocess.run(
            [sys.executable, "-m", "tests.cluster.autoscaling"], cwd=ROOT, env=laptop.environment, check=True
        )


class Laptop:
    """Where the user types: a home folder without a cluster, the clone, and Ray."""

    def __init__(self, scratch: Path) -> None:
        home = scratch / "laptop"
        home.mkdir()
        path = f"{Path(sys.prefix, 'bin')}:{os.environ['PATH']}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        self.environment = {**kept, "HOME": str(home), "PATH": path, "RAY_AUTH_MODE": "token"}
        self.file = str(scratch / "cluster.yaml")
        YAML().dump(filled_in(scratch), Path(self.file))

    def ray(self, verb: str, *arguments: str) -> None:
        self.type("ray", verb, "--log-style=pretty", "--log-color=false", self.file, *arguments)

    def type(self, *command: str) -> None:
        print(f"$ {' '.join(command)}", flush=True)
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdin=subprocess.DEVNULL)


def filled_in(scratch: Path) -> Mapping[str, object]:
    shipped = YAML(typ="safe").load(ROOT / "cluster-onpremise.yaml")
    provider = {**shipped["provider"], "head_ip": ADDRESSES["head"], "worker_ips": [ADDRESSES["worker"]]}
    auth = {
        "ssh_user": "root",
        "ssh_private_key": str(scratch / "key"),
        "ssh_proxy_command": f"{machines.SSHD} -i -f {scratch}/sshd.conf",
    }
    return {**shipped, "cluster_name": CLUSTER_NAME, "provider": provider, "auth": auth}


def knock(laptop: Laptop, scratch: Path) -> None:
    """A driver with the token comes in; drivers and remote clients with another one or with none do not."""
    visitors = {"the token": laptop.environment}
    for mode, who in (("token", "another token"), ("disabled", "no token")):
        home = scratch / f"stranger-{mode}"
        (home / ".ray").mkdir(parents=True)
        (home / ".ray/auth_token").write_text("0" * 64)
        visitors[who] = {**laptop.environment, "HOME": str(home), "RAY_AUTH_MODE": mode}
    tried = {}
    for who, environment in visitors.items():
        for address in [door.format(head=ADDRESSES["head"]) for door in (DOORS[:1] if who == "the token" else DOORS)]:
            command = [sys.executable, "-c", VISIT.format(address=address)]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
            tried[who, address] = subprocess.Popen(command, env=environment, **pipes)
    for (who, address), process in tried.items():
        output, _ = process.communicate(timeout=STRANGERS_GIVE_UP_WITHIN_S)
        print(f"{address} with {who}: {(output.strip().splitlines() or ['in'])[-1][:120]}", flush=True)
        assert (process.returncode == 0) == (who == "the token"), output


def check_run(folder: Path) -> None:
    results = [json.loads(line) for file in folder.glob("*/*/result.json") for line in file.read_text().splitlines()]
    assert {each["node_ip"] for each in results} == {ADDRESSES["worker"]}, "a trial ran elsewhere than on the worker"
    environment = json.loads((folder / "environment.json").read_text())
    print(f"{len(results)} reports, all from {ADDRESSES['worker']}; git: {environment['git']}")


def wait_for_worker_to_end(scratch: Path) -> None:
    known = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    look = ["ssh", *known, "-i", str(scratch / "key"), f"root@{ADDRESSES['worker']}", "pgrep raylet"]
    deadline = time.monotonic() + WORKERS_END_WITHIN_S
    while (code := subprocess.run(look, stdout=subprocess.DEVNULL, check=False).returncode) == 0:
        assert time.monotonic() < deadline, f"Ray still runs on the worker after {WORKERS_END_WITHIN_S} s"
        time.sleep(2)
    assert code == 1, "pgrep could not look"


def ray_processes() -> list[str]:
    """Of this machine, by name."""
    commands = [file.read_bytes().split(b"\0")[0].decode() for file in Path("/proc").glob("[0-9]*/cmdline")]
    return [name for name in commands if Path(name).name in ("raylet", "gcs_server")]


@contextmanager
def step(title: str) -> Iterator[None]:
    begun = time.monotonic()
    print(f"== {title}", flush=True)
    yield
    print(f"== {title}: done in {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(main())
    prove(Path(sys.argv[1]))

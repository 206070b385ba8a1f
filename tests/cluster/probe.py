"""Sent to the head by `ray submit`: whether the cluster is whole and closed. Prints what it finds, fails if it is not.

argv: addresses of head and worker.
"""

import hashlib
import os
import socket
import sys
import time
from pathlib import Path

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

DASHBOARD, REMOTE_CLIENTS, CONTROL_STORE = 8265, 10001, 6379
WITHIN_S = 120


def main(head: str, worker: str) -> None:
    ray.init(address="auto", log_to_driver=False)
    nodes = wait_for({head, worker})
    on_worker = NodeAffinitySchedulingStrategy(nodes[worker], soft=False)
    there = ray.get(ray.remote(look).options(num_cpus=0, scheduling_strategy=on_worker).remote(head))
    here = look("127.0.0.1")
    print(f"head:   {here}\nworker: {there}")
    for each in (here, there):
        assert each["authentication"] == "token", "token authentication is off"
        assert each["tagsearch"] == str(Path(each["home"], "tagsearch/tagsearch")), "not the clone that was sent"
        assert each["token mode"] == 0o600, "others can read the token"
    assert here["home"] != there["home"], "one home folder for both machines"
    assert here["token"] == there["token"], "the token was not delivered"
    assert here["open"] == {DASHBOARD: True, REMOTE_CLIENTS: True, CONTROL_STORE: True}, "on the head itself"
    assert there["open"] == {DASHBOARD: False, REMOTE_CLIENTS: True, CONTROL_STORE: True}, "seen from the worker"


def wait_for(addresses: set[str]) -> dict[str, str]:
    """Address -> id of the nodes."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        nodes = {node["NodeManagerAddress"]: node["NodeID"] for node in ray.nodes() if node["Alive"]}
        if set(nodes) == addresses:
            return nodes
        assert time.monotonic() < deadline, f"after {WITHIN_S} s the nodes are {sorted(nodes)}, not {sorted(addresses)}"
        time.sleep(0.5)


def look(head: str) -> dict[str, object]:
    """What a node has, and which ports of the head it reaches."""
    import tagsearch

    token = Path.home() / ".ray/auth_token"
    return {
        "home": str(Path.home()),
        "tagsearch": str(Path(tagsearch.__file__).parent),
        "authentication": os.environ.get("RAY_AUTH_MODE"),
        "token": hashlib.sha256(token.read_bytes()).hexdigest()[:8],
        "token mode": token.stat().st_mode & 0o777,
        "open": {port: reaches(head, port) for port in (DASHBOARD, REMOTE_CLIENTS, CONTROL_STORE)},
    }


def reaches(host: str, port: int) -> bool:
    with socket.socket() as connection:
        connection.settimeout(5)
        return connection.connect_ex((host, port)) == 0


if __name__ == "__main__":
    main(*sys.argv[1:])

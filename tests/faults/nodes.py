"""A Ray cluster of several nodes in a process of its own, which a test tells what to do: python -m tests.faults.nodes

Each line on its standard input is a command in JSON, answered by a line of JSON on its standard output: {"add": HOME}
starts a node with one CPU and that home folder, {"lose": N} kills the N-th of them, {"lose": "head"} the head with the
cluster's memory. The head has no CPU, so that no trial runs beside the driver. At the end of its input it ends all.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from typing import Any

from ray.cluster_utils import Cluster

from tests.faults.driver import ROOT


class Nodes:
    """The test's end. `address`: for drivers; Ray's own files lie in a folder that no other Ray looks into."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="ts-", dir="/tmp")  # Ray's sockets need a short path
        own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        quiet = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": self._folder}
        self.environment = own | quiet | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.faults.nodes"],
            cwd=ROOT,
            env=self.environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.address = self._answer()

    def add(self, home: str) -> str:
        """The node's id."""
        return self._ask({"add": home})

    def lose(self, which: int | str) -> None:
        self._ask({"lose": which})

    def end(self) -> None:
        try:
            self._process.communicate(timeout=60)
        finally:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _ask(self, command: dict[str, Any]) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:  # Ray says this and that between
            if line.startswith("{"):
                return str(json.loads(line)["answer"])
        raise AssertionError("the cluster's process has ended")


def main() -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    nodes: list[Any] = []
    print(json.dumps({"answer": cluster.address}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        answer = ""
        if "add" in command:
            nodes.append(cluster.add_node(num_cpus=1, env_vars={"HOME": command["add"]}))
            answer = nodes[-1].node_id
        elif command["lose"] == "head":
            cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)
        else:
            cluster.remove_node(nodes[command["lose"]], allow_graceful=False)
        print(json.dumps({"answer": answer}), flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()

"""A driver process for tests of growth: python -m tests.grow_driver STORAGE '[{"name": ..., "set": [...]}, ...]'

Runs one study of fake trials after the other in STORAGE, all on one Ray, the study being STORAGE/mine.yaml with the
overrides `set`; prints a line {"run": name, "said": [...]} for each. One with `reuse` takes over trials of that run.
"""

import json
import os
import sys
from pathlib import Path

from ray.cluster_utils import Cluster

from tagsearch.search.observers import Observer
from tagsearch.search.run import Options, execute
from tagsearch.search.run_folder import open_run
from tagsearch.study.parse import read_study
from tests.fake_source import TABLE
from tests.fake_trial import TRAIN

STDOUT = os.dup(1)  # Ray's log takes the other


class Listener(Observer):
    def __init__(self) -> None:
        self.said: list[str] = []

    def notice(self, line: str) -> None:
        self.said.append(line)


def main(storage: Path, runs: list[dict[str, object]]) -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    for wanted in runs:
        folder, listener = storage / str(wanted["name"]), Listener()
        study = read_study(storage / "mine.yaml", overrides=wanted.get("set", []))  # type: ignore[arg-type]
        source = storage / str(wanted["reuse"]) if "reuse" in wanted else None
        open_run(folder, study, TABLE, device="cpu", reuse=source)
        options = Options(train=TRAIN, address=cluster.address)
        execute(study, folder, {"cnn1d": folder}, options=options, device="cpu", observers=[listener])
        os.write(STDOUT, (json.dumps({"run": folder.name, "said": listener.said}) + "\n").encode())
    cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))

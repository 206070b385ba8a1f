"""A cluster of several machines: their home folders, the loss of one, the loss of the head. In this order, as each test
takes the cluster as the one before left it."""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagsearch.records import State, read_trials
from tests.fake_corpus import make_table, write_corpus
from tests.fake_trial import HOMES_FILE, TRAINED_FILE
from tests.faults.conftest import Note
from tests.faults.driver import behave, by_key, finish, finished, loss, start, wait_for
from tests.faults.nodes import Nodes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
STUDY = (
    "study: s\nbase: {model: cnn1d, model.width: 4, epochs: 2}\nfactors: {loss: [bce, focal]}\nconfirm: {seeds: 2}\n"
)
WHOLE = {(arm, k): (State.COMPLETED, 9) for arm in ("bce", "focal") for k in range(3)}  # of six fake trials


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Of the two workers, empty; the driver's is another."""
    return [tmp_path_factory.mktemp("home") for _ in range(2)]


@pytest.fixture(scope="module")
def nodes(homes: list[Path]) -> Iterator[Nodes]:
    """A head and two machines with one CPU each."""
    cluster = Nodes()
    try:
        for home in homes:
            cluster.add(str(home))
        yield cluster
    finally:
        cluster.end()


@pytest.fixture(autouse=True)
def environment(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in nodes.environment.items():
        monkeypatch.setenv(name, value)


def ended(run: Path) -> dict[tuple[str, int], tuple[State, int]]:
    return {key: (trial.state, len(trial.history)) for key, trial in by_key(run, "confirm").items()}


def seconds_until_another_went_on(trial: Path, since: float) -> float:
    """From the moment of loss (on the clock of files) to the end of the trial's first epoch elsewhere."""
    homes = (trial / HOMES_FILE).read_text().split()
    rows = [json.loads(line) for line in (trial / "result.json").read_text().splitlines()]
    first = next(row for row in rows if row.get("epoch") == 1 + homes.index(homes[-1]) and row["timestamp"] >= since)
    return float(first["timestamp"] - since)


def test_machines_with_different_homes_train_a_real_study_from_the_storage_alone(
    nodes: Nodes, homes: list[Path], tmp_path: Path, note: Note
) -> None:
    table = make_table(n_train=16, n_valid=8, n_test=8)
    write_corpus(tmp_path / "music", table)
    rows = zip(table.paths, table.splits, table.labels, strict=True)
    with (tmp_path / "music" / "tags.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["path", "split", *table.tags])
        csv.writer(file).writerows([path, ("train", "valid", "test")[split], *labels] for path, split, labels in rows)
    (tmp_path / "s.yaml").write_text(STUDY)
    arguments = ["run", "s.yaml", "--data", "folder=music", "--name", "run", "--address", nodes.address]
    command = [sys.executable, "-m", "tagsearch", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "confirm phase: 4 trials, 2 at a time" in done.stdout
    trials = list(read_trials(tmp_path / "runs" / "run", "confirm"))
    assert [trial.state for trial in trials] == [State.COMPLETED] * 4
    processes = {json.loads((trial.folder / "result.json").read_text().splitlines()[0])["pid"] for trial in trials}
    assert len(processes) == 2  # of machines with one CPU each
    assert [list(home.iterdir()) for home in homes] == [[], []]
    note("machines with different home folders", "trials run on each; nothing of the run is in a home")


def test_a_lost_machine_costs_its_trial_an_epoch_and_no_retry(
    nodes: Nodes, homes: list[Path], tmp_path: Path, note: Note
) -> None:
    behave(tmp_path, seconds=0.4)
    process = start(tmp_path, tune=None, address=nodes.address, max_retries=0)
    here, gone = (str(home) for home in homes)

    def both_train_and_some_have_ended() -> bool:
        trained = [path.read_text().split() for path in tmp_path.glob(f"confirm/*/{HOMES_FILE}")]
        on_lost = [epochs for epochs in trained if epochs and epochs[-1] == gone and 2 <= len(epochs) <= 5]
        return bool(on_lost) and len(list(tmp_path.rglob("record.json"))) >= 1

    wait_for(both_train_and_some_have_ended, process)
    lost_at = time.time()
    nodes.lose(1)
    before = finished(tmp_path)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 0, output
    assert ended(tmp_path) == WHOLE
    lost = loss(tmp_path, before)
    assert lost.n_redone == 0
    assert lost.n_epochs_twice <= 1
    (moved,) = (
        trial.parent
        for trial in tmp_path.glob(f"confirm/*/{HOMES_FILE}")
        if set(trial.read_text().split()) == {here, gone}
    )
    assert f"the machine of {moved.name} is lost; it goes on from epoch " in output
    assert sum(trial.result.n_retries for trial in read_trials(tmp_path, "confirm") if trial.result) == 1
    waited = seconds_until_another_went_on(moved, lost_at)
    note(
        "loss of a worker machine, `--max-retries 0`",
        f"its trial goes on elsewhere, an epoch done after {waited:.0f} s; no retry is used",
        code=0,
        loss=lost,
    )


def test_a_lost_head_ends_the_driver_with_a_line_and_resume_goes_on(nodes: Nodes, tmp_path: Path, note: Note) -> None:
    behave(tmp_path, seconds=0.2)
    process = start(tmp_path, tune=None, address=nodes.address)
    wait_for(lambda: len(list(tmp_path.rglob("record.json"))) >= 2, process)
    wait_for(lambda: len(list(tmp_path.glob(f"confirm/*/{TRAINED_FILE}"))) >= 3, process)
    nodes.lose("head")
    lost_at = time.monotonic()
    output, _ = process.communicate(timeout=90)
    seconds = time.monotonic() - lost_at
    assert process.returncode == 1
    (line,) = output.splitlines()
    assert line.startswith(f"error: Ray's head at {nodes.address} has not answered for 30 s; start the cluster again")
    assert line.endswith(f"`tagsearch resume {tmp_path} --address ...`")
    before = finished(tmp_path)
    behave(tmp_path)
    code, output = finish(tmp_path, tune=None)  # on a Ray of its own
    assert code == 0, output
    assert ended(tmp_path) == WHOLE
    lost = loss(tmp_path, before)
    assert lost.n_redone == 0
    assert lost.n_epochs_twice <= 1
    note(
        "loss of the head (GCS and its raylet)",
        f"one line after {seconds:.0f} s; `resume` on another Ray ends the run",
        code=1,
        loss=lost,
    )

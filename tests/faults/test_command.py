"""The whole command: signals outside of phases, two runs of one study at once, two of one name."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tagsearch.records import read_trials
from tests.faults.conftest import Note
from tests.faults.driver import ROOT, catches, finished, left_behind, loss, of_session, wait_for

pytestmark = pytest.mark.slow

STUDY = """\
study: mine
data: {corpus: builtin, size: small}
base: {model: cnn1d, model.width: 4, epochs: 1}
factors: {loss: [bce, focal]}
confirm: {seeds: 2}
"""


def tagsearch(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    (folder / "mine.yaml").write_text(STUDY)
    return subprocess.Popen(
        [sys.executable, "-m", "tagsearch", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def n_children(process: subprocess.Popen[str]) -> int:
    return len(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())


@pytest.mark.parametrize(
    ("number", "send", "code", "words"),
    [
        (signal.SIGINT, os.killpg, 130, "error: interrupted: nothing was started"),
        (signal.SIGTERM, os.kill, 4, "error: stopped by SIGTERM: nothing was started"),
        (signal.SIGTERM, os.killpg, 4, "error: stopped by SIGTERM: nothing was started"),
    ],
    ids=["Ctrl-C", "SIGTERM", "SIGTERM to all"],
)
def test_a_signal_while_data_is_prepared_leaves_one_line_and_no_process(
    number: signal.Signals, send: Callable[[int, int], None], code: int, words: str, tmp_path: Path, note: Note
) -> None:
    process = tagsearch(tmp_path, "run", "mine.yaml")
    wait_for(lambda: n_children(process) >= 3, process)  # two workers and what keeps account of them
    time.sleep(1)
    send(process.pid, number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    assert words in output
    assert "Traceback" not in output
    assert not left_behind(process)
    to_all = ", to all processes" if send is os.killpg else ""
    note(f"{number.name}{to_all} while data is prepared", "one line, no process is left", code=code)


def test_two_runs_of_one_study_at_once_are_both_right_and_share_their_cache(tmp_path: Path, note: Note) -> None:
    names = ("one", "two")
    runs = [tagsearch(tmp_path, "run", "mine.yaml", "--name", name, "--max-concurrent", "1") for name in names]
    wait_for((tmp_path / "runs" / "one" / "resolved.yaml").exists, runs[0])
    again = tagsearch(tmp_path, "run", "mine.yaml", "--name", "one")
    output, _ = again.communicate(timeout=60)
    assert again.returncode == 2, output
    assert "error: --name one: runs/one exists; choose another name or `tagsearch resume` it" in output
    note("a second `run --name x`", "refused in one line", code=2)

    for process in runs:
        output, _ = process.communicate(timeout=200)
        assert process.returncode == 0, output
    one, two = (list(read_trials(tmp_path / "runs" / name, "confirm")) for name in names)
    assert [trial.spec for trial in one] == [trial.spec for trial in two]
    for ours, theirs in zip(one, two, strict=True):
        assert ours.scores("test").tobytes() == theirs.scores("test").tobytes()
    assert len(list((tmp_path / "runs" / "cache" / "features").iterdir())) == 1
    note("two `run`s of one study at once", "both end with the same scores bit for bit, one cache")

    run = tmp_path / "runs" / "one"
    before, written = finished(run), (run / "trials.csv").stat().st_mtime_ns
    process = tagsearch(tmp_path, "resume", "one")
    wait_for(lambda: (run / "trials.csv").stat().st_mtime_ns != written, process)
    ray = ("raylet", "gcs_server")
    wait_for(lambda: not any(name in line for line in of_session(process.pid) for name in ray), process)
    wait_for(lambda: catches(process, signal.SIGTERM), process)  # while Ray ends, it kills
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 4, output
    assert "error: stopped by SIGTERM: what is finished is kept; go on with `tagsearch resume runs/one`" in output
    note("SIGTERM while the report is written", "one line with the way on", code=4, loss=loss(run, before))

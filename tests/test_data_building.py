"""Two processes that build the same thing."""

import logging
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagsearch.data import building as module
from tagsearch.data.building import building

HOLD = """
import sys
from pathlib import Path
from tagsearch.data import building as module
module._QUIET_S = 0.3
with module.building(Path(sys.argv[1]), "the thing"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def start(lock: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = start(tmp_path / ".lock")
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_who_waits_is_told_for_whom_and_goes_on_after_it_and_ctrl_c_ends_the_wait(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    first, second = start(tmp_path / ".lock"), start(tmp_path / ".lock")
    expected = f"waiting: the thing is being built by process {holder.pid} on {platform.node()}\n"
    for waiting in (first, second):
        assert waiting.stderr is not None
        assert waiting.stderr.readline() == expected
    first.send_signal(signal.SIGINT)
    _, said = first.communicate(timeout=30)
    assert said.endswith("KeyboardInterrupt\n")
    holder.communicate("done\n", timeout=30)
    assert second.communicate("done\n", timeout=30) == ("held\n", "")
    assert [path.name for path in tmp_path.iterdir() if path.name != ".lock"] == []


def test_a_holder_that_was_killed_is_no_holder(
    tmp_path: Path, holder: subprocess.Popen[str], caplog: pytest.LogCaptureFixture
) -> None:
    holder.kill()
    holder.communicate()
    with building(tmp_path / ".lock", "the thing"):
        assert (tmp_path / ".lock-holder").exists()
    assert not caplog.records


def test_a_holder_that_has_not_said_its_name_is_another_process(
    tmp_path: Path, holder: subprocess.Popen[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".lock-holder").unlink()
    monkeypatch.setattr(module, "_QUIET_S", 0.1)

    def let_go(record: logging.LogRecord) -> bool:
        holder.kill()
        return True

    caplog.handler.addFilter(let_go)
    with building(tmp_path / ".lock", "the thing"):
        assert caplog.messages == ["waiting: the thing is being built by another process"]

"""The limit on an epoch's time."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tagsearch.training.hang import limited, where_it_hung

HANG = """
import sys, time
from pathlib import Path
from tagsearch.training.hang import limited
with limited(Path(sys.argv[1]), 0.2):
    time.sleep(60)
print("never")
"""


def test_a_process_that_hangs_is_ended_and_leaves_where_it_stood(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", HANG, str(tmp_path)], capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stdout) == (1, "")
    assert 'File "<string>", line 6' in where_it_hung(tmp_path)


@pytest.mark.parametrize("limit", [None, 30.0])
def test_a_block_in_time_leaves_nothing(tmp_path: Path, limit: float | None) -> None:
    with limited(tmp_path, limit):
        time.sleep(0.01)
    assert list(tmp_path.iterdir()) == []
    assert where_it_hung(tmp_path) == ""


def test_a_block_that_raises_takes_the_watch_with_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="on purpose"), limited(tmp_path, 30.0):
        raise RuntimeError("on purpose")
    assert list(tmp_path.iterdir()) == []

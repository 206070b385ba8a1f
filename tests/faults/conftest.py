"""The table of faults: a row for each `note` of a test, written to the file that FAULT_TABLE names.

What several tests note in the same words is one row."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.driver import Loss

_ROWS = pytest.StashKey[list[tuple[str, ...]]]()
_HEAD = ("fault", "what happens", "exit code", "finished trials", "of them redone", "epochs trained twice")

Note = Callable[..., None]


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Note:
    """note(fault, outcome, *, code=None, loss=None): call it when all assertions have held.

    `code`: with which the driver ended at the fault, "" where it went on or was killed."""

    def add(fault: str, outcome: str, *, code: int | str = "", loss: Loss | None = None) -> None:
        numbers = ("", "", "") if loss is None else (loss.n_finished, loss.n_redone, loss.n_epochs_twice)
        rows = request.config.stash.setdefault(_ROWS, [])
        rows.append((fault, outcome, str(code), *map(str, numbers)))

    return add


def pytest_sessionfinish(session: pytest.Session) -> None:
    rows = session.config.stash.get(_ROWS, [])
    if (file := os.environ.get("FAULT_TABLE")) and rows:
        lines = [_HEAD, ("---",) * len(_HEAD), *dict.fromkeys(rows)]
        Path(file).write_text("".join("| " + " | ".join(row) + " |\n" for row in lines))

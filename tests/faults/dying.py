"""Processes that kill themselves with SIGKILL at a write, at the moment chosen.

`die_at` patches pathlib in the process that calls it: all of tagsearch's files are written to a temporary one that then
takes the name, or are logs that grow by lines. `killed` runs a function of this module in a process of its own, forked
from a server that has imported what takes long. As a driver: python -m tests.faults.dying FILE MOMENT RUN WANTED.
"""

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from analysis.report.report_files import write_files
from tagsearch.files import write_json
from tagsearch.readings import note_read
from tagsearch.records import TrialSpec
from tagsearch.search.run_folder import extend, new_run_folder, open_run, taken
from tagsearch.search.tensorboard import TensorBoard, add_figures
from tagsearch.study.extension import Extension
from tagsearch.study.parse import read_study
from tagsearch.study.plan import predict
from tests import fake_driver
from tests.fake_corpus import make_table

MOMENTS = ("before", "torn", "after")  # of the write: nothing of it there, half of it, all of it
STUDY = "study: mine\nfactors: {loss: [bce, focal]}\n"
TABLE = make_table(n_train=4, n_valid=3, n_test=3)

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.faults.dying", "tagsearch.training.loop"])


def killed(work: Callable[..., object], *arguments: object) -> None:
    """`work`, a function of this module, must come to its kill."""
    process = _SERVER.Process(target=work, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, f"ended with {process.exitcode}"


def die_at(name: str, moment: str) -> None:
    """This process dies when it writes a file called `name`."""
    replace, open_ = Path.replace, Path.open

    def dying_replace(self: Path, target: Path) -> Path:
        if Path(target).name != name:
            return replace(self, target)
        if moment == "torn":
            os.truncate(self, self.stat().st_size // 2)
        elif moment == "before":
            self.unlink()
        else:
            replace(self, target)
        die()
        raise AssertionError

    def dying_open(self: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        file = open_(self, mode, *arguments, **options)
        return _DyingLog(file, moment) if self.name == name and "a" in mode else file

    Path.replace, Path.open = dying_replace, dying_open  # type: ignore[method-assign, assignment]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _DyingLog:
    """A log that is opened to be continued."""

    def __init__(self, file: Any, moment: str) -> None:
        self._file = file
        self._share = MOMENTS.index(moment) / 2

    def __enter__(self) -> "_DyingLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, content: bytes) -> int:
        self._file.write(content[: int(self._share * len(content))])
        self._file.flush()
        die()
        return 0


# --- what is killed ---------------------------------------------------------------------------------------------------


def begin_run(folder: Path) -> None:
    """As the command does: `folder` is called by --name."""
    (folder.parent / "mine.yaml").write_text(STUDY)
    study = read_study(folder.parent / "mine.yaml")
    assert new_run_folder(study, storage=folder.parent, name=folder.name) == folder
    with taken(folder):
        open_run(folder, study, TABLE, device="cpu", plan=predict(study, n_slots=1))


def begin_run_and_die(folder: Path, name: str, moment: str) -> None:
    die_at(name, moment)
    begin_run(folder)


def extend_and_die(folder: Path, name: str, moment: str) -> None:
    die_at(name, moment)
    extend(folder, Extension(seeds=5, as_declared=False, time="2026-01-01T00:00:00+00:00"))
    die()


def write_json_and_die(file: Path, moment: str) -> None:
    die_at(file.name, moment)
    write_json(file, {"new": "x" * 1000}, durable=True)


def note_reading_and_die(folder: Path, moment: str) -> None:
    die_at("reads.jsonl", moment)
    note_read(folder, split="test", checkpoint="final", weights_sha256="0" * 64)


def write_report_and_die(folder: Path, files: Mapping[str, bytes], name: str, moment: str) -> None:
    die_at(name, moment)
    write_files(folder, files)


def watch_and_die(run: Path, spec: TrialSpec, row: Mapping[str, float]) -> None:
    """In the middle of a record of the trial's events."""
    board = TensorBoard(run)
    (run / spec.phase / spec.name).mkdir(parents=True)
    board.trial_started(spec)
    board.epoch_done(spec, row)
    (events,) = (run / spec.phase / spec.name).glob("events.*")
    with events.open("ab") as file:
        file.write(b"\x18\x00\x00\x00\x00\x00\x00\x00half a head")
    die()


def draw_and_die(run: Path) -> None:
    from matplotlib.figure import Figure

    def draw(folder: Path, trial: object) -> dict[str, Any]:
        return _Figures({"first": Figure(), "second": Figure()})

    add_figures(run, draw)


class _Figures(dict[str, Any]):
    def items(self) -> Iterator[tuple[str, Any]]:  # type: ignore[override]
        for n, (name, figure) in enumerate(super().items()):
            if n:
                die()
            yield name, figure


def train_and_die(spec: TrialSpec, settings: Any, folder: Path, name: str, moment: str) -> None:
    from tagsearch.training.loop import run_trial

    die_at(name, moment)
    for _ in run_trial(spec, settings, folder):
        pass


if __name__ == "__main__":
    die_at(sys.argv[1], sys.argv[2])
    fake_driver.main(Path(sys.argv[3]), json.loads(sys.argv[4]))

"""What befalls a store of features: damage, a full disk, kills, two builders at once."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tagsearch.data import shards, store
from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.features import open_features, write_view
from tagsearch.data.frontend import LOG_MEL
from tagsearch.data.store import prepare
from tagsearch.errors import CorpusError
from tests.fake_corpus import make_table, write_corpus
from tests.fake_store import content_of, note_reading, part_of, prepare_quietly

ROOT = Path(__file__).parent.parent


@pytest.fixture
def corpus(tmp_path: Path) -> OpenCorpus:
    return write_corpus(tmp_path / "audio", make_table(n_train=2, n_valid=2, n_test=2), seconds=(1.0, 0.5, 0.25))


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return note_reading(monkeypatch)


# --- damage ----------------------------------------------------------------------------------------------------------


def truncate(shard: Path) -> None:
    os.truncate(shard.with_suffix(".bin"), shard.with_suffix(".bin").stat().st_size - 2)


def flip_a_bit(shard: Path) -> None:
    content = bytearray(shard.with_suffix(".bin").read_bytes())
    content[len(content) // 2] ^= 1
    shard.with_suffix(".bin").write_bytes(content)


def tear_meta(shard: Path) -> None:
    shard.write_text(shard.read_text()[:40])


def change_meta(**fields: object) -> Callable[[Path], None]:
    def damage(shard: Path) -> None:
        shard.write_text(json.dumps(json.loads(shard.read_text()) | fields))

    return damage


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncate, r"bin has \d+ bytes instead of \d+"),
        (flip_a_bit, "bin does not match its checksum"),
        (lambda shard: shard.with_suffix(".bin").unlink(), "bin has 0 bytes"),
        (tear_meta, "json is damaged"),
        (lambda shard: shard.write_text("[1, 2]"), "json is damaged"),
        (lambda shard: shard.write_text('{"format": 1}'), "json is damaged"),
        (change_meta(format=0), "json is damaged"),
        (change_meta(front_end={"n_mels": 128}), "json is damaged"),
        (change_meta(dtype="<f4"), "json is damaged"),
        (change_meta(clips=[["000.flac", 1, 2, 63]]), "json is damaged"),
    ],
)
def test_a_damaged_shard_and_no_other_is_computed_anew_with_a_warning(
    corpus: OpenCorpus,
    tmp_path: Path,
    computed: list[str],
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
    reason: str,
) -> None:
    prepared = prepare_quietly(part_of(corpus, [0, 1]), tmp_path)
    (first,) = prepared.folder.glob("*.json")
    expected = content_of(prepare_quietly(corpus, tmp_path), corpus)
    computed.clear()
    damage(first)
    with caplog.at_level(logging.WARNING):
        again = prepare_quietly(corpus, tmp_path)
    assert re.search(f"a part of the features in .* is computed anew: {first.stem}.{reason}", caplog.text)
    assert computed == ["000.flac", "001.flac"]
    assert content_of(again, corpus) == expected
    caplog.clear()
    prepare_quietly(corpus, tmp_path)
    assert caplog.records == []


def test_a_shard_without_its_description_is_as_if_it_had_never_been(
    corpus: OpenCorpus, tmp_path: Path, computed: list[str]
) -> None:
    """As after a kill between the two renamings."""
    prepared = prepare_quietly(corpus, tmp_path)
    (shard,) = prepared.folder.glob("*.json")
    shard.unlink()
    computed.clear()
    prepare_quietly(corpus, tmp_path)
    assert len(computed) == 6
    assert not shard.with_suffix(".bin").exists()


def test_leftovers_of_killed_builds_are_removed(corpus: OpenCorpus, tmp_path: Path) -> None:
    folder = store.store_folder(tmp_path, corpus, LOG_MEL)
    folder.mkdir(parents=True)
    for name in (".0123.bin.tmp", ".0123.json.77.tmp", "4567.bin"):
        (folder / name).write_bytes(b"half")
    prepared = prepare_quietly(corpus, tmp_path)
    assert sorted(path.suffix for path in prepared.folder.iterdir()) == ["", ".bin", ".json", ".txt"]  # and the lock


def test_an_open_view_outlives_the_replacement_of_its_shard(corpus: OpenCorpus, tmp_path: Path) -> None:
    prepared = prepare_quietly(corpus, tmp_path)
    features = open_features(write_view(prepared, corpus.table))
    expected = [block.tobytes() for block in features.blocks]
    (shard,) = prepared.folder.glob("*.json")
    tear_meta(shard)
    prepare_quietly(corpus, tmp_path)
    assert [block.tobytes() for block in features.blocks] == expected


def test_a_place_that_cannot_be_written_is_named(corpus: OpenCorpus, tmp_path: Path) -> None:
    (tmp_path / "features").write_text("a file, not a folder")
    with pytest.raises(
        CorpusError, match=r"cannot write features to .*features/.*; free space or choose another cache"
    ):
        prepare_quietly(corpus, tmp_path)


def test_a_disk_that_fills_up_is_said_and_what_is_done_is_kept(
    corpus: OpenCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, computed: list[str]
) -> None:
    monkeypatch.setattr(store, "_CLIPS_PER_SHARD", 2)
    write = shards.write_json

    def fill_up(path: Path, content: object) -> None:
        if len(list(path.parent.glob("*.json"))) == 2:
            raise OSError(28, "No space left on device")
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(shards, "write_json", fill_up)
        with pytest.raises(CorpusError, match=r"No space left on device; .*; what is done is kept"):
            prepare_quietly(corpus, tmp_path)
    computed.clear()
    prepare_quietly(corpus, tmp_path)
    assert computed == ["004.flac", "005.flac"]


# --- processes -------------------------------------------------------------------------------------------------------

SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from tagsearch.data import shards, store
from tagsearch.data.frontend import LOG_MEL
from tests.fake_corpus import make_table, open_written

def progress(what, done, total):
    print(done, total, flush=True)

if __name__ == "__main__":
    root, cache, n = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    store._CLIPS_PER_SHARD = 10
    store.n_cores = lambda: 2
    corpus = open_written(root, make_table(n_train=n - 2, n_valid=1, n_test=1))
    store.prepare(corpus, LOG_MEL, cache=cache, progress=progress)
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[OpenCorpus, str], "subprocess.Popen[str]"]]:
    """Starts a process that prepares the corpus in `tmp_path`."""
    begun: list[subprocess.Popen[str]] = []

    def start(corpus: OpenCorpus, text: str = SCRIPT) -> "subprocess.Popen[str]":
        (tmp_path / "prepare.py").write_text(text)
        n = str(len(corpus.table.paths))
        command = [sys.executable, str(tmp_path / "prepare.py"), str(corpus.root), str(tmp_path), n]
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        pipe = subprocess.PIPE
        environment = {**os.environ, "PYTHONPATH": path}
        begun.append(subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()


Start = Callable[..., "subprocess.Popen[str]"]


def test_two_processes_that_start_at_once_compute_once(corpus: OpenCorpus, tmp_path: Path, started: Start) -> None:
    processes = [started(corpus) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(bool(output) for output in outputs) == [False, True]
    assert prepare_quietly(corpus, tmp_path).bad == ()


def test_a_script_without_a_main_guard_is_told_so(tmp_path: Path, started: Start) -> None:
    corpus = write_corpus(tmp_path / "audio", make_table(n_train=78, n_valid=1, n_test=1), seconds=(0.1,))
    process = started(corpus, SCRIPT.replace('if __name__ == "__main__":', "if True:"))
    _, errors = process.communicate(timeout=120)
    assert 'features are computed by several processes: a script needs `if __name__ == "__main__":`' in errors
    assert "a process computing features ended early" in errors
    assert process.returncode == 1


@pytest.mark.slow
def test_after_a_kill_no_process_lingers_and_what_was_done_is_not_redone(tmp_path: Path, started: Start) -> None:
    corpus = write_corpus(tmp_path / "audio", make_table(n_train=398, n_valid=1, n_test=1), seconds=(8.0,))
    process = started(corpus)
    assert process.stdout is not None
    while int((process.stdout.readline() or "0").split()[0]) < 100:
        assert process.poll() is None
    children = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(children) >= 2
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    folder = store.store_folder(tmp_path, corpus, LOG_MEL)
    done = {clip[0] for shard in folder.glob("*.json") for clip in json.loads(shard.read_text())["clips"]}
    assert 100 <= len(done) < 400
    whole, steps = shard_names(folder), list[int]()
    prepared = prepare(corpus, LOG_MEL, cache=tmp_path, progress=lambda what, n, total: steps.append(n))
    assert steps[0] == len(done)
    assert steps[-1] == 400
    assert whole <= shard_names(folder)
    alone = prepare_quietly(part_of(corpus, range(0, 400, 17)), tmp_path / "undisturbed")
    some = part_of(corpus, range(0, 400, 17))
    assert content_of(prepared, some) == content_of(alone, some)


def shard_names(folder: Path) -> set[tuple[str, int]]:
    """Those that are whole, with their time of writing."""
    return {(path.stem, path.with_suffix(".bin").stat().st_mtime_ns) for path in folder.glob("*.json")}

"""The store of features: it keeps what it has, adds what is missing, and neither bad files nor damage stop it."""

import dataclasses
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tagsearch.data import shards, store
from tagsearch.data.corpus import BadFile, OpenCorpus
from tagsearch.data.features import open_features, write_view
from tagsearch.data.frontend import LOG_MEL, WAVEFORM, FrontEnd
from tagsearch.data.store import Prepared, prepare
from tagsearch.errors import CorpusError
from tests.fake_corpus import SAMPLE_RATE, make_table, rows_of, silent, write_corpus

ROOT = Path(__file__).parent.parent
LENGTHS = (1.0, 0.5, 0.25)
N_FRAMES = (63, 32, 16)


@pytest.fixture
def corpus(tmp_path: Path) -> OpenCorpus:
    table = make_table(n_train=2, n_valid=2, n_test=2)
    return write_corpus(tmp_path / "audio", table, seconds=LENGTHS)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths in the order in which they are read, by this process."""
    paths: list[str] = []
    read = shards.read_audio

    def note(path: Path, *arguments: int, **named: int) -> np.ndarray:
        paths.append(path.name)
        return read(path, *arguments, **named)

    monkeypatch.setattr(shards, "read_audio", note)
    return paths


def prepare_quietly(corpus: OpenCorpus, cache: Path, front_end: FrontEnd = LOG_MEL) -> Prepared:
    return prepare(corpus, front_end, cache=cache, progress=silent)


def part_of(corpus: OpenCorpus, rows: Sequence[int]) -> OpenCorpus:
    return dataclasses.replace(corpus, table=rows_of(corpus.table, rows, fingerprint=f"rows {rows}"))


def content_of(prepared: Prepared, corpus: OpenCorpus) -> list[bytes]:
    return [block.tobytes() for block in open_features(write_view(prepared, corpus.table)).blocks]


def shard_files(prepared: Prepared) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in prepared.folder.glob("*.*") if path.is_file()}


# --- growing ---------------------------------------------------------------------------------------------------------


def test_every_clip_is_there_with_its_frames(corpus: OpenCorpus, tmp_path: Path) -> None:
    prepared = prepare_quietly(corpus, tmp_path)
    assert prepared.bad == ()
    assert prepared.n_frames == {f"{i:03d}.flac": N_FRAMES[i % 3] for i in range(6)}


def test_a_second_preparation_takes_what_is_there(
    corpus: OpenCorpus, tmp_path: Path, computed: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    first = prepare_quietly(corpus, tmp_path)
    files = shard_files(first)
    computed.clear()

    def refuse(what: str, done: int, total: int) -> None:
        raise AssertionError(what)

    again = prepare(corpus, LOG_MEL, cache=tmp_path, progress=refuse)
    assert (again.places, again.bad) == (first.places, ())
    assert shard_files(again) == files
    assert computed == []
    assert caplog.records == []


def test_other_tags_labels_splits_and_orders_of_the_same_audio_share_it(
    corpus: OpenCorpus, tmp_path: Path, computed: list[str]
) -> None:
    table = make_table(n_train=4, n_valid=1, n_test=1, tags=("other",), seed=9)
    other = dataclasses.replace(corpus, table=rows_of(table, [5, 4, 3, 2, 1, 0], fingerprint="z"))
    expected = content_of(prepare_quietly(corpus, tmp_path), corpus)
    computed.clear()
    assert content_of(prepare_quietly(other, tmp_path), other) == expected[::-1]
    assert computed == []


def test_a_larger_split_adds_the_clips_that_are_missing(
    corpus: OpenCorpus, tmp_path: Path, computed: list[str]
) -> None:
    first = prepare_quietly(part_of(corpus, [1, 3]), tmp_path)
    assert computed == ["001.flac", "003.flac"]
    whole = prepare_quietly(corpus, tmp_path)
    assert computed == ["001.flac", "003.flac", "000.flac", "002.flac", "004.flac", "005.flac"]
    assert whole.places.items() >= first.places.items()
    assert content_of(whole, corpus) == content_of(prepare_quietly(corpus, tmp_path / "new"), corpus)


def test_a_changed_file_is_computed_anew(corpus: OpenCorpus, tmp_path: Path, computed: list[str]) -> None:
    prepare_quietly(corpus, tmp_path)
    computed.clear()
    soundfile.write(corpus.root / "001.flac", np.zeros(16_000, np.float32), SAMPLE_RATE)
    prepared = prepare_quietly(corpus, tmp_path)
    assert computed == ["001.flac"]
    assert prepared.n_frames["001.flac"] == 63
    assert (open_features(write_view(prepared, corpus.table)).block(1) == -100).all()


def test_another_folder_rate_or_front_end_has_a_store_of_its_own(corpus: OpenCorpus, tmp_path: Path) -> None:
    moved = dataclasses.replace(corpus, root=corpus.root.rename(tmp_path / "Elsewhere, ü"))
    faster = dataclasses.replace(moved, sample_rate=2 * SAMPLE_RATE)
    coarse = dataclasses.replace(LOG_MEL, n_mels=40)
    folders = [store.store_folder(tmp_path, c, f) for c in (corpus, moved, faster) for f in (LOG_MEL, coarse, WAVEFORM)]
    assert len(set(folders)) == 9
    assert folders[0].name.startswith("audio-")
    assert folders[3].name.startswith("Elsewhere___-")


def test_a_link_to_the_corpus_folder_finds_the_same_store(corpus: OpenCorpus, tmp_path: Path) -> None:
    (tmp_path / "audio link").symlink_to(corpus.root)
    linked = dataclasses.replace(corpus, root=tmp_path / "audio link")
    assert store.store_folder(tmp_path, linked, LOG_MEL) == store.store_folder(tmp_path, corpus, LOG_MEL)


def test_several_processes_write_what_one_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = write_corpus(tmp_path / "audio", make_table(n_train=60, n_valid=10, n_test=10), seconds=(0.1, 0.2, 0.3))
    (corpus.root / "077.flac").write_bytes(b"no audio" * 99)
    steps: list[tuple[str, int, int]] = []
    monkeypatch.setattr(store, "n_cores", lambda: 2)
    prepared = prepare(corpus, LOG_MEL, cache=tmp_path, progress=lambda *step: steps.append(step))
    assert len(list(prepared.folder.glob("*.bin"))) == 2
    assert steps == [("log_mel96 features", done, 80) for done in (0, 40, 80)]
    monkeypatch.setattr(store, "n_cores", lambda: 1)
    alone = prepare_quietly(corpus, tmp_path / "alone")
    assert alone.bad == prepared.bad == (BadFile(path="077.flac", reason="cannot be decoded", detail=UNKNOWN),)
    rest = part_of(corpus, [row for row in range(80) if row != 77])
    assert content_of(prepared, rest) == content_of(alone, rest)


# --- bad files -------------------------------------------------------------------------------------------------------

UNKNOWN = "not a known audio format"


def test_bad_files_are_listed_with_their_reasons_and_stop_nothing(corpus: OpenCorpus, tmp_path: Path) -> None:
    (corpus.root / "000.flac").unlink()
    (corpus.root / "001.flac").write_bytes(b"")
    (corpus.root / "002.flac").write_bytes(b"no audio" * 99)
    soundfile.write(corpus.root / "003.flac", np.zeros(256, np.float32), SAMPLE_RATE)
    content = (corpus.root / "004.flac").read_bytes()
    (corpus.root / "004.flac").write_bytes(content[: len(content) // 2])
    prepared = prepare_quietly(corpus, tmp_path)
    assert [(file.path, file.text) for file in prepared.bad[:4]] == [
        ("000.flac", "missing"),
        ("001.flac", "empty"),
        ("002.flac", f"cannot be decoded ({UNKNOWN})"),
        ("003.flac", "too short (256 samples, a frame needs 257)"),
    ]
    assert re.fullmatch(r"truncated \(\d+ of 8000 samples decode\)", prepared.bad[4].text)
    assert prepared.n_frames == {"005.flac": 16}


def test_a_bad_file_is_not_tried_again_until_it_changes(
    corpus: OpenCorpus, tmp_path: Path, computed: list[str]
) -> None:
    whole = (corpus.root / "002.flac").read_bytes()
    (corpus.root / "002.flac").write_bytes(b"no audio" * 99)
    first = prepare_quietly(corpus, tmp_path)
    computed.clear()
    assert prepare_quietly(corpus, tmp_path).bad == first.bad
    assert computed == []
    (corpus.root / "002.flac").write_bytes(whole)
    assert prepare_quietly(corpus, tmp_path).bad == ()
    assert computed == ["002.flac"]


def test_a_file_too_short_for_a_frame_may_do_for_another_front_end(corpus: OpenCorpus, tmp_path: Path) -> None:
    soundfile.write(corpus.root / "003.flac", np.zeros(256, np.float32), SAMPLE_RATE)
    assert prepare_quietly(corpus, tmp_path, WAVEFORM).n_frames["003.flac"] == 256


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (PermissionError(13, "Permission denied"), "no permission to read it"),
        (OSError(5, "Input/output error"), "cannot be read (Input/output error)"),
    ],
)
def test_what_may_pass_is_tried_again(
    corpus: OpenCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, text: str
) -> None:
    """A failing `open` stands for the permission, which root would not miss."""
    opened = Path.open

    def fail(self: Path, *arguments: str, **named: str) -> object:
        if self.name == "002.flac":
            raise error
        return opened(self, *arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", fail)
        for _ in range(2):
            prepared = prepare_quietly(corpus, tmp_path)
            assert [(file.path, file.text) for file in prepared.bad] == [("002.flac", text)]
    assert len(list(prepared.folder.glob("*.bin"))) == 1  # trying in vain leaves nothing
    assert prepare_quietly(corpus, tmp_path).bad == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read any file")
def test_a_file_that_may_not_be_read_is_listed(corpus: OpenCorpus, tmp_path: Path) -> None:
    (corpus.root / "002.flac").chmod(0)
    assert [file.text for file in prepare_quietly(corpus, tmp_path).bad] == ["no permission to read it"]


def test_npy_clips_are_read_at_the_corpuss_rate(tmp_path: Path) -> None:
    table = make_table(n_train=1, n_valid=1, n_test=1, suffix="npy")
    (tmp_path / "audio").mkdir()
    for path in table.paths.tolist():
        np.save(tmp_path / "audio" / path, np.zeros((1, 8000), np.float32))
    corpus = OpenCorpus(table=table, root=tmp_path / "audio", sample_rate=8000)
    assert prepare_quietly(corpus, tmp_path).n_frames == dict.fromkeys(table.paths.tolist(), 63)


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
    assert sorted(path.suffix for path in prepared.folder.iterdir()) == ["", ".bin", ".json"]  # and the lock


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

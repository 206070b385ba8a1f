"""The store of features: it keeps what it has, adds what is missing, and bad files do not stop it."""

import dataclasses
import os
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tagsearch.data import shards, store
from tagsearch.data.corpus import BadFile, OpenCorpus
from tagsearch.data.features import open_features, write_view
from tagsearch.data.frontend import LOG_MEL, WAVEFORM
from tagsearch.data.store import Prepared, prepare
from tests.fake_corpus import SAMPLE_RATE, make_table, rows_of, write_corpus
from tests.fake_store import content_of, note_reading, part_of, prepare_quietly

LENGTHS = (1.0, 0.5, 0.25)
N_FRAMES = (63, 32, 16)


@pytest.fixture
def corpus(tmp_path: Path) -> OpenCorpus:
    table = make_table(n_train=2, n_valid=2, n_test=2)
    return write_corpus(tmp_path / "audio", table, seconds=LENGTHS)


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return note_reading(monkeypatch)


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


def test_a_bad_file_is_tried_again_by_another_version_of_the_decoder(
    corpus: OpenCorpus, tmp_path: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (corpus.root / "001.flac").write_bytes(b"no audio")
    prepare_quietly(corpus, tmp_path)
    computed.clear()
    monkeypatch.setattr(shards, "DECODER", "9.9.9")
    assert [file.path for file in prepare_quietly(corpus, tmp_path).bad] == ["001.flac"]
    assert computed == ["001.flac"]
    prepare_quietly(corpus, tmp_path)
    assert computed == ["001.flac"]


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

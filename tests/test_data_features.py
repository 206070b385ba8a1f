"""Computing features, and the views that trials read: right values for the right clips, and nothing torn unnoticed."""

import dataclasses
import os
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tagsearch.data.compute import blocks_of
from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.features import open_features, write_view
from tagsearch.data.frontend import LOG_MEL, LOG_MEL_128, WAVEFORM, FrontEnd
from tagsearch.data.store import prepare
from tagsearch.errors import BadAudioError, CorpusError
from tagsearch.records import CorpusTable
from tests.fake_corpus import make_table, rows_of, silent, write_corpus


@pytest.fixture
def corpus(tmp_path: Path) -> OpenCorpus:
    table = make_table(n_train=2, n_valid=2, n_test=1)
    return write_corpus(tmp_path / "audio", table, seconds=(1.0, 0.5, 0.25))


def view_of(corpus: OpenCorpus, cache: Path, front_end: FrontEnd = LOG_MEL, table: CorpusTable | None = None) -> Path:
    return write_view(prepare(corpus, front_end, cache=cache, progress=silent), table or corpus.table)


def log_mel_by_hand(audio: np.ndarray) -> np.ndarray:
    """The front end's conventions in plain NumPy: centred Hann frames, power, HTK triangles, decibels."""
    padded = np.pad(audio.astype(np.float64), 256, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    frames = [padded[i : i + 512] * window for i in range(0, len(audio) + 1, 256)]
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    top = 2595 * np.log10(1 + 8000 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, 98) / 2595) - 1)
    bins = np.linspace(0, 8000, 257)
    up = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    down = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters = np.maximum(0, np.minimum(up, down))
    return 10 * np.log10(np.maximum(filters @ power.T, 1e-10))


def assert_log_mel(block: np.ndarray, file: Path) -> None:
    assert block.dtype == np.float16
    expected = log_mel_by_hand(soundfile.read(file)[0])
    assert block.shape == expected.shape
    assert np.abs(block - expected).max() < 1 / 32 + 2e-3  # half a quantum: below 128 dB float16 steps by 1/16


def test_blocks_are_the_log_mel_of_each_clip_to_half_a_quantum(corpus: OpenCorpus, tmp_path: Path) -> None:
    features = open_features(view_of(corpus, tmp_path))
    assert features.n_frames.tolist() == [63, 32, 16, 63, 32]  # n // 256 + 1
    for clip, path in enumerate(corpus.table.paths.tolist()):
        assert_log_mel(features.block(clip), corpus.root / path)


def test_waveforms_are_the_samples_in_16_bits(corpus: OpenCorpus, tmp_path: Path) -> None:
    features = open_features(view_of(corpus, tmp_path, WAVEFORM))
    assert features.front_end == WAVEFORM
    assert features.n_frames.tolist() == [16_000, 8_000, 4_000, 16_000, 8_000]
    for clip, path in enumerate(corpus.table.paths.tolist()):
        expected = soundfile.read(corpus.root / path, dtype="int16")[0]
        assert features.block(clip).dtype == np.int16
        assert np.array_equal(features.block(clip), expected[None])


def test_waveforms_beyond_full_scale_are_clipped() -> None:
    audio = np.array([0.25, 1.0, 1.7, -1.0, -3.0], np.float32)
    assert blocks_of(WAVEFORM).block(audio).tolist() == [[8192, 32767, 32767, -32768, -32768]]


def test_the_front_end_of_128_bands_keeps_its_empty_bands_without_a_warning(corpus: OpenCorpus, tmp_path: Path) -> None:
    block = open_features(view_of(corpus, tmp_path, LOG_MEL_128)).block(0)
    assert block.shape == (128, 63)
    assert (block.max(axis=1) == -100).sum() == 1  # the lowest holds no bin: 1e-10 in power


@pytest.mark.parametrize(("front_end", "n", "least"), [(LOG_MEL, 256, 257), (WAVEFORM, 0, 1)])
def test_audio_shorter_than_a_frame_is_refused(front_end: FrontEnd, n: int, least: int) -> None:
    with pytest.raises(BadAudioError, match="too short"):
        blocks_of(front_end).block(np.zeros(n, np.float32))
    assert blocks_of(front_end).block(np.zeros(least, np.float32)).shape[1] >= 1


def test_a_view_of_some_clips_in_another_order_gives_those(corpus: OpenCorpus, tmp_path: Path) -> None:
    table = rows_of(corpus.table, [4, 1, 3], fingerprint="other")
    features = open_features(view_of(corpus, tmp_path, table=table))
    assert features.n_frames.tolist() == [32, 32, 63]
    for clip, path in enumerate(["004.flac", "001.flac", "003.flac"]):
        assert_log_mel(features.block(clip), corpus.root / path)


def test_every_table_has_a_view_of_its_own(corpus: OpenCorpus, tmp_path: Path) -> None:
    tables = [corpus.table, rows_of(corpus.table, [0], fingerprint="x"), rows_of(corpus.table, [1], fingerprint="y")]
    views = [view_of(corpus, tmp_path, table=table) for table in tables]
    assert len(set(views)) == 3
    assert [len(open_features(view).n_frames) for view in views] == [5, 1, 1]


def test_a_reused_process_opens_a_view_once_and_again_when_it_is_written_anew(
    corpus: OpenCorpus, tmp_path: Path
) -> None:
    view = view_of(corpus, tmp_path)
    first = open_features(view)
    assert open_features(view) is first
    os.utime(view, ns=(0, 0))
    assert open_features(view) is not first


def test_only_the_shards_of_a_view_are_opened(corpus: OpenCorpus, tmp_path: Path) -> None:
    part = dataclasses.replace(corpus, table=rows_of(corpus.table, [0, 1], fingerprint="part"))
    first = view_of(part, tmp_path)
    view_of(corpus, tmp_path)
    shards = sorted(first.parent.parent.glob("*.bin"))
    assert len(shards) == 2
    used = open_features(first).block(0)
    for shard in shards:
        if shard.stat().st_size == 96 * (63 + 16 + 32) * 2:  # clips 2, 3, 4 would follow
            shard.unlink()
    os.utime(first, ns=(0, 0))
    assert np.array_equal(open_features(first).block(0), used)


def test_mapped_shards_keep_no_file_open(corpus: OpenCorpus, tmp_path: Path) -> None:
    """A large corpus has more of them than a process may have files."""
    features = open_features(view_of(corpus, tmp_path))
    opened = [link.resolve().name for link in Path("/proc/self/fd").iterdir()]
    assert not [name for name in opened if name.endswith(".bin")]
    assert features.block(0).any()


def test_opening_a_view_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="gives no features; run `tagsearch data prepare`"):
        open_features(tmp_path / "none.npz")


@pytest.mark.parametrize("size", [None, 0, 1000])
def test_a_view_of_a_shard_that_is_gone_or_cut_is_refused(corpus: OpenCorpus, tmp_path: Path, size: int | None) -> None:
    view = view_of(corpus, tmp_path)
    (shard,) = view.parent.parent.glob("*.bin")
    shard.unlink() if size is None else os.truncate(shard, size)
    with pytest.raises(CorpusError, match=re.escape(f"{view} gives no features")):
        open_features(view)


def test_a_damaged_view_is_refused(corpus: OpenCorpus, tmp_path: Path) -> None:
    view = view_of(corpus, tmp_path)
    view.write_bytes(view.read_bytes()[:100])
    with pytest.raises(CorpusError, match="gives no features"):
        open_features(view)

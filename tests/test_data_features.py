"""The feature cache: right values, any audio, and no damage unnoticed."""

import dataclasses
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.features import features_folder, open_features, prepare
from tagsearch.data.frontend import LOG_MEL
from tagsearch.data.logmel import read_audio
from tagsearch.errors import CorpusError
from tests.fake_corpus import SAMPLE_RATE, make_table, silent, write_corpus


@pytest.fixture
def corpus(tmp_path: Path) -> OpenCorpus:
    table = make_table(n_train=2, n_valid=2, n_test=1)
    return write_corpus(tmp_path / "audio", table, seconds=(1.0, 0.5, 0.25))


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


def test_blocks_are_the_log_mel_of_each_clip_to_half_a_quantum(corpus: OpenCorpus, tmp_path: Path) -> None:
    features = open_features(prepare(corpus, LOG_MEL, cache=tmp_path, progress=silent))
    assert features.n_frames.tolist() == [63, 32, 16, 63, 32]  # n // 256 + 1
    for clip, path in enumerate(corpus.table.paths.tolist()):
        expected = log_mel_by_hand(soundfile.read(corpus.root / path)[0])
        assert features.block(clip).dtype == np.float16
        assert np.abs(features.block(clip) - expected).max() < 1 / 32 + 2e-3  # below 128 dB float16 steps by 1/16


def test_many_clips_computed_by_several_processes_keep_their_order(tmp_path: Path) -> None:
    table = make_table(n_train=60, n_valid=10, n_test=10)
    corpus = write_corpus(tmp_path / "audio", table, seconds=(0.1, 0.2, 0.3))
    steps: list[tuple[int, int]] = []
    folder = prepare(corpus, LOG_MEL, cache=tmp_path, progress=lambda what, done, total: steps.append((done, total)))
    features = open_features(folder)
    assert features.n_frames.tolist() == [LOG_MEL.frames((0.1, 0.2, 0.3)[i % 3]) for i in range(80)]
    expected = log_mel_by_hand(soundfile.read(corpus.root / table.paths[79])[0])
    assert np.abs(features.block(79) - expected).max() < 1 / 32 + 2e-3
    assert steps[0] == (0, 80)
    assert steps[-1] == (80, 80)


def test_a_second_preparation_takes_what_is_there(corpus: OpenCorpus, tmp_path: Path) -> None:
    first = prepare(corpus, LOG_MEL, cache=tmp_path, progress=silent)
    written = (first / "blocks.bin").stat().st_mtime_ns
    for path in corpus.root.iterdir():
        path.unlink()
    assert prepare(corpus, LOG_MEL, cache=tmp_path, progress=silent) == first
    assert (first / "blocks.bin").stat().st_mtime_ns == written


def truncate(folder: Path) -> None:
    content = (folder / "blocks.bin").read_bytes()
    (folder / "blocks.bin").write_bytes(content[:-2])


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / "blocks.bin").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "blocks.bin").write_bytes(content)


def tear_meta(folder: Path) -> None:
    (folder / "meta.json").write_text((folder / "meta.json").read_text()[:40])


def change_meta(**fields: object) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        meta = json.loads((folder / "meta.json").read_text())
        (folder / "meta.json").write_text(json.dumps(meta | fields))

    return damage


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (truncate, r"blocks.bin has \d+ bytes instead of \d+"),
        (flip_a_bit, "does not match its checksums"),
        (lambda folder: (folder / "blocks.bin").unlink(), "has 0 bytes"),
        (lambda folder: (folder / "meta.json").unlink(), "meta.json is missing or damaged"),
        (tear_meta, "meta.json is missing or damaged"),
        (change_meta(corpus="another"), "made for another corpus"),
        (change_meta(front_end={"n_mels": 128}), "made for another front_end"),
        (change_meta(dtype="<f4"), "made for another dtype"),
        (change_meta(n_frames=[63, 32]), "holds 2 clips instead of 5"),
    ],
)
def test_a_damaged_or_foreign_cache_is_rebuilt_with_a_note(
    corpus: OpenCorpus,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
    reason: str,
) -> None:
    folder = prepare(corpus, LOG_MEL, cache=tmp_path, progress=silent)
    content = (folder / "blocks.bin").read_bytes(), (folder / "meta.json").read_bytes()
    damage(folder)
    with caplog.at_level(logging.WARNING):
        prepare(corpus, LOG_MEL, cache=tmp_path, progress=silent)
    assert len(caplog.records) == 1
    assert re.search(reason, caplog.text)
    assert ((folder / "blocks.bin").read_bytes(), (folder / "meta.json").read_bytes()) == content


def test_another_corpus_or_front_end_has_a_cache_of_its_own(corpus: OpenCorpus, tmp_path: Path) -> None:
    other_table = dataclasses.replace(corpus.table, fingerprint="f" * 64)
    other = dataclasses.replace(corpus, table=other_table)
    coarse = dataclasses.replace(LOG_MEL, n_mels=40)
    folders = [
        prepare(c, front_end, cache=tmp_path, progress=silent)
        for c in (corpus, other)
        for front_end in (LOG_MEL, coarse)
    ]
    assert len(set(folders)) == 4
    assert open_features(folders[1]).block(0).shape == (40, 63)


@pytest.mark.parametrize("suffix", ["flac", "wav", "mp3"])
def test_mp3_flac_and_wav_decode_to_the_samples_written(tmp_path: Path, suffix: str) -> None:
    table = make_table(n_train=1, n_valid=1, n_test=1, suffix=suffix)
    write_corpus(tmp_path, table, seconds=(1.0,))
    audio = read_audio(tmp_path / f"000.{suffix}", SAMPLE_RATE)
    assert audio.dtype == np.float32
    assert len(audio) >= SAMPLE_RATE  # MP3 adds its coder's delay
    assert 0.01 < audio.std() < 0.3


def test_other_rates_are_resampled_and_channels_averaged(tmp_path: Path) -> None:
    time = np.arange(44_100) / 44_100
    left, right = np.sin(2 * np.pi * 440 * time), np.sin(2 * np.pi * 1000 * time)
    soundfile.write(tmp_path / "a.wav", np.stack([left, right], axis=1), 44_100, subtype="FLOAT")
    audio = read_audio(tmp_path / "a.wav", SAMPLE_RATE)
    at_16k = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    expected = (np.sin(2 * np.pi * 440 * at_16k) + np.sin(2 * np.pi * 1000 * at_16k)) / 2
    assert len(audio) == SAMPLE_RATE
    assert np.abs(audio - expected)[200:-200].max() < 0.01


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "001.flac is empty"),
        (b"this is no audio" * 100, "001.flac cannot be decoded"),
        (None, "001.flac is missing"),
    ],
)
def test_bad_audio_is_refused_by_name_and_leaves_no_cache(
    corpus: OpenCorpus, tmp_path: Path, content: bytes | None, message: str
) -> None:
    bad = corpus.root / "001.flac"
    bad.unlink() if content is None else bad.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        prepare(corpus, LOG_MEL, cache=tmp_path, progress=silent)
    assert not features_folder(tmp_path, corpus.table.fingerprint, LOG_MEL).exists()
    assert not list((tmp_path / "features").glob("*.tmp"))


def test_bad_audio_met_by_another_process_is_refused_by_name(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "audio", make_table(n_train=60, n_valid=10, n_test=10), seconds=(0.1,))
    (corpus.root / "077.flac").write_bytes(b"")
    with pytest.raises(CorpusError, match=r"077.flac is empty"):
        prepare(corpus, LOG_MEL, cache=tmp_path, progress=silent)


def test_a_cut_mp3_is_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path, make_table(n_train=1, n_valid=1, n_test=1, suffix="mp3"), seconds=(3.0,))
    whole = (tmp_path / "000.mp3").read_bytes()
    (tmp_path / "000.mp3").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorpusError, match=r"000.mp3 is damaged: \d+ of \d+ samples decode"):
        read_audio(tmp_path / "000.mp3", SAMPLE_RATE)


def test_a_clip_of_less_than_half_a_window_is_refused(corpus: OpenCorpus, tmp_path: Path) -> None:
    soundfile.write(corpus.root / "000.flac", np.zeros(256, np.float32), SAMPLE_RATE)
    with pytest.raises(CorpusError, match=r"000.flac has 256 samples, and a frame needs more than 256"):
        prepare(corpus, LOG_MEL, cache=tmp_path, progress=silent)


def test_opening_a_folder_without_features_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds no features; run"):
        open_features(tmp_path)

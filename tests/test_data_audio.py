"""Reading audio: any format gives the same samples, and every kind of bad file its own reason."""

import os
import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile

from tagsearch.data.audio import audio_seconds, read_audio, source_of
from tagsearch.errors import BadAudioError

RATE = 16_000
TIME = np.arange(RATE) / RATE
SOUND = (0.3 * np.sin(2 * np.pi * 440 * TIME) + 0.2 * np.sin(2 * np.pi * 1000 * TIME)).astype(np.float32)
LONG = np.tile(SOUND, 6)


def read(path: Path) -> np.ndarray:
    return read_audio(path, RATE, npy_rate=RATE)


def reason_of(path: Path) -> str:
    with pytest.raises(BadAudioError) as caught:
        read(path)
    return str(caught.value)


# --- good files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "subtype", "error"),
    [
        ("a.wav", "PCM_16", 4e-5),
        ("a.wav", "PCM_24", 2e-7),
        ("a.wav", "FLOAT", 0),
        ("a.flac", "PCM_16", 4e-5),
        ("a.flac", "PCM_24", 2e-7),
        ("a.ogg", "VORBIS", 0.04),
        ("Ein Stück, naïve 音楽.flac", "PCM_16", 4e-5),
        ("A.WAV", "PCM_16", 4e-5),
    ],
)
def test_every_format_decodes_to_the_samples_written(tmp_path: Path, name: str, subtype: str, error: float) -> None:
    soundfile.write(tmp_path / name, SOUND, RATE, subtype=subtype)
    audio = read(tmp_path / name)
    assert audio.dtype == np.float32
    assert audio.shape == SOUND.shape
    assert np.abs(audio - SOUND).max() <= error


def test_mp3_decodes_to_the_sound_written(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.mp3", SOUND, RATE)
    audio = read(tmp_path / "a.mp3")
    assert len(audio) >= RATE  # some writers' padding stays
    assert np.abs(audio[2000:14_000] - SOUND[2000:14_000]).max() < 0.02


def test_a_file_is_known_by_its_content_not_by_its_suffix(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", SOUND, RATE)
    (tmp_path / "a.flac").rename(tmp_path / "a.mp3")
    assert np.abs(read(tmp_path / "a.mp3") - SOUND).max() < 2e-5


def test_channels_are_averaged(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([SOUND, 0.5 * SOUND, np.zeros_like(SOUND)], axis=1), RATE, "FLOAT")
    assert np.abs(read(tmp_path / "a.wav") - 0.5 * SOUND).max() < 1e-6


@pytest.mark.parametrize("rate", [8_000, 11_127, 22_050, 44_100, 48_000])
def test_other_rates_are_resampled(tmp_path: Path, rate: int) -> None:
    """11,127 Hz shares no factor with 16 kHz."""
    sound = scipy.signal.resample(SOUND, rate)  # the spectrum, cut or padded: exact for these whole-second tones
    soundfile.write(tmp_path / "a.wav", sound, rate, "FLOAT")
    audio = read(tmp_path / "a.wav")
    assert audio.dtype == np.float32
    assert len(audio) == RATE
    assert np.abs(audio - SOUND)[400:-400].max() < 0.01


def test_a_file_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", SOUND, RATE)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[21] |= 0x0F  # the 36 bits that say how many samples there are
    content[22:26] = b"\xff" * 4
    (tmp_path / "a.flac").write_bytes(content)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 36, limits[1]))
    try:
        assert (
            reason_of(tmp_path / "a.flac") == f"cannot be decoded (its {(1 << 36) - 1} samples do not fit into memory)"
        )
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


@pytest.mark.parametrize(
    "stored",
    [SOUND, SOUND[None], SOUND.astype(np.float64), np.rint(SOUND * 32768).astype(np.int16), SOUND.astype(">f4")],
    ids=["float32", "one row", "float64", "int16", "big-endian"],
)
def test_npy_holds_float_or_16_bit_samples(tmp_path: Path, stored: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", stored)
    audio = read(tmp_path / "a.npy")
    assert audio.dtype == np.float32
    assert audio.shape == SOUND.shape
    assert np.abs(audio - SOUND).max() <= 2e-5


def test_npy_is_at_the_rate_that_the_corpus_gives(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", scipy.signal.resample(SOUND, 8_000).astype(np.float32))
    audio = read_audio(tmp_path / "a.npy", RATE, npy_rate=8_000)
    assert np.abs(audio - SOUND)[400:-400].max() < 0.01
    assert audio_seconds(tmp_path / "a.npy", npy_rate=8_000) == 1.0


@pytest.mark.parametrize("suffix", ["mp3", "wav", "flac"])
def test_the_length_by_the_header_is_known_without_decoding(tmp_path: Path, suffix: str) -> None:
    soundfile.write(tmp_path / f"a.{suffix}", LONG, RATE)
    assert audio_seconds(tmp_path / f"a.{suffix}", npy_rate=RATE) == pytest.approx(6.0, abs=0.1)


# --- bad files: content ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mp3", "wav", "flac", "npy"])
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_a_cut_file_is_truncated(tmp_path: Path, suffix: str, share: float) -> None:
    path = tmp_path / f"a.{suffix}"
    np.save(path, LONG) if suffix == "npy" else soundfile.write(path, LONG, RATE)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(BadAudioError, match=r"^truncated \((\d+) of (\d+) samples decode\)$") as caught:
        read(path)
    n_decoded, promised = (int(word) for word in caught.value.detail.split() if word.isdigit())
    assert promised == pytest.approx(96_000, abs=3)
    assert n_decoded == pytest.approx(share * 96_000, abs=8000)  # bytes are not spread evenly over a file


def test_a_wav_file_written_into_a_pipe_promises_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", SOUND, RATE)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    place = content.index(b"data") + 4
    content[place : place + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(content)
    assert len(read(tmp_path / "a.wav")) == RATE


def test_damage_in_the_middle_is_noticed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", LONG, RATE)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = np.random.default_rng(0).bytes(3000)
    (tmp_path / "a.flac").write_bytes(content)
    assert reason_of(tmp_path / "a.flac").startswith(("truncated (", "cannot be decoded ("))


@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.flac", "a.ogg", "no suffix"])
def test_garbage_cannot_be_decoded(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"this is no audio" * 500)
    assert reason_of(tmp_path / name) == "cannot be decoded (not a known audio format)"


def test_a_broken_header_cannot_be_decoded_and_the_decoder_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(b"fLaC" + b"x" * 1000)
    assert reason_of(tmp_path / "a.flac") == "cannot be decoded (unknown error in flac decoder)"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("write", [lambda p, x: soundfile.write(p, x, RATE, "FLOAT"), lambda p, x: np.save(p, x)])
def test_samples_that_are_no_numbers_are_refused(
    tmp_path: Path, value: float, write: Callable[[Path, np.ndarray], None]
) -> None:
    sound = SOUND.copy()
    sound[7000] = value
    path = tmp_path / ("a.wav" if "soundfile" in write.__code__.co_names else "a.npy")
    write(path, sound)
    assert reason_of(path) == "holds NaN or infinity"


def test_values_that_no_spectrum_holds_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", SOUND * np.float32(1e20), RATE, "FLOAT")
    assert reason_of(tmp_path / "a.wav") == "holds impossible values (up to 5e+19)"


def test_a_file_without_samples_is_too_short(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", SOUND[:0], RATE)
    assert reason_of(tmp_path / "a.wav") == "too short (no samples)"


def test_an_absurd_rate_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", SOUND, 2_000_003)
    assert reason_of(tmp_path / "a.wav") == "impossible sample rate (2000003 Hz)"


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (np.zeros((2, 500), np.float32), "an array of shape (2, 500), not one channel"),
        (np.zeros(500, np.int32), "an array of int32, not of float or int16 samples"),
        (np.zeros(500, np.complex64), "an array of complex64, not of float or int16 samples"),
        (np.array([{"a": 1}]), "an array of object, not of float or int16 samples"),
    ],
)
def test_other_arrays_are_refused_and_nothing_is_unpickled(tmp_path: Path, stored: np.ndarray, reason: str) -> None:
    np.save(tmp_path / "a.npy", stored, allow_pickle=True)
    assert reason_of(tmp_path / "a.npy") == f"cannot be decoded ({reason})"


@pytest.mark.parametrize(
    "content", [b"no array", b"\x93NUMPY\x01\x00\x10\x00{'broken", b"\x93NUMPY\x07\x00" + b"x" * 99]
)
def test_a_npy_file_without_a_header_cannot_be_decoded(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    assert reason_of(tmp_path / "a.npy").startswith("cannot be decoded (")


def test_a_header_that_promises_a_terabyte_takes_no_memory(tmp_path: Path) -> None:
    with (tmp_path / "a.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (1 << 38,)})
        file.write(SOUND.tobytes())
    assert reason_of(tmp_path / "a.npy") == f"truncated (16000 of {1 << 38} samples decode)"


# --- bad files: the file itself --------------------------------------------------------------------------------------


def source_reason(root: Path, path: str) -> str:
    with pytest.raises(BadAudioError) as caught:
        source_of(root, path)
    return str(caught.value)


def test_a_source_is_known_by_path_size_and_time_of_change(tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b" / "é.mp3").write_bytes(b"1234")
    os.utime(tmp_path / "a b" / "é.mp3", ns=(0, 1_700_000_000_123_456_789))
    assert source_of(tmp_path, "a b/é.mp3") == ("a b/é.mp3", 4, 1_700_000_000_123_456_789)


def test_what_is_no_file_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "folder.mp3").mkdir()
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "loop.mp3").symlink_to("pool.mp3")
    (tmp_path / "pool.mp3").symlink_to("loop.mp3")
    (tmp_path / "dangling.mp3").symlink_to("nowhere")
    reasons = {
        "gone.mp3": "missing",
        "empty.mp3/below.mp3": "missing",
        "dangling.mp3": "missing",
        "empty.mp3": "empty",
        "folder.mp3": "not a regular file (a folder)",
        "pipe.mp3": "not a regular file",
        "loop.mp3": "symlink loop",
        "null\0.mp3": "missing (embedded null byte)",
        "n" * 300: "cannot be read (File name too long)",
    }
    assert {path: source_reason(tmp_path, path) for path in reasons} == reasons


@pytest.mark.parametrize("path", ["../secret.mp3", "a/../../secret.mp3", "/etc/passwd", ".."])
def test_a_path_out_of_the_corpus_folder_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.mp3").write_bytes(b"audio")
    (tmp_path / "corpus").mkdir()
    assert source_reason(tmp_path / "corpus", path) == "path escapes the corpus folder"


def test_dots_that_stay_inside_and_links_made_on_purpose_are_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.mp3").write_bytes(b"audio")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "0").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "corpus" / "1").mkdir()
    (tmp_path / "corpus" / "..odd.mp3").write_bytes(b"audio")
    for path in ("0/x.mp3", "1/../0/x.mp3", "..odd.mp3"):
        assert source_of(tmp_path / "corpus", path).size == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter any folder")
def test_a_folder_that_may_not_be_entered_is_told(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked").chmod(0)
    assert source_reason(tmp_path, "locked/a.mp3") == "no permission to read it"
    (tmp_path / "locked").chmod(0o700)


def test_a_folder_whose_stat_is_denied_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(self: Path) -> os.stat_result:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "stat", deny)
    assert source_reason(tmp_path, "locked/a.mp3") == "no permission to read it"

"""Reading audio files, of which nothing is taken for granted: neither that they are there nor that they are whole.

Conventions: audio is float32, mono (the mean of the channels), full scale is 1. soundfile decodes everything (MP3,
FLAC, WAV, OGG, ...) but `.npy`, which numpy reads (never unpickling): float or int16 samples, (n,) or (1, n), at the
sample rate that the corpus gives. Other rates are resampled by polyphase filtering (scipy), whose cost does not explode
where two rates share no factor. What is wrong with a file is a BadAudioError; an OSError is what may pass (a network
disk, a permission).

What cannot be told: that an OGG file, or an MP3 file without a length in its header, was cut off; it counts as whole.
"""

import errno
import math
import posixpath
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import soundfile

from tagsearch.errors import BadAudioError

Samples = npt.NDArray[np.float32]

# A decoder that meets damage inside a file skips it without an error: fewer samples than the header promises. A little
# less is no damage: the length in an MP3's header may be an estimate.
_SHORTFALL = 0.99
_WHEN_COUNTING = 4096  # samples at once, to find out how many decode
_MAX_RATE = 1_000_000  # Hz; audio has at most 768,000
_MAX_VALUE = 1e15  # beyond it the power of a spectrum leaves float32
_UNKNOWN_LENGTH = 0x7FFF_F000  # bytes; programs that write WAV into a pipe promise this or more
_SHORT_CHUNK = re.compile(r"^\s*data : (\d+) \(should be (\d+)\)", re.MULTILINE)  # in libsndfile's notes on a WAV file


class Source(NamedTuple):
    """A file as it was: another size or time of change is another source."""

    path: str  # as in the corpus's table, relative to its root
    size: int  # bytes
    mtime_ns: int


def source_of(root: Path, path: str) -> Source:
    """The file at `path` in the corpus folder `root`. Raises BadAudioError if it is missing, empty or no file.

    Only the path is checked to stay inside: a link that leads out was made on purpose, as for audio on another disk."""
    if posixpath.isabs(path) or posixpath.normpath(path).split("/")[0] == "..":
        raise BadAudioError("path escapes the corpus folder")
    try:
        status = (root / path).stat()
    except OSError as error:
        raise unreadable(error) from error
    except ValueError as error:  # a null byte
        raise BadAudioError("missing", str(error)) from error
    if not stat.S_ISREG(status.st_mode):
        raise BadAudioError("not a regular file", "a folder" if stat.S_ISDIR(status.st_mode) else "")
    if status.st_size == 0:
        raise BadAudioError("empty")
    return Source(path, status.st_size, status.st_mtime_ns)


def unreadable(error: OSError) -> BadAudioError:
    """What it means for the file that could not be looked at or opened."""
    if error.errno == errno.ELOOP:
        return BadAudioError("symlink loop")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return BadAudioError("missing")
    if isinstance(error, PermissionError):
        return BadAudioError("no permission to read it")
    return BadAudioError("cannot be read", error.strerror or "")


def read_audio(path: Path, sample_rate: int, *, npy_rate: int) -> Samples:
    """The file's samples, (n,), at `sample_rate` Hz; a `.npy` file is taken to be at `npy_rate` Hz.

    Raises BadAudioError if the file is no audio, damaged or incomplete, OSError if it cannot be opened."""
    with path.open("rb") as file:
        samples, rate = _decoder(path)(path, file)
    rate = rate or npy_rate
    if not 0 < rate <= _MAX_RATE:
        raise BadAudioError("impossible sample rate", f"{rate} Hz")
    if not len(samples):
        raise BadAudioError("too short", "no samples")
    peak = max(float(samples.max()), -float(samples.min()))  # both are NaN if one sample is
    if not math.isfinite(peak):
        raise BadAudioError("holds NaN or infinity")
    if peak > _MAX_VALUE:
        raise BadAudioError("holds impossible values", f"up to {peak:.0e}")
    return samples if rate == sample_rate else _resampled(samples, rate, sample_rate)


def audio_seconds(path: Path, *, npy_rate: int) -> float:
    """How long the file is by its header. Raises BadAudioError or OSError as `read_audio` does."""
    with path.open("rb") as file:
        if path.suffix.lower() == ".npy":
            return math.prod(_npy_header(file)[0]) / npy_rate
    try:
        info = soundfile.info(path)
    except soundfile.LibsndfileError as error:
        raise _undecodable(error) from error
    return float(info.frames / info.samplerate)


def _resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    from scipy.signal import resample_poly  # most corpora have one rate, and this takes a while to import

    factor = math.gcd(rate, wanted)
    resampled: Samples = resample_poly(samples, wanted // factor, rate // factor).astype(np.float32, copy=False)
    return resampled


# --- decoding: samples, and their rate in Hz or None ------------------------------------------------------------------


def _decode(path: Path, _: BinaryIO) -> tuple[Samples, int]:
    try:
        with soundfile.SoundFile(path) as file:
            promised, rate = _promised(file), file.samplerate
            samples = _all_samples(file)
    except soundfile.LibsndfileError as error:
        _refuse_if_short(*_countable(path))
        raise _undecodable(error) from error
    _refuse_if_short(len(samples), promised)
    return samples, rate


def _all_samples(file: soundfile.SoundFile) -> Samples:
    """Mono. In one piece: after every read soundfile seeks to where it is, and an MP3 file goes on elsewhere."""
    try:
        samples: Samples = file.read(dtype="float32", always_2d=True)
    except (MemoryError, ValueError) as error:  # numpy has no such array
        raise BadAudioError("cannot be decoded", f"its {file.frames} samples do not fit into memory") from error
    return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32)


def _promised(file: soundfile.SoundFile) -> int:
    """Samples that the header promises. libsndfile cuts a WAV file's promise down to what is there, and notes it."""
    cut = _SHORT_CHUNK.search(file.extra_info)
    frames = int(file.frames)
    if cut is None or int(cut[1]) >= _UNKNOWN_LENGTH or int(cut[2]) == 0:
        return frames
    return max(frames, frames * int(cut[1]) // int(cut[2]))


def _countable(path: Path) -> tuple[int, int]:
    """Samples of a damaged file that decode, and that were promised; (0, 0) if not even its header can be read."""
    n_decoded = promised = 0
    try:
        with soundfile.SoundFile(path) as file:
            promised = _promised(file)
            while n := len(file.read(_WHEN_COUNTING, dtype="float32", always_2d=True)):
                n_decoded += n
    except soundfile.LibsndfileError:
        pass
    return n_decoded, promised


def _refuse_if_short(n: int, promised: int) -> None:
    if n < promised * _SHORTFALL:
        raise BadAudioError("truncated", f"{n} of {promised} samples decode")


def _undecodable(error: soundfile.LibsndfileError) -> BadAudioError:
    """In our words where libsndfile's mislead: it takes a file that it does not know for no file."""
    words = str(error.error_string).removeprefix("Error : ").rstrip(".")
    unknown = "not a regular file" in words or "Format not recognised" in words
    return BadAudioError("cannot be decoded", "not a known audio format" if unknown else words)


def _load_npy(_: Path, file: BinaryIO) -> tuple[Samples, None]:
    shape, dtype = _npy_header(file)
    promised = math.prod(shape)
    stored = np.fromfile(file, dtype=dtype, count=min(promised, _bytes_left(file) // dtype.itemsize))
    _refuse_if_short(len(stored), promised)
    scale = np.float32(1 / 32768 if dtype.kind == "i" else 1)
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite, and is refused as such
        return stored.astype(np.float32) * scale, None


def _bytes_left(file: BinaryIO) -> int:
    begin = file.tell()
    end = file.seek(0, 2)
    file.seek(begin)
    return end - begin


def _npy_header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of the array that follows; `file` is left where it begins."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        version = np.lib.format.read_magic(file)
        if version not in readers:
            raise BadAudioError("cannot be decoded", f".npy version {version[0]}.{version[1]}")
        shape, _, dtype = readers[version](file)
    except ValueError as error:
        raise BadAudioError("cannot be decoded", "not a .npy file") from error
    if dtype.kind != "f" and dtype.newbyteorder("=") != np.int16:
        raise BadAudioError("cannot be decoded", f"an array of {dtype}, not of float or int16 samples")
    if not (len(shape) == 1 or (len(shape) == 2 and shape[0] == 1)):
        raise BadAudioError("cannot be decoded", f"an array of shape {shape}, not one channel")
    return shape, dtype


_Decoder = Callable[[Path, BinaryIO], tuple[Samples, int | None]]
_DECODERS: Mapping[str, _Decoder] = {".npy": _load_npy}  # by suffix; soundfile knows the others by their content


def _decoder(path: Path) -> _Decoder:
    return _DECODERS.get(path.suffix.lower(), _decode)

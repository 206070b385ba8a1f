"""From audio files to log-mel blocks. Runs in worker processes, one torch thread each.

Conventions: audio is float32 in [-1, 1], mono (the mean of the channels), at the front end's sample rate; a block is
float32 (n_mels, n_frames) in decibels, see tagsearch.data.frontend. One clip at a time: on a CPU larger batches leave
the cache and are slower.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import torch
import torchaudio

from tagsearch.data.frontend import FrontEnd, LogMel
from tagsearch.errors import CorpusError

# A decoder that meets damage inside a file skips it without an error: fewer samples than the header promises.
_SHORTFALL = 0.99


def log_mel_of_files(paths: Sequence[Path], front_end: FrontEnd) -> list[npt.NDArray[np.float32]]:
    """One block a file. Raises CorpusError naming the first file that cannot be decoded."""
    assert isinstance(front_end, LogMel)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            return [_log_mel(path, front_end) for path in paths]
    finally:
        torch.set_num_threads(n_threads)


def _log_mel(path: Path, front_end: LogMel) -> npt.NDArray[np.float32]:
    audio = read_audio(path, front_end.sample_rate)
    if len(audio) <= front_end.n_fft // 2:
        raise CorpusError(
            f"{path} has {len(audio)} samples, and a frame needs more than {front_end.n_fft // 2}; remove or replace it"
        )
    block: npt.NDArray[np.float32] = _transform(front_end)(torch.from_numpy(audio)).numpy()
    if not np.isfinite(block).all():
        raise CorpusError(f"{path} holds samples that are not numbers; remove or replace it")
    return block


def read_audio(path: Path, sample_rate: int) -> npt.NDArray[np.float32]:
    """The file's samples, mono, at `sample_rate` Hz. Raises CorpusError if it is missing, empty or damaged."""
    if not path.is_file() or path.stat().st_size == 0:
        raise CorpusError(f"{path} is {'empty' if path.is_file() else 'missing'}; restore it from the corpus's source")
    try:
        with soundfile.SoundFile(path) as file:
            promised, rate = file.frames, file.samplerate
            samples: npt.NDArray[np.float32] = file.read(dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise CorpusError(f"{path} cannot be decoded ({error.error_string}); restore it from its source") from error
    if len(samples) < promised * _SHORTFALL:
        raise CorpusError(f"{path} is damaged: {len(samples)} of {promised} samples decode; restore it from its source")
    mono: npt.NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32)
    if rate == sample_rate:
        return mono
    resampled: npt.NDArray[np.float32] = torchaudio.functional.resample(
        torch.from_numpy(mono), rate, sample_rate
    ).numpy()
    return resampled


@lru_cache(maxsize=4)
def _transform(front_end: LogMel) -> torch.nn.Module:
    mel = torchaudio.transforms.MelSpectrogram(
        sample_rate=front_end.sample_rate,
        n_fft=front_end.n_fft,
        hop_length=front_end.hop,
        n_mels=front_end.n_mels,
        f_min=front_end.f_min,
        f_max=front_end.f_max,
        power=2.0,
        center=True,
        norm=None,
        mel_scale="htk",
    )
    return torch.nn.Sequential(mel, torchaudio.transforms.AmplitudeToDB("power", top_db=None))

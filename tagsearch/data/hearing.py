"""Cutting the excerpts that let a reader of the report hear the test clips (see tagsearch.excerpts)."""

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import soundfile

from tagsearch.data.audio import Samples, read_audio
from tagsearch.data.compute import LogMelBlocks, one_thread
from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.frontend import LogMel
from tagsearch.errors import BadAudioError
from tagsearch.excerpts import Excerpt, clips_to_hear

SECONDS = 8.0  # from the middle of the clip: enough to judge a tag, and 50 of them are 1.6 MB
_PICTURE = LogMel(n_mels=64, hop=512)  # coarser than what networks hear: it is shown a few centimetres wide
_RANGE_DB = 60.0  # of the picture, below its loudest value


def cut_excerpts(corpus: OpenCorpus, *, say: Callable[[str], None]) -> list[Excerpt]:
    """The middle of the first test clip of every tag; `say` gets a line for each file that gives none."""
    excerpts = []
    for tag, row in clips_to_hear(corpus.table):
        path = str(corpus.table.paths[row])
        try:
            audio = read_audio(corpus.root / path, _PICTURE.sample_rate, npy_rate=corpus.sample_rate)
            excerpts.append(_cut(audio, tag, row))
        except (BadAudioError, OSError, soundfile.LibsndfileError) as error:  # too short to show; no MP3 encoder
            say(f"no excerpt of {path}: {error}")
    return excerpts


def _cut(audio: Samples, tag: str, row: int) -> Excerpt:
    rate = _PICTURE.sample_rate
    length = min(len(audio), round(SECONDS * rate))
    start = (len(audio) - length) // 2
    cut = audio[start : start + length]
    return Excerpt(
        tag=tag, row=row, start=start / rate, seconds=length / rate, audio=_mp3(cut, rate), log_mel=_picture(cut)
    )


def _mp3(audio: Samples, rate: int) -> bytes:
    """The format that every browser plays; 32 kbit/s, as MagnaTagATune's own files."""
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(audio, -1, 1), rate, format="MP3", bitrate_mode="CONSTANT", compression_level=0.85)
    return buffer.getvalue()


def _picture(audio: Samples) -> npt.NDArray[np.uint8]:
    with one_thread():
        decibels = LogMelBlocks(_PICTURE).unrounded(audio)
    shown = np.clip(decibels - decibels.max(), -_RANGE_DB, 0) / _RANGE_DB + 1
    picture: npt.NDArray[np.uint8] = np.round(255 * shown).astype(np.uint8)
    return picture

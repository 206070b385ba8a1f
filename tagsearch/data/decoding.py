"""Whether audio decodes on this machine: what libsndfile was built with shows only when it is asked."""

import io

import numpy as np
import soundfile

_RATE = 16_000  # Hz
_FORMATS = ("MP3", "FLAC", "WAV")


def undecodable_formats() -> dict[str, str]:
    """Formats of which a second, made in memory, cannot be written and read back whole: why not, by name."""
    return {name: why for name in _FORMATS if (why := _complaint(name))}


def _complaint(name: str) -> str:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(_RATE) / _RATE)
    file = io.BytesIO()
    try:
        soundfile.write(file, tone, _RATE, format=name)
        file.seek(0)
        read, rate = soundfile.read(file, dtype="float32")
    except (soundfile.LibsndfileError, ValueError) as error:
        return str(error)
    if rate != _RATE or len(read) < _RATE:
        return f"{len(read):,} samples at {rate} Hz of {_RATE:,} at {_RATE} Hz come back"
    return ""

"""What a model hears: the description of a feature front end. Needs neither torch nor numpy.

Conventions: a block is (n_rows, n_frames) of one whole clip; a chunk is consecutive frames of it.

`LogMel`: n_rows mel bands. Frames are centred: frame t is centred on sample t * hop, so n samples give n // hop + 1
frames. Mel filters follow the HTK scale without area normalisation, on the power spectrogram of a Hann window of n_fft
samples. Values are decibels, 10 log10(max(power, 1e-10)), with no floor relative to the clip's loudest moment (no
top_db): a block does not depend on what else is in its clip.

`Waveform`: one row, a frame is a sample, values in [-1, 1].
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class FrontEnd(ABC):
    """Two front ends of one kind with equal fields share one feature cache."""

    kind: ClassVar[str]
    sample_rate: int = 16_000  # Hz; MTAT's clips are 16 kHz

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Rows of a block."""

    @abstractmethod
    def frames(self, seconds: float) -> int:
        """How many frames that many seconds of audio give."""

    @property
    @abstractmethod
    def frame_seconds(self) -> float:
        """From one frame to the next."""

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.kind}{self.n_rows}"

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}

    def key(self) -> str:
        """A folder name that is the same for equal front ends only."""
        digest = hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()
        return f"{self.kind}{self.n_rows}-{digest[:8]}"


@dataclass(frozen=True, kw_only=True)
class LogMel(FrontEnd):
    """Mel spectrogram in decibels, see the module."""

    kind: ClassVar[str] = "log_mel"
    n_fft: int = 512  # samples; the homework's window, 32 ms
    hop: int = 256  # samples; half a window
    n_mels: int = 96  # the homework's; at n_fft 512 every band still holds a bin (128 leave the lowest empty)
    f_min: float = 0.0  # Hz
    f_max: float = 8_000.0  # Hz; half the sample rate

    @property
    def n_rows(self) -> int:
        return self.n_mels

    def frames(self, seconds: float) -> int:
        return round(seconds * self.sample_rate) // self.hop + 1

    @property
    def frame_seconds(self) -> float:
        return self.hop / self.sample_rate


@dataclass(frozen=True, kw_only=True)
class Waveform(FrontEnd):
    """The samples themselves, mono."""

    kind: ClassVar[str] = "waveform"

    @property
    def n_rows(self) -> int:
        return 1

    @property
    def label(self) -> str:
        return self.kind

    def frames(self, seconds: float) -> int:
        return round(seconds * self.sample_rate)

    @property
    def frame_seconds(self) -> float:
        return 1 / self.sample_rate


LOG_MEL = LogMel()  # the homework's front end, shared by its models and by half of the field's
LOG_MEL_128 = LogMel(n_mels=128)  # of the short-chunk and self-attention models of Won et al. 2020
WAVEFORM = Waveform()

_KINDS: dict[str, type[FrontEnd]] = {front_end.kind: front_end for front_end in (LogMel, Waveform)}


def front_end_from_json(content: Mapping[str, Any]) -> FrontEnd:
    """What `to_json` gave. Raises KeyError or TypeError on anything else."""
    fields = dict(content)
    return _KINDS[fields.pop("kind")](**fields)

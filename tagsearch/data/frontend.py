"""What a model hears: the description of a feature front end. Needs neither torch nor numpy.

Conventions: a log-mel block is (n_mels, n_frames). Frames are centred: frame t is centred on sample t * hop, so
n samples give n // hop + 1 frames. Mel filters follow the HTK scale without area normalisation, on the power
spectrogram of a Hann window of n_fft samples. Values are decibels, 10 log10(max(power, 1e-10)), with no floor relative
to the clip's loudest moment (no top_db): a block does not depend on what else is in its clip.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class FrontEnd:
    """Two front ends with equal fields share one feature cache."""

    kind: Literal["log_mel"] = "log_mel"
    sample_rate: int = 16_000  # Hz; MTAT's clips are 16 kHz
    n_fft: int = 512  # samples; the homework's window, 32 ms
    hop: int = 256  # samples; half a window
    n_mels: int = 96  # the homework's; at n_fft 512 every band still holds a bin (128 would leave one empty)
    f_min: float = 0.0  # Hz
    f_max: float = 8_000.0  # Hz; half the sample rate

    def key(self) -> str:
        """A folder name that is the same for equal front ends only."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return f"{self.kind}{self.n_mels}-{digest[:8]}"

    def frames(self, seconds: float) -> int:
        """How many frames that many seconds of audio give."""
        return round(seconds * self.sample_rate) // self.hop + 1


LOG_MEL = FrontEnd()  # the homework's front end, shared by its models

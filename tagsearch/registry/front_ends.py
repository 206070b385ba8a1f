"""What a plan has to know of the front ends: which models share one, and how much disk its features take.

How they are computed is in tagsearch.data; a test compares the two.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class FrontEndFacts:
    """`kind`: see tagsearch.data.frontend. Equal facts, one feature cache."""

    kind: str
    n_rows: int
    frames_per_second: float
    value_bytes: int  # as kept on disk

    @property
    def bytes_per_second(self) -> float:
        """Of audio."""
        return self.n_rows * self.frames_per_second * self.value_bytes


LOG_MEL = FrontEndFacts(kind="log_mel", n_rows=96, frames_per_second=62.5, value_bytes=2)
LOG_MEL_128 = FrontEndFacts(kind="log_mel", n_rows=128, frames_per_second=62.5, value_bytes=2)
WAVEFORM = FrontEndFacts(kind="waveform", n_rows=1, frames_per_second=16_000.0, value_bytes=2)

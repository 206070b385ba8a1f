"""How fast a slot trains, by estimate."""

from dataclasses import dataclass

from tagsearch.registry import ModelEntry

BACKWARD_COST = 3.0  # forward and backward, in forwards


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Of one slot. `macs_per_second` None: every model takes its own measured time (ModelEntry.core_ms)."""

    macs_per_second: float | None
    seconds_per_step: float  # what a training step costs besides its arithmetic

    def forward_seconds(self, model: ModelEntry) -> float:
        """Of one chunk at the model's default knobs."""
        if self.macs_per_second is None:
            return model.core_ms / 1e3 / BACKWARD_COST
        return model.mega_macs * 1e6 / self.macs_per_second


CPU_SPEED = Speed(macs_per_second=None, seconds_per_step=2e-3)
GPU_SPEED = Speed(macs_per_second=2e12, seconds_per_step=4e-3)  # not measured; small networks wait for kernel starts
WIDTH_EXPONENT = 1.35  # arithmetic grows with the square, but narrow layers use a core worse: measured from width 8 up

"""What an architecture costs at the knobs of a configuration, by arithmetic, before anything is built."""

from tagsearch.records import Config
from tagsearch.registry import MODELS


def forward_mega_macs(config: Config) -> float | None:
    """Multiply-accumulates of one chunk's forward pass, in millions: the registry's, which holds at the default knobs,
    times the square of the width and times the length of the chunk. None for a configuration without a known model."""
    model = MODELS.get(str(config.get("model")))
    if model is None:
        return None
    width = model.knobs[model.macs_knob]
    wider = float(config.get(f"model.{model.macs_knob}", width.default)) / float(width.default)
    longer = 1.0
    if "chunk_seconds" in model.knobs:
        longer = float(config.get("model.chunk_seconds", model.default_chunk_seconds)) / model.default_chunk_seconds
    return model.mega_macs * wider**2 * longer

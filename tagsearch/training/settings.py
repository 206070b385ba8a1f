"""What a trial needs besides its TrialSpec: the same for all trials of a study. Needs no torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tagsearch.study.schema import Stop


@dataclass(frozen=True, kw_only=True)
class TrialSettings:
    corpus: Path  # a corpus.npz, see records.CorpusTable
    features: Path  # view from data.features.write_view, for the corpus and the front end of this trial's model
    repeat_short: bool = False  # clips shorter than a chunk are repeated to fill it, else refused
    objective: str  # key of registry.OBJECTIVES
    checkpoint: Literal["best", "last"]  # which epoch's weights are the trial's
    stop: Stop
    snapshots: tuple[int, ...]  # epochs whose weights are scored too
    device: str  # "cpu" or "cuda"
    gpu_share: float = 1.0  # of the GPU's memory that is the trial's; without a meaning on a CPU

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"corpus": str(self.corpus), "features": str(self.features)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "TrialSettings":
        """Raises TypeError on an unknown or missing field."""
        paths = {"corpus": Path(content["corpus"]), "features": Path(content["features"])}
        rest = {"stop": Stop(**content["stop"]), "snapshots": tuple(content["snapshots"])}
        return cls(**{**content, **paths, **rest})

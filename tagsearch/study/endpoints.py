"""What a claim measures, and how its numbers are told.

Estimates are in units in which the rule is linear: the metric itself for ROC and PR AUC, and -ln of the divergence for
balance, where a difference of arms is the logarithm of a ratio. `told` turns that back into a relative reduction.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tagsearch.records import FINAL
from tagsearch.study.schema import ClaimMetric, Part, TagGroup

BEYOND_TELLING = 700.0  # of an exponent: the largest that a float's exponential takes
METRIC_NAMES: Mapping[ClaimMetric, str] = {"roc_auc": "ROC AUC", "pr_auc": "PR AUC", "balance": "balance"}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A metric as the mean over `tags` (less that over `beyond`) of a checkpoint's scores."""

    metric: ClaimMetric
    tags: TagGroup | tuple[str, ...] = "all"
    beyond: TagGroup | None = None
    checkpoint: str = FINAL

    @property
    def name(self) -> str:
        """ "PR AUC", "PR AUC of tail tags beyond head tags at epoch10"."""
        words = [METRIC_NAMES[self.metric]]
        if self.tags != "all":
            words.append(f"of {_tags(self.tags)}")
        if self.beyond:
            words.append(f"beyond {_tags(self.beyond)}")
        if self.checkpoint != FINAL:
            words.append(f"at {self.checkpoint}")
        return " ".join(words)

    @property
    def is_relative(self) -> bool:
        """Whether effects and margins are told as shares of the rival's value."""
        return self.metric == "balance"

    def told(self, value: float) -> float:
        """An effect as it is told: a relative reduction for balance, the difference itself else."""
        return -math.expm1(min(-value, BEYOND_TELLING)) if self.is_relative else value

    def inner(self, margin: float) -> float:
        """A declared margin in the units of the estimate."""
        return -math.log1p(-min(margin, 0.99)) if self.is_relative else margin


def _tags(tags: TagGroup | tuple[str, ...]) -> str:
    if isinstance(tags, str):
        return f"{tags} tags"
    return ", ".join(tags) if len(tags) <= 3 else f"{len(tags)} tags"


def endpoint(part: Part, metric: ClaimMetric) -> Endpoint:
    return Endpoint(metric=metric, tags=part.tags, beyond=part.beyond, checkpoint=part.checkpoint)

"""The `hypotheses:` section: claims about arms, declared before the confirm phase.

A hypothesis has parts, or is written as its only part. A part is a claim about arms (see `contrasts`), on metrics, by a
margin; on all tags or some of them; of the final checkpoint or a snapshot. `premise` names what the claim rests on,
`check` what the arms must have changed to say anything of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tagsearch.records import FINAL
from tagsearch.registry import Knob, did_you_mean
from tagsearch.study import fields
from tagsearch.study.contrasts import CLAIM_KEYS, Compared, read_claim
from tagsearch.study.schema import (
    CHECKS,
    CLAIM_METRICS,
    METRICS,
    PREMISES,
    TAG_GROUPS,
    ClaimMetric,
    Hypothesis,
    Part,
    PremiseName,
    TagGroup,
)
from tagsearch.study.yaml_reader import Node

ALPHA = Knob(default=0.05, low=1e-6, high=0.5, reason="the field's convention; split over parts by the verdict rule")
MARGIN = Knob(default=0.0, low=0.0, high=1.0, reason="smallest difference worth having, a fraction of 1")
DEFAULT_MARGINS: Mapping[ClaimMetric, float] = {
    "roc_auc": 0.005,  # half a ROC point
    "pr_auc": 0.010,  # one PR point
    "balance": 0.10,  # a tenth less divergence
}
_PART_KEYS = (*CLAIM_KEYS, "metrics", "margin", "tags", "beyond", "checkpoint", "role")
_KEYS = ("id", "text", "alpha", "premise", "check", "parts", *_PART_KEYS)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a hypothesis is read against."""

    compared: Compared
    snapshots: Sequence[int]
    alpha: float
    margins: Mapping[ClaimMetric, float]


def read_margins(node: Node) -> dict[ClaimMetric, float]:
    """`0.01`, the same for both ranking metrics, or a mapping of metrics, which may leave some at their default."""
    return _margins(node, METRICS)


def _margins(node: Node, metrics: Sequence[ClaimMetric]) -> dict[ClaimMetric, float]:
    if not isinstance(node.value, dict):
        margin: Any = fields.scalar(node, "margin", MARGIN)
        return dict.fromkeys(metrics, margin)
    readers = {str(metric): fields.reader(f"margin of {metric}", MARGIN) for metric in CLAIM_METRICS}
    margins: dict[Any, float] = fields.section(node, "margin", readers)
    return margins


def read_hypotheses(node: Node, context: Context) -> tuple[Hypothesis, ...]:
    found: dict[str, Hypothesis] = {}
    for item in fields.listing(node, "hypotheses"):
        hypothesis = _read_hypothesis(item, context)
        if hypothesis.id in found:
            raise item.error(f"two hypotheses are called {hypothesis.id!r}")
        found[hypothesis.id] = hypothesis
    return tuple(found.values())


def _read_hypothesis(node: Node, context: Context) -> Hypothesis:
    keys = fields.mapping(node, "a hypothesis")
    for key, child in keys.items():
        if key not in _KEYS:
            raise child.error(f"a hypothesis has no key {key!r}{did_you_mean(key, _KEYS)}")
    for key in ("id", "text"):
        if key not in keys:
            raise node.error(f"a hypothesis needs {key}")
    written_here = [key for key in keys if key in _PART_KEYS]
    if "parts" in keys and written_here:
        raise keys[written_here[0]].error(f"{written_here[0]} belongs inside parts, since the hypothesis has them")
    return Hypothesis(
        id=fields.name(keys["id"], "the id of a hypothesis"),
        text=fields.text(keys["text"], "the text of a hypothesis"),
        alpha=float(fields.scalar(keys["alpha"], "alpha", ALPHA)) if "alpha" in keys else context.alpha,
        parts=_read_parts(node, keys, context),
        premises=_read_premises(keys["premise"]) if "premise" in keys else (),
        check=fields.one_of(keys["check"], "a check", CHECKS) if "check" in keys else None,
    )


def _read_premises(node: Node) -> tuple[PremiseName, ...]:
    """One name, or a list of them."""
    if isinstance(node.value, list):
        return fields.distinct(node, "premise", _premise)
    return (_premise(node),)


def _premise(node: Node) -> PremiseName:
    return fields.one_of(node, "a premise", PREMISES)


def _read_parts(node: Node, keys: Mapping[str, Node], context: Context) -> tuple[Part, ...]:
    if "parts" not in keys:
        inline = {key: child for key, child in keys.items() if key in _PART_KEYS}
        return (_read_part(Node(inline, node.place), "1", context),)
    parts: dict[str, Part] = {}
    for k, item in enumerate(fields.listing(keys["parts"], "parts")):
        part = _read_part(item, str(k + 1), context)
        if part.id in parts:
            raise item.error(f"two parts are called {part.id!r}")
        parts[part.id] = part
    return tuple(parts.values())


def _read_part(node: Node, default_id: str, context: Context) -> Part:
    keys = fields.mapping(node, "a part")
    for key, child in keys.items():
        if key not in ("id", *_PART_KEYS):
            raise child.error(f"a part has no key {key!r}{did_you_mean(key, ('id', *_PART_KEYS))}")
    claim = read_claim(node, keys, context.compared)
    metrics = fields.distinct(keys["metrics"], "metrics", _metric) if "metrics" in keys else METRICS
    own_margins = _margins(keys["margin"], metrics) if "margin" in keys else {}
    for metric in own_margins:
        if metric not in metrics:
            raise keys["margin"].error(f"a margin of {metric}, and the part's metrics are {', '.join(metrics)}")
    margins = {**context.margins, **own_margins}
    tags, beyond = _read_tags(keys, metrics)
    return Part(
        id=fields.name(keys["id"], "the id of a part") if "id" in keys else default_id,
        kind=claim.kind,
        contrasts=claim.contrasts,
        steps=claim.steps,
        doublings=claim.doublings,
        at_least=claim.at_least,
        written=claim.written,
        metrics=metrics,
        margins={metric: margins[metric] for metric in metrics},
        tags=tags,
        beyond=beyond,
        checkpoint=_read_checkpoint(keys["checkpoint"], context) if "checkpoint" in keys else FINAL,
        role=fields.one_of(keys["role"], "role", ("primary", "secondary")) if "role" in keys else "primary",
    )


def _read_tags(
    keys: Mapping[str, Node], metrics: Sequence[ClaimMetric]
) -> tuple[TagGroup | tuple[str, ...], TagGroup | None]:
    """The tags a part is about, a group or a list of names, and the group that they are set against."""
    node = keys.get("tags")
    tags: TagGroup | tuple[str, ...] = "all"
    if node is not None and isinstance(node.value, list):
        tags = fields.distinct(node, "tags", lambda child: fields.text(child, "a tag"))
    elif node is not None:
        tags = fields.one_of(node, "tags", TAG_GROUPS)
    if node is not None and tags != "all" and "balance" in metrics:
        raise node.error("balance is of the shares of all tags; claim it in a part of its own, without tags")
    if "beyond" not in keys:
        return tags, None
    beyond = fields.one_of(keys["beyond"], "beyond", TAG_GROUPS)
    if tags in ("all", beyond):
        raise keys["beyond"].error("beyond sets some tags against a group of others: tags: tail, beyond: head")
    return tags, beyond


def _read_checkpoint(node: Node, context: Context) -> str:
    known = (FINAL, *(f"epoch{epoch}" for epoch in context.snapshots))
    return fields.one_of(node, "a checkpoint", known)


def _metric(node: Node) -> ClaimMetric:
    return fields.one_of(node, "a metric", CLAIM_METRICS)

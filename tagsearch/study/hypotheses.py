"""The `hypotheses:` section: claims about arms, declared before the confirm phase.

A hypothesis has parts, or is written as its only part. A part says that `any` or `all` of some arms (or one `arm`) beat
another (`than`, the baseline by default) on the metrics by their margins. `premise` names what the claim rests on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tagsearch.registry import Knob, did_you_mean
from tagsearch.study import fields
from tagsearch.study.schema import METRICS, PREMISES, Hypothesis, Metric, Part, PremiseName
from tagsearch.study.yaml_reader import Node

ALPHA = Knob(default=0.05, low=1e-6, high=0.5, reason="the field's convention; split over parts by the verdict rule")
MARGIN = Knob(default=0.0, low=0.0, high=1.0, reason="smallest difference worth having, a fraction of 1")
DEFAULT_MARGINS: Mapping[Metric, float] = {"roc_auc": 0.005, "pr_auc": 0.010}  # half a ROC point, one PR point
_QUANTIFIERS = ("any", "all", "arm")
_PART_KEYS = (*_QUANTIFIERS, "than", "metrics", "margin", "role")
_KEYS = ("id", "text", "alpha", "premise", "parts", *_PART_KEYS)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a hypothesis is read against."""

    arms: Sequence[str]  # of the confirm phase; the first is the baseline
    alpha: float
    margins: Mapping[Metric, float]


def read_margins(node: Node) -> dict[Metric, float]:
    """`0.01`, the same for both metrics, or a mapping of metrics, which may leave one at its default."""
    if not isinstance(node.value, dict):
        margin: Any = fields.scalar(node, "margin", MARGIN)
        return dict.fromkeys(METRICS, margin)
    readers = {str(metric): fields.reader(f"margin of {metric}", MARGIN) for metric in METRICS}
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
    def known_arm(child: Node) -> str:
        return fields.one_of(child, "an arm", tuple(context.arms))

    readers = {
        "id": lambda child: fields.name(child, "the id of a part"),
        "any": lambda child: fields.distinct(child, "any", known_arm),
        "all": lambda child: fields.distinct(child, "all", known_arm),
        "arm": lambda child: (known_arm(child),),
        "than": known_arm,
        "metrics": lambda child: fields.distinct(child, "metrics", _metric),
        "margin": read_margins,
        "role": lambda child: fields.one_of(child, "role", ("primary", "secondary")),
    }
    values = fields.section(node, "a part", readers)
    chosen = [key for key in _QUANTIFIERS if key in values]
    if len(chosen) != 1:
        raise node.error(
            f"a part needs exactly one of {', '.join(_QUANTIFIERS)}; it has {' and '.join(chosen) or 'none'}"
        )
    arms, than = values[chosen[0]], values.get("than", context.arms[0])
    if than in arms:
        raise fields.mapping(node, "a part")[chosen[0]].error(f"arm {than!r} is compared with itself")
    metrics = values.get("metrics", METRICS)
    margins = {**context.margins, **values.get("margin", {})}
    quantifier: Literal["any", "all"] = "any" if chosen[0] == "any" else "all"
    return Part(
        id=values.get("id", default_id),
        arms=arms,
        quantifier=quantifier,
        than=than,
        metrics=metrics,
        margins={metric: margins[metric] for metric in metrics},
        role=values.get("role", "primary"),
    )


def _metric(node: Node) -> Metric:
    return fields.one_of(node, "a metric", METRICS)

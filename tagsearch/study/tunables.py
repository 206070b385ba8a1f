"""The `tune:` section: tunables in Ray Tune's words, and the checks against the arms they are tuned in.

A tunable must exist in every arm in which its `when:` can hold, and its range must lie inside the knob's. Tunables are
ordered so that whatever a `when:` names is drawn before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from tagsearch.registry import COMPONENTS, TRAINING, Knob, Scalar, did_you_mean
from tagsearch.study import fields
from tagsearch.study.schema import Asha, Kind, Tunable
from tagsearch.study.settings import check_setting, component, components_with
from tagsearch.study.yaml_reader import Node

KINDS: tuple[Kind, ...] = ("uniform", "loguniform", "randint", "lograndint", "choice")
_WHOLE_KINDS = ("randint", "lograndint")
_LOG_KINDS = ("loguniform", "lograndint")

# Spellings of other tools: word -> (whose, what to write here).
FOREIGN = {
    "values": ("W&B's word", "`choice:`"),
    "value": ("W&B's word", "a fixed value in `base:`"),
    "distribution": ("W&B's word", "`uniform:`, `loguniform:`, `randint:`, `lograndint:` or `choice:`"),
    "min": ("W&B's word", "`uniform: [low, high]`"),
    "max": ("W&B's word", "`uniform: [low, high]`"),
    "int_uniform": ("W&B's word", "`randint: [low, high]`, its upper end excluded"),
    "log_uniform": ("W&B's word", "`loguniform: [low, high]`"),
    "log_uniform_values": ("W&B's word", "`loguniform: [low, high]`"),
    "categorical": ("Optuna's word", "`choice:`"),
    "float": ("Optuna's word", "`uniform: [low, high]`"),
    "int": ("Optuna's word", "`randint: [low, high]`, its upper end excluded"),
    "low": ("Optuna's word", "`uniform: [low, high]`"),
    "high": ("Optuna's word", "`uniform: [low, high]`"),
    "log": ("Optuna's word", "`loguniform: [low, high]`"),
    "step": ("Optuna's word", "`choice:` with the steps written out"),
    "range": ("Ax's word", "`uniform: [low, high]`"),
    "type": ("Ax's word", "`uniform:`, `loguniform:`, `randint:`, `lograndint:` or `choice:`"),
    "grid_search": ("Ray's word for comparing", "a factor under `factors:`"),
    "quniform": ("Ray's word for rounded values", "`choice:` with the values written out"),
    "qloguniform": ("Ray's word for rounded values", "`choice:` with the values written out"),
    "qrandint": ("Ray's word for rounded values", "`choice:` with the values written out"),
    "if": ("ConfigSpace's word", "`when:`"),
    "condition": ("ConfigSpace's word", "`when:`"),
}


@dataclass(frozen=True, kw_only=True)
class WrittenTunable:
    """A tunable as written: `node` for its errors, `conditions` for those of its `when:`."""

    tunable: Tunable
    node: Node
    conditions: Mapping[str, Sequence[Node]]


@dataclass(frozen=True, kw_only=True)
class WrittenTune:
    trials_per_arm: int
    search: Literal["random", "optuna"]
    tunables: tuple[WrittenTunable, ...]
    asha: Asha | None
    asha_node: Node


# --- reading ---------------------------------------------------------------------------------------------------------

TRIALS = Knob(default=8, low=1, high=4_999, reason="seeds of tune trials are study seed x 10,000 + 5,001 and up")
GRACE = Knob(default=4, low=1, high=100_000, reason="see schema.Asha")
REDUCTION = Knob(default=3, low=2, high=100, reason="see schema.Asha")


def read_tune(node: Node) -> WrittenTune:
    values = fields.section(
        node,
        "tune",
        {
            "trials_per_arm": fields.reader("tune.trials_per_arm", TRIALS),
            "search": lambda child: fields.one_of(child, "tune.search", ("random", "optuna")),
            "tunables": read_tunables,
            "asha": _read_asha,
        },
    )
    for key in ("trials_per_arm", "tunables"):
        if key not in values:
            raise node.error(f"tune needs {key}: the budget and what it is spent on are declared")
    return WrittenTune(
        trials_per_arm=values["trials_per_arm"],
        search=values.get("search", "optuna"),
        tunables=values["tunables"],
        asha=values.get("asha"),
        asha_node=fields.mapping(node, "tune").get("asha", node),
    )


def _read_asha(node: Node) -> Asha | None:
    if node.value is None:
        return None
    readers = {
        "grace_period": fields.reader("asha.grace_period", GRACE),
        "reduction_factor": fields.reader("asha.reduction_factor", REDUCTION),
    }
    return Asha(**fields.section(node, "asha", readers))


def read_tunables(node: Node) -> tuple[WrittenTunable, ...]:
    written = tuple(_read_tunable(name, child) for name, child in fields.mapping(node, "tunables").items())
    if not written:
        raise node.error("tunables is empty; name one, like `lr: {loguniform: [1.0e-4, 1.0e-1]}`, or leave tune out")
    return written


def _read_tunable(name: str, node: Node) -> WrittenTunable:
    check_setting(name, node, "tunable")
    if not isinstance(node.value, dict):
        raise node.error(
            f"tunable {name} says how to draw, like {{uniform: [0, 1]}} or {{choice: [a, b]}}, not {node.shown}"
        )
    for word, child in node.value.items():
        if word in FOREIGN:
            whose, ours = FOREIGN[word]
            raise child.error(f"tunable {name}: `{word}:` is {whose}; here it is {ours}")
        if word not in (*KINDS, "when"):
            raise child.error(f"tunable {name} has no key {word!r}{did_you_mean(word, (*KINDS, 'when'))}")
    kinds = [word for word in node.value if word != "when"]
    if len(kinds) != 1:
        raise node.error(
            f"tunable {name} needs exactly one of {', '.join(KINDS)}; it has {' and '.join(kinds) or 'none'}"
        )
    conditions = _read_when(name, node.value["when"]) if "when" in node.value else {}
    kind = cast(Kind, kinds[0])
    read = _read_choice if kind == "choice" else _read_range
    values = read(name, kind, node.value[kind])
    when = {setting: tuple(child.plain for child in nodes) for setting, nodes in conditions.items()}
    return WrittenTunable(tunable=Tunable(name=name, kind=kind, when=when, **values), node=node, conditions=conditions)


def _read_range(name: str, kind: Kind, node: Node) -> dict[str, Any]:
    knob_type = _knobs(name)[0].type if name not in COMPONENTS else str
    if knob_type not in (int, float):
        raise node.error(f"tunable {name} is a name, so it takes `choice:`, not `{kind}:`")
    if (knob_type is int) != (kind in _WHOLE_KINDS):
        fitting = "randint or lograndint" if knob_type is int else "uniform or loguniform"
        raise node.error(f"tunable {name} is a {_WORDS[knob_type]}, so it takes {fitting}, not {kind}")
    ends = fields.listing(node, f"{kind} of {name}")
    if len(ends) != 2:
        raise node.error(f"{kind} of {name} takes [low, high], not {node.shown}")
    limit = Knob(default=knob_type(), reason="the knob's own range is checked for each arm")
    low, high = (fields.scalar(end, f"{kind} of {name}", limit) for end in ends)
    assert not isinstance(low, str)
    assert not isinstance(high, str)
    if low >= high:
        raise node.error(f"{kind} of {name} needs low < high, not {node.shown}")
    if kind in _LOG_KINDS and low <= 0:
        raise ends[0].error(f"{kind} of {name} needs low > 0, not {ends[0].shown}")
    return {"low": low, "high": high}


_WORDS = {int: "whole number", float: "number"}


def _read_choice(name: str, kind: Kind, node: Node) -> dict[str, Any]:
    def value(child: Node) -> Scalar:
        if isinstance(child.value, dict):
            raise child.error(f"a choice of {name} names components only; tune their knobs as `{name}.<knob>`")
        if name in COMPONENTS:
            return component(child, name)[0]
        return fields.scalar(child, f"choice of {name}", Knob(default=_knobs(name)[0].type(), reason="as above"))

    choices = fields.distinct(node, f"{kind} of {name}", value)
    if len(choices) < 2:
        raise node.error(f"choice of {name} has one value; a fixed value belongs in base")
    return {"choices": choices}


def _read_when(name: str, node: Node) -> dict[str, list[Node]]:
    conditions = {}
    for setting, child in fields.mapping(node, f"when of {name}").items():
        check_setting(setting, child, f"when of {name}:")
        if setting == name:
            raise child.error(f"when of {name} names {name} itself")
        items = fields.listing(child, f"when of {name}") if isinstance(child.value, list) else [child]
        for item in items:
            if isinstance(item.value, dict | list) or item.value is None:
                raise item.error(f"when of {name}: {setting} must be a value or a list of values, not {item.shown}")
        conditions[setting] = items
    if not conditions:
        raise node.error(f"when of {name} is empty")
    return conditions


def _knobs(name: str) -> list[Knob]:
    """Every declaration of the setting: one of a training setting, one for each component that has the knob."""
    if name in TRAINING:
        return [TRAINING[name]]
    kind, _, knob = name.partition(".")
    return [COMPONENTS[kind][owner].knobs[knob] for owner in components_with(name)]

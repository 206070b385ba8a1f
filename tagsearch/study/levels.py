"""Factors and their levels as written in the study file, and the labels that arms are named by.

A level is a set of changes to the base configuration: a component with or without knobs, or one value of a knob or a
training setting. Labels are short: a component's name, with the knobs in which two levels of one component differ
(`focal.gamma=3`), or `epochs=40`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tagsearch.registry import COMPONENTS, Scalar
from tagsearch.study import fields
from tagsearch.study.settings import Changes, check_setting, read_changes
from tagsearch.study.yaml_reader import Node


@dataclass(frozen=True, kw_only=True)
class Level:
    """One level of a factor. `label` names it among its factor's levels."""

    label: str
    changes: Changes
    node: Node


Factors = Mapping[str, Sequence[Level]]
Combination = dict[str, Level]  # factor -> level


def read_factors(node: Node) -> dict[str, list[Level]]:
    factors = {name: _read_levels(name, child) for name, child in fields.mapping(node, "factors").items()}
    if not factors:
        raise node.error("factors is empty; name one, like `loss: [bce, focal]`, or leave it out")
    for name, levels in factors.items():
        for level in levels:
            for setting in level.changes:
                if setting != name and setting in factors:
                    raise level.node.error(f"{setting} is a factor and is set in level {level.label} of {name} too")
    return factors


def _read_levels(factor: str, node: Node) -> list[Level]:
    check_setting(factor, node, "factor")
    items = fields.listing(node, f"factor {factor}")
    changes = [_level_changes(factor, item) for item in items]
    if len(items) < 2:
        raise node.error(f"factor {factor} has one level only; a comparison needs two, a fixed value belongs in base")
    labels = _labels(factor, changes)
    for k, label in enumerate(labels):
        if label in labels[:k]:
            raise items[k].error(f"factor {factor} has two levels {label} that are the same configuration")
    return [Level(label=a, changes=b, node=c) for a, b, c in zip(labels, changes, items, strict=True)]


def _level_changes(factor: str, item: Node) -> dict[str, Node]:
    changes = read_changes(Node({factor: item}, item.place), f"factor {factor}")
    if isinstance(item.value, dict | list) and factor not in COMPONENTS:
        raise item.error(f"a level of {factor} must be a single value, not {item.shown}")
    return changes


def _labels(factor: str, levels: Sequence[Changes]) -> list[str]:
    if factor not in COMPONENTS:
        return [f"{factor.rpartition('.')[2]}={_written(level[factor].value)}" for level in levels]
    names = [str(level[factor].value) for level in levels]
    return [
        name if names.count(name) == 1 else name + _differing_knobs(factor, name, level, levels)
        for name, level in zip(names, levels, strict=True)
    ]


def _differing_knobs(kind: str, name: str, level: Changes, levels: Sequence[Changes]) -> str:
    """The knobs in which the levels of one component differ, with this level's values: `.gamma=3`."""
    text = ""
    for knob, declared in COMPONENTS[kind][name].knobs.items():
        same_component = [other for other in levels if other[kind].value == name]
        values = [_value(other, f"{kind}.{knob}", declared.default) for other in same_component]
        if any(value != values[0] for value in values):
            text += f".{knob}={_written(_value(level, f'{kind}.{knob}', declared.default))}"
    return text


def _value(changes: Changes, setting: str, default: Scalar) -> object:
    return changes[setting].value if setting in changes else default


def _written(value: object) -> str:
    text = f"{value:.12g}" if isinstance(value, float) else str(value)
    return "".join(character if fields.NAME.fullmatch("_" + character) else "_" for character in text)


def read_arms(node: Node) -> dict[str, Changes]:
    arms: dict[str, Changes] = {}
    for name, child in fields.mapping(node, "arms").items():
        fields.check_name(name, "an arm's name", child)
        arms[name] = {} if child.value is None else read_changes(child, f"arm {name}")
    if len(arms) < 2:
        raise node.error(f"arms holds {len(arms)}; a comparison needs two")
    return arms


def read_matches(node: Node, what: str) -> list[tuple[Node, Changes]]:
    """The items of `include` or `exclude`: partial combinations."""
    return [(item, read_changes(item, what)) for item in fields.listing(node, what)]


def level_like(changes: Changes, factor: str, levels: Sequence[Level], node: Node) -> Level:
    """The factor's level with these changes, or a new one."""
    written = {setting: child.value for setting, child in changes.items()}
    for level in levels:
        if {setting: child.value for setting, child in level.changes.items()} == written:
            return level
    knobs = "".join(f".{s.rpartition('.')[2]}={_written(value)}" for s, value in written.items() if s != factor)
    return Level(label=_labels(factor, [changes])[0] + knobs, changes=changes, node=node)

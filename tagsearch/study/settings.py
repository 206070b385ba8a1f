"""Flat configurations: which settings exist, and how a partial one changes a complete one.

A *setting* is a component kind ("loss"), a knob of a component ("loss.gamma") or a training setting ("lr"). A complete
configuration holds every kind, every knob of the chosen components and every training setting, nothing else. *Changes*
are settings as written in the study, each still a Node with its place.
"""

from collections.abc import Collection, Mapping
from functools import cache

from tagsearch.errors import UnknownNameError
from tagsearch.records import Config
from tagsearch.registry import COMPONENTS, DEFAULT_COMPONENTS, TRAINING, Entry, Knob, Scalar, did_you_mean, entry
from tagsearch.study import fields
from tagsearch.study.yaml_reader import Node

Changes = Mapping[str, Node]


@cache
def all_settings() -> tuple[str, ...]:
    """The name of every setting there is."""
    knobs = {f"{kind}.{knob}": None for kind in COMPONENTS for e in COMPONENTS[kind].values() for knob in e.knobs}
    return (*COMPONENTS, *TRAINING, *knobs)


def kind_of(setting: str) -> str:
    """The component kind that a setting belongs to; a training setting belongs to itself."""
    return setting.partition(".")[0]


def components_with(setting: str) -> tuple[str, ...]:
    """The components that have this knob."""
    kind, _, knob = setting.partition(".")
    return tuple(name for name, e in COMPONENTS[kind].items() if knob in e.knobs)


def knob_of(setting: str, config: Config) -> Knob | None:
    """The knob behind a training setting or dotted setting under `config`; None if its component has no such knob."""
    if setting in TRAINING:
        return TRAINING[setting]
    kind, _, knob = setting.partition(".")
    return COMPONENTS[kind][str(config[kind])].knobs.get(knob)


def component(node: Node, kind: str) -> tuple[str, Entry]:
    """The entry of a component's name. Raises StudyError with the nearest names."""
    written = fields.text(node, f"the name of the {kind}")
    try:
        return written, entry(kind, written)
    except UnknownNameError as error:
        raise node.error(str(error)) from error


def with_component(node: Node, kind: str) -> dict[str, Node]:
    """`focal` or `{focal: {gamma: 2.0}}` as changes."""
    if not isinstance(node.value, dict):
        written, _ = component(node, kind)
        return {kind: Node(written, node.place)}
    if len(node.value) != 1:
        raise node.error(f"{kind} is written `name` or `{{name: {{knob: value}}}}`, not {node.shown}")
    ((written, inner),) = node.value.items()
    _, found = component(Node(written, inner.place), kind)
    changes = {kind: Node(written, inner.place)}
    knobs = {} if inner.value is None else fields.mapping(inner, f"{kind} {written}")
    for knob, child in knobs.items():
        if knob not in found.knobs:
            raise child.error(no_knob(kind, written, knob))
        fields.scalar(child, f"{kind}.{knob}", found.knobs[knob])
        changes[f"{kind}.{knob}"] = child
    return changes


def no_knob(kind: str, name: str, knob: str) -> str:
    """The error's text."""
    knobs = entry(kind, name).knobs
    hint = did_you_mean(knob, dict(knobs)) if knobs else ", nor any other"
    return f"{kind} {name!r} has no knob {knob!r}{hint}"


def check_setting(name: str, node: Node, what: str) -> None:
    """Raises StudyError if there is no such setting."""
    if name not in all_settings():
        raise node.error(f"{what} {name!r} is no setting{did_you_mean(name, all_settings())}")


def read_changes(node: Node, what: str) -> dict[str, Node]:
    """A mapping of settings, nested or dotted, as flat changes."""
    changes: dict[str, Node] = {}
    for key, child in fields.mapping(node, what).items():
        check_setting(key, child, f"{what}:")
        if key in TRAINING:
            fields.scalar(child, key, TRAINING[key])
        new = with_component(child, key) if key in COMPONENTS else {key: child}
        for name, value in new.items():
            if name in changes:
                raise value.error(f"{name} is set twice, first at {changes[name].place}")
            changes[name] = value
    return changes


def changed(config: Config, settings: Config) -> dict[str, Scalar]:
    """`config` with `settings`; a newly chosen component comes with its own defaults, the one kept keeps its knobs."""
    out = {name: value for name, value in config.items() if not _is_replaced(name, config, settings)}
    for kind in COMPONENTS:
        name = settings.get(kind, config[kind])
        out[kind] = name
        for knob, declared in COMPONENTS[kind][str(name)].knobs.items():
            out.setdefault(f"{kind}.{knob}", declared.default)
    out.update(settings)
    return {name: out[name] for name in sorted(out, key=_order)}


def with_default_knobs(config: Config, kinds: Collection[str]) -> dict[str, Scalar]:
    """`config` with every knob of these kinds' components at its default."""
    kept = {name: value for name, value in config.items() if name in kinds or kind_of(name) not in kinds}
    return changed(kept, {})


def _is_replaced(setting: str, config: Config, settings: Config) -> bool:
    kind = kind_of(setting)
    return kind in COMPONENTS and settings.get(kind, config[kind]) != config[kind]


def _order(setting: str) -> tuple[int, str]:
    """Components with their knobs in the registry's order, then training settings."""
    kinds = (*COMPONENTS, *TRAINING)
    return kinds.index(kind_of(setting)), setting


def apply(config: Config, changes: Changes) -> dict[str, Scalar]:
    """`config` with `changes`, each checked against the component it meets. Raises StudyError."""
    chosen = {kind: str(changes[kind].value) for kind in COMPONENTS if kind in changes}
    new = changed(config, chosen)
    settings: dict[str, Scalar] = dict(chosen)
    for name, node in changes.items():
        if name in COMPONENTS:
            continue
        kind, _, written = name.partition(".")
        knob = knob_of(name, new)
        if knob is None:
            raise node.error(no_knob(kind, str(new[kind]), written))
        settings[name] = fields.scalar(node, name, knob)
    return changed(new, settings)


def defaults() -> dict[str, Scalar]:
    """The complete configuration of a study that says nothing."""
    training = {name: knob.default for name, knob in TRAINING.items()}
    return changed({**DEFAULT_COMPONENTS, **training}, {})

"""Profiles and `key=value` overrides: both are changes to the document before it is read.

A change has a dotted path from the document's root (`tune.trials_per_arm`, `factors.loss`), or the bare name of a
setting of the base configuration (`lr`, `loss.gamma`). Changes only put Nodes into the tree; what they say is checked
where everything else is, and the message names the override, or the profile's line. Choosing another component or
corpus drops the knobs of the one before. Later changes win.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tagsearch.errors import StudyError
from tagsearch.registry import COMPONENTS, DATA, did_you_mean
from tagsearch.study import fields
from tagsearch.study.settings import all_settings, kind_of, read_changes
from tagsearch.study.yaml_reader import Node, one_line, read_value

KeyPath = tuple[str, ...]
Change = tuple[KeyPath, Node]

_NAMES = ("data", "base", "factors", "tune", "tune.asha", "tune.tunables", "confirm", "stop", "margins", "arms")
SECTIONS: frozenset[KeyPath] = frozenset(tuple(name.split(".")) for name in _NAMES)
FREE_KEYS: frozenset[KeyPath] = frozenset({("base",), ("factors",), ("tune", "tunables")})  # their keys may hold dots
GPU_DEVICE = Path("/dev/nvidia0")


def has_gpu() -> bool:
    return GPU_DEVICE.exists()


def default_profile() -> str:
    return "gpu" if has_gpu() else "cpu"


def with_profile(document: Node, wanted: str | None, known: Sequence[str]) -> tuple[Node, str | None]:
    """The document with a profile's changes and without `profiles:`, and the name of the profile applied.

    `known`: the top-level keys. Raises StudyError if the profile does not exist or changes what does not."""
    top = dict(fields.mapping(document, "a study"))
    node = top.pop("profiles", None)
    if node is None or node.value is None:
        if wanted is not None:
            raise document.error(f"profile {wanted!r} is not in this study, which has no profiles")
        return Node(top, document.place), None
    if "profile" in top:
        raise top["profile"].error("`profile:` names a profile already applied; a study with `profiles:` has none yet")
    profiles = fields.mapping(node, "profiles")
    name = default_profile() if wanted is None else wanted
    changes = {key: list(_profile_changes(profile, key, known)) for key, profile in profiles.items()}
    if name not in changes:
        if wanted is None:
            return Node(top, document.place), None
        raise node.error(f"profile {wanted!r} is not in this study{did_you_mean(wanted, profiles)}")
    return apply_changes(Node(top, document.place), changes[name]), name


def _profile_changes(profile: Node, name: str, known: Sequence[str]) -> Iterator[Change]:
    fields.check_name(name, "a profile's name", profile)
    for key, child in fields.mapping(profile, f"profile {name}").items():
        yield from _spread(split_path(key, child, known), child)


def _spread(path: KeyPath, node: Node) -> Iterator[Change]:
    """A nested section as one change for each of its values."""
    if path in SECTIONS and isinstance(node.value, dict):
        for key, child in node.value.items():
            inner = (key,) if path in FREE_KEYS else tuple(key.split("."))
            yield from _spread(path + inner, child)
    else:
        yield path, node


def read_overrides(overrides: Sequence[str], known: Sequence[str]) -> list[Change]:
    """`key=value` arguments as changes. Raises StudyError."""
    changes: list[Change] = []
    for argument in overrides:
        key, equals, value = argument.partition("=")
        place = one_line(f"override {argument!r}")
        if not equals or not key.strip():
            raise StudyError(f"{place}: an override is written key=value")
        node = read_value(value, place)
        changes += _spread(split_path(key.strip(), node, known), node)
    return changes


def split_path(key: str, node: Node, known: Sequence[str]) -> KeyPath:
    """`tune.asha.grace_period` -> its keys; a base setting's bare name -> ("base", name)."""
    first, *rest = key.split(".")
    if first in ("profile", "profiles"):
        raise node.error("a profile is chosen with --profile NAME and written in the study file")
    if first in known:
        for section in FREE_KEYS | {("arms", rest[0] if rest else "")}:
            path = (first, *rest)
            if path[: len(section)] == section and len(path) > len(section):
                return (*section, ".".join(path[len(section) :]))
        return (first, *rest)
    if key in all_settings():
        return ("base", key)
    if first in COMPONENTS:
        raise node.error(f"no {first} has a knob {'.'.join(rest)!r}{did_you_mean(key, all_settings())}")
    raise node.error(f"unknown key {key!r}{did_you_mean(first, (*known, *all_settings()))}")


def apply_changes(document: Node, changes: Sequence[Change]) -> Node:
    """The document with all changes. Raises StudyError if one sets what a factor, arm or tunable controls."""
    flat = [change for path, node in changes for change in _flattened(path, node)]
    for path, node in flat:
        arms = _keys(fields.mapping(document, "a study").get("arms"))
        if path[0] == "arms" and len(path) > 2 and path[1] not in arms:
            raise node.error(f"no arm is called {path[1]!r}{did_you_mean(path[1], arms)}")
    for path, node in sorted(flat, key=lambda change: not _is_switch(change[0])):  # a component before its knobs
        document = _put(_without_old_knobs(document, path, node), path, node)
    for path, node in flat:
        if path[0] == "base" and len(path) == 2:
            _check_is_free(document, path[1], node)
    return document


def _flattened(path: KeyPath, node: Node) -> list[Change]:
    if len(path) == 2 and path[0] == "base":
        changes = read_changes(Node({path[1]: node}, node.place), "base")
        return [(("base", name), value) for name, value in changes.items()]
    return [(path, node)]


def _is_switch(path: KeyPath) -> bool:
    return path == ("data", "corpus") or (path[0] == "base" and path[-1] in COMPONENTS)


def _without_old_knobs(document: Node, path: KeyPath, node: Node) -> Node:
    """The document before `path` chooses a component or corpus: base flat, knobs of another choice dropped."""
    top = dict(fields.mapping(document, "a study"))
    section = top.get(path[0])
    if section is None or section.value is None:
        return document
    if path[0] == "base":
        old = read_changes(section, "base")
        kind = kind_of(path[-1])
        if _is_switch(path) and (kind not in old or old[kind].value != node.value):
            old = {name: value for name, value in old.items() if kind_of(name) != kind}
        top["base"] = Node(dict(old), section.place)
    elif _is_switch(path) and isinstance(section.value, dict):
        same = "corpus" in section.value and section.value["corpus"].value == node.value
        general = {key: value for key, value in section.value.items() if key in DATA}  # true of any corpus
        top["data"] = section if same else Node(general, section.place)
    return Node(top, document.place)


def _put(tree: Node, path: KeyPath, node: Node) -> Node:
    if not path:
        return node
    if tree.value is None:
        tree = Node({}, node.place)
    if not isinstance(tree.value, dict):
        raise node.error(f"there is no {path[0]!r} to set in {tree.shown} ({tree.place})")
    inner = tree.value.get(path[0], Node(None, node.place))
    put = _put(inner, path[1:], node)
    place = put.place if len(path) == 1 else inner.place
    return Node({**tree.value, path[0]: Node(put.value, place)}, tree.place)


def _check_is_free(document: Node, setting: str, node: Node) -> None:
    top = fields.mapping(document, "a study")
    kind = kind_of(setting)
    factors = _keys(top.get("factors"))
    arms = top.get("arms")
    tune = top.get("tune")
    tunables = _keys(tune.value.get("tunables") if tune and isinstance(tune.value, dict) else None)
    for name in (setting, kind):
        if name in factors:
            raise node.error(f"{name} is a factor of this study; set factors.{name}=[...]")
        if name in tunables and (factors or _keys(arms)):
            raise node.error(f"{name} is a tunable of this study; set tune.tunables.{name}={{...}}")
    for arm, config in (arms.value if arms and isinstance(arms.value, dict) else {}).items():
        if {setting, kind} & set(_keys(config)):
            raise node.error(f"arm {arm!r} sets {setting} itself; set arms.{arm}.{setting}=...")


def _keys(node: Node | None) -> tuple[str, ...]:
    return tuple(node.value) if node is not None and isinstance(node.value, dict) else ()

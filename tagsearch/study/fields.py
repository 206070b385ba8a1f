"""Typed reading of single Nodes: a value of the right type and range, or a StudyError with its place.

`what` is the key's name as the message shows it. Limits of the study's own settings are Knobs, as those of components
are, so that one sentence explains every range.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tagsearch.registry import Knob, Scalar, did_you_mean
from tagsearch.study.yaml_reader import Node

T = TypeVar("T")
S = TypeVar("S", bound=str)

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=+-]*")
MAX_NAME = 120  # names become folder names, which hold 255 bytes


def mapping(node: Node, what: str) -> dict[str, Node]:
    if not isinstance(node.value, dict):
        raise node.error(f"{what} must be a mapping (key: value), not {node.shown}")
    return node.value


def listing(node: Node, what: str) -> list[Node]:
    if not isinstance(node.value, list):
        raise node.error(f"{what} must be a list, not {node.shown}")
    if not node.value:
        raise node.error(f"{what} is empty")
    return node.value


def section(node: Node, what: str, readers: Mapping[str, Callable[[Node], Any]]) -> dict[str, Any]:
    """Every key of a section read by its reader, in file order; an unknown key is an error."""
    values = {}
    for key, child in mapping(node, what).items():
        if key not in readers:
            raise child.error(f"{what} has no key {key!r}{did_you_mean(key, readers)}")
        values[key] = readers[key](child)
    return values


def scalar(node: Node, what: str, knob: Knob) -> Scalar:
    """The Node's value if the knob allows it; a whole number is a number where one is wanted."""
    if isinstance(node.value, dict | list) or node.value is None:
        complaint: str | None = f"must be a single value like {knob.default!r}, not {node.shown}"
    else:
        complaint = knob.complaint(node.value)
    if complaint is not None:
        raise node.error(f"{what} {complaint}")
    assert not isinstance(node.value, dict | list)
    assert node.value is not None
    return float(node.value) if knob.type is float else node.value


def reader(what: str, knob: Knob) -> Callable[[Node], Any]:
    """A function that reads one scalar setting."""
    return lambda node: scalar(node, what, knob)


def text(node: Node, what: str) -> str:
    if not isinstance(node.value, str):
        raise node.error(f"{what} must be text, not {node.shown}")
    return node.value


def name(node: Node, what: str) -> str:
    """Text that can be part of a folder's name."""
    written = text(node, what)
    check_name(written, what, node)
    return written


def check_name(written: str, what: str, node: Node) -> None:
    if not NAME.fullmatch(written) or len(written) > MAX_NAME:
        raise node.error(
            f"{what} is made of letters, digits and _ . = + - (at most {MAX_NAME} and not one of . = + - first), "
            f"not {written!r}"
        )


def one_of(node: Node, what: str, known: tuple[S, ...]) -> S:
    chosen = [name for name in known if isinstance(node.value, str) and name == node.value]
    if not chosen:
        raise node.error(f"{what} cannot be {node.shown}{did_you_mean(str(node.plain)[:80], known)}")
    return chosen[0]


def distinct(node: Node, what: str, read: Callable[[Node], T]) -> tuple[T, ...]:
    """A non-empty list, each item read by `read`; a repetition is an error."""
    values: list[T] = []
    for child in listing(node, what):
        value = read(child)
        if value in values:
            raise child.error(f"{what} names {value!r} twice")
        values.append(value)
    return tuple(values)

"""YAML 1.2 text -> a tree of Nodes, each of which knows where it was written.

A Node's value is a scalar, None, a dict of Nodes by key, or a list of Nodes. Scalars follow the YAML 1.2 core schema
(https://yaml.org/spec/1.2.2, section 10.3): `1e-3` is a number, `no` and `2020-01-01` are strings. Aliases work; tags,
merge keys and duplicate keys are refused. Every mistake is a StudyError of one line that begins with its place.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

from tagsearch.errors import StudyError
from tagsearch.registry import Scalar

MAX_BYTES = 200_000  # a study is two pages; this is a hundred
MAX_NODES = 20_000  # stops aliases that multiply
MAX_DEPTH = 24
MAX_MESSAGE = 600  # characters


@dataclass(frozen=True)
class Node:
    """A value and its place, e.g. `losses.yaml:12`. The value of a key has the place of its key."""

    value: "Scalar | dict[str, Node] | list[Node] | None"
    place: str

    def error(self, text: str) -> StudyError:
        return StudyError(one_line(f"{self.place}: {text}"))

    @property
    def plain(self) -> Any:
        """The value with all places dropped."""
        if isinstance(self.value, dict):
            return {key: child.plain for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain for child in self.value]
        return self.value

    def under(self, key: str) -> "Iterator[Node]":
        """What is written under this key, at any depth, in the order of the file."""
        if isinstance(self.value, dict):
            for name, child in self.value.items():
                yield from (child,) if name == key else child.under(key)
        elif isinstance(self.value, list):
            for child in self.value:
                yield from child.under(key)

    def written(self, key: str, value: object) -> "Node":
        """Where that value stands under this key; else the first place of the key; else this node."""
        places = list(self.under(key))
        found = (leaf for place in places for leaf in place.leaves() if leaf.value == value)
        return next(found, places[0] if places else self)

    def leaves(self) -> "Iterator[Node]":
        """The values at any depth that are no mapping and no list, in the order of the file."""
        if isinstance(self.value, (dict, list)):
            for child in self.value.values() if isinstance(self.value, dict) else self.value:
                yield from child.leaves()
        else:
            yield self

    @property
    def shown(self) -> str:
        """The value as an error message shows it."""
        return "nothing" if self.value is None else shorten(repr(self.plain), 80)


def one_line(text: str) -> str:
    return shorten(" ".join(text.split()), MAX_MESSAGE)


def shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def read_source(path: Path) -> str:
    """The text of a study file. Raises StudyError if it is no UTF-8 text of sensible size."""
    try:
        content = path.read_bytes()
    except IsADirectoryError as error:
        raise StudyError(one_line(f"{path}:1: a study is a file; this is a folder")) from error
    except (OSError, ValueError) as error:
        raise StudyError(one_line(f"{path}:1: cannot be read: {getattr(error, 'strerror', None) or error}")) from error
    if len(content) > MAX_BYTES:
        raise StudyError(one_line(f"{path}:1: a study has at most {MAX_BYTES:,} bytes; this has {len(content):,}"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        byte = content[error.start]
        raise StudyError(one_line(f"{path}:{line}: a study is UTF-8 text; byte {byte:#04x} is not")) from error


def read_yaml(text: str, file: str) -> Node:
    """The tree of a file's text; its places are `file:line`."""
    return _Reader(text, file=file).document()


def read_value(text: str, place: str) -> Node:
    """The tree of a value given outside a file (on the command line): all its Nodes have the same place."""
    return _Reader(text, place=place).document()


_CONTENT = (
    AliasEvent,
    ScalarEvent,
    MappingStartEvent,
    MappingEndEvent,
    SequenceStartEvent,
    SequenceEndEvent,
    StreamEndEvent,
)


class _Reader:
    """Builds Nodes from the parser's events. It counts them, an alias as much as what it stands for."""

    def __init__(self, text: str, *, file: str = "", place: str | None = None) -> None:
        self.text = text
        self.file = file
        self.fixed_place = place
        self.n_nodes = 0
        self.anchors: dict[str, tuple[Node, int]] = {}  # node and how many nodes it holds

    def document(self) -> Node:
        events = self._events()
        first = next(events)
        node = Node(None, self._at(0)) if isinstance(first, StreamEndEvent) else self._node(first, events)
        extra = next(events, None)
        if extra is not None and not isinstance(extra, StreamEndEvent):
            raise self._here(extra).error("a second document begins here; a study is one")
        return node

    def _events(self) -> Iterator[Any]:
        """The parser's events from the first value on; its complaints become StudyErrors."""
        try:
            for event in YAML(typ="safe", pure=True).parse(self.text):
                if isinstance(event, _CONTENT):
                    yield event
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._complaint(mark.line if mark else 0, _problem(error)) from error
        except ReaderError as error:
            line = self.text[: error.position].count("\n")
            raise self._complaint(line, f"character {_shown(error.character)} is not allowed") from error
        except (YAMLError, ValueError, TypeError, AttributeError, IndexError, AssertionError) as error:
            raise self._complaint(0, str(error)) from error  # the library's own slips on damaged text

    def _complaint(self, line: int, problem: str) -> StudyError:
        return Node(None, self._at(line)).error(f"not valid YAML: {problem}")

    def _at(self, line: int) -> str:
        return self.fixed_place or f"{self.file}:{line + 1}"

    def _here(self, event: Any) -> Node:
        return Node(None, self._at(event.start_mark.line))

    def _node(self, event: Any, events: Iterator[Any], *, depth: int = 0) -> Node:
        here = self._here(event)
        if depth > MAX_DEPTH:
            raise here.error(f"nested more than {MAX_DEPTH} deep")
        if isinstance(event, AliasEvent):
            return self._alias(event, here)
        if event.ctag is not None:
            raise here.error(f"YAML tags have no place in a study, got {str(event.ctag)!r}")
        before = self.n_nodes
        self._count(1, here)
        if isinstance(event, MappingStartEvent):
            node = Node(dict(self._pairs(events, depth)), here.place)
        elif isinstance(event, SequenceStartEvent):
            node = Node(list(self._items(events, depth)), here.place)
        else:
            node = Node(_scalar(event, here), here.place)
        if event.anchor is not None:
            self.anchors[event.anchor] = (node, self.n_nodes - before)
        return node

    def _alias(self, event: Any, here: Node) -> Node:
        if event.anchor not in self.anchors:
            raise here.error(f"alias *{event.anchor} stands for nothing written before it")
        node, size = self.anchors[event.anchor]
        self._count(size, here)
        return node

    def _count(self, n: int, here: Node) -> None:
        self.n_nodes += n
        if self.n_nodes > MAX_NODES:
            raise here.error(f"more than {MAX_NODES:,} values, aliases written out")

    def _items(self, events: Iterator[Any], depth: int) -> Iterator[Node]:
        while not isinstance(event := next(events), SequenceEndEvent):
            yield self._node(event, events, depth=depth + 1)

    def _pairs(self, events: Iterator[Any], depth: int) -> Iterator[tuple[str, Node]]:
        seen: dict[str, str] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            here = self._here(event)
            if not isinstance(event, ScalarEvent) or event.ctag is not None:
                raise here.error("a key must be a plain name")
            key = str(event.value)
            if key == "<<":
                raise here.error("merge keys (`<<`) are YAML 1.1; write the values out or use a profile")
            if key in seen:
                raise here.error(f"duplicate key {key!r}; it is set before at {seen[key]}")
            seen[key] = here.place
            value = self._node(next(events), events, depth=depth + 1)
            yield key, Node(value.value, here.place)


def _shown(character: object) -> str:
    return repr(chr(character) if isinstance(character, int) else character)


def _problem(error: MarkedYAMLError) -> str:
    problem = str(error.problem or error.context or error)
    return "a tab; indent with spaces" if "'\\t'" in problem else problem


# --- scalars ---------------------------------------------------------------------------------------------------------

_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def resolve(text: str) -> Scalar | None:
    """What an unquoted scalar means in the YAML 1.2 core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _NUMBER.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _scalar(event: Any, here: Node) -> Scalar | None:
    text = str(event.value)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise here.error("half a surrogate pair is no character")
    if event.style is not None:
        return text
    if len(text) > 18 and _WHOLE.fullmatch(text):
        raise here.error(f"number {shorten(text, 40)} is too large")
    return resolve(text)

"""`key=value` arguments of commands that take no study, checked as if a study file had them."""

from collections.abc import Mapping, Sequence

from tagsearch.registry import Scalar
from tagsearch.study.data import read_data
from tagsearch.study.settings import with_component
from tagsearch.study.yaml_reader import Node, one_line, read_value


def data_from_arguments(corpus: str, settings: Sequence[str], *, path: str | None = None) -> Mapping[str, Scalar]:
    """A `data:` section: "corpus" and every setting of it. Raises StudyError that names the argument."""
    place = one_line(f"corpus {corpus!r}")
    nodes = {"corpus": Node(corpus, place)}
    if path is not None:
        nodes["path"] = Node(path, one_line(f"--path {path!r}"))
    return read_data(Node(_with_settings(nodes, settings), place))


def knobs_from_arguments(kind: str, name: str, settings: Sequence[str]) -> dict[str, Scalar]:
    """The knobs of a component that are given. Raises StudyError that names the argument."""
    place = one_line(f"{kind} {name!r}")
    written = with_component(Node({name: Node(_with_settings({}, settings), place)}, place), kind)
    return {key.removeprefix(f"{kind}."): node.plain for key, node in written.items() if key != kind}


def _with_settings(nodes: dict[str, Node], settings: Sequence[str]) -> dict[str, Node]:
    nodes = dict(nodes)
    for setting in settings:
        key, equals, value = (part.strip() for part in setting.partition("="))
        node = read_value(value, one_line(f"setting {setting!r}"))
        if not equals or not key:
            raise node.error("a setting is written key=value")
        if key in nodes:
            raise node.error(f"{key} is given twice")
        nodes[key] = node
    return nodes

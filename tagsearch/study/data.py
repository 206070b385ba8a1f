"""The `data:` section: a corpus, its settings, and those that every corpus has, from a study file or from the command
line's arguments."""

from collections.abc import Mapping, Sequence

from tagsearch.registry import DATA, Scalar, did_you_mean
from tagsearch.study import fields
from tagsearch.study.settings import component
from tagsearch.study.yaml_reader import Node, one_line, read_value

DEFAULT_CORPUS = "builtin"


def read_data(node: Node) -> dict[str, Scalar]:
    """ "corpus", every setting of it and of registry.DATA, those not written at their defaults. Raises StudyError."""
    keys = dict(fields.mapping(node, "data"))
    name, corpus = component(keys.pop("corpus", Node(DEFAULT_CORPUS, node.place)), "corpus")
    known = {**corpus.knobs, **DATA}
    for key, child in keys.items():
        if key not in known:
            raise child.error(f"corpus {name!r} has no knob {key!r}{did_you_mean(key, known)}")
        fields.scalar(child, f"data.{key}", known[key])
    knobs = {key: keys[key].plain if key in keys else knob.default for key, knob in known.items()}
    return {"corpus": name, **knobs}


def repeats_short_clips(data: Mapping[str, Scalar]) -> bool:
    """Whether clips shorter than a model's chunk are repeated to fill it, for every arm alike, or left out."""
    return data["pad"] == "repeat"


def data_from_arguments(corpus: str, settings: Sequence[str], *, path: str | None = None) -> Mapping[str, Scalar]:
    """The same from a corpus's name and `key=value` arguments. Raises StudyError that names the argument."""
    nodes = {"corpus": Node(corpus, f"corpus {one_line(corpus)!r}")}
    if path is not None:
        nodes["path"] = Node(path, f"--path {one_line(path)!r}")
    for argument in settings:
        key, equals, value = argument.partition("=")
        place = one_line(f"setting {argument!r}")
        node = read_value(value, place)
        if not equals or not key.strip():
            raise node.error("a setting is written key=value")
        if key.strip() in nodes:
            raise node.error(f"{key.strip()} is given twice")
        nodes[key.strip()] = node
    return read_data(Node(nodes, f"corpus {one_line(corpus)!r}"))

"""The `data:` section: a corpus, its settings, and those that every corpus has."""

from collections.abc import Mapping
from pathlib import Path

from tagsearch.registry import DATA, Scalar, did_you_mean
from tagsearch.study import fields
from tagsearch.study.settings import component
from tagsearch.study.yaml_reader import Node

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
    paths = {key: _absolute(str(knobs[key])) for key, knob in known.items() if knob.is_path}
    return {"corpus": name, **knobs, **paths}


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute()) if path else path


def repeats_short_clips(data: Mapping[str, Scalar]) -> bool:
    """Whether clips shorter than a model's chunk are repeated to fill it, for every arm alike, or left out."""
    return data["pad"] == "repeat"

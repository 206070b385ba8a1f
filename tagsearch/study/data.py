"""The `data:` section: a corpus and its settings."""

from tagsearch.registry import Scalar
from tagsearch.study import fields
from tagsearch.study.settings import component, no_knob
from tagsearch.study.yaml_reader import Node

DEFAULT_CORPUS = "builtin"


def read_data(node: Node) -> dict[str, Scalar]:
    """ "corpus" and every setting of it, those not written at their defaults. Raises StudyError."""
    keys = dict(fields.mapping(node, "data"))
    name, corpus = component(keys.pop("corpus", Node(DEFAULT_CORPUS, node.place)), "corpus")
    for key, child in keys.items():
        if key not in corpus.knobs:
            raise child.error(no_knob("corpus", name, key))
        fields.scalar(child, f"data.{key}", corpus.knobs[key])
    knobs = {key: keys[key].plain if key in keys else knob.default for key, knob in corpus.knobs.items()}
    return {"corpus": name, **knobs}

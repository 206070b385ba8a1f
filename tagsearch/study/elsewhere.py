"""What a study needs to mean on another machine what it means here: a profile chosen by hand (the default is by what
this machine has), and absolute paths."""

from collections.abc import Sequence
from pathlib import Path

from tagsearch.registry import CORPORA
from tagsearch.study import fields
from tagsearch.study.parse import changed_document
from tagsearch.study.yaml_reader import Node, read_source, read_yaml

_PATHS = sorted({name for corpus in CORPORA.values() for name, knob in corpus.knobs.items() if knob.is_path})


def check_means_the_same_elsewhere(path: Path, *, overrides: Sequence[str], profile: str | None) -> None:
    """Of a study that `read_study` accepts with these arguments. Raises StudyError."""
    document = read_yaml(read_source(path), str(path))
    profiles = fields.mapping(document, "a study").get("profiles")
    if profile is None and profiles is not None and profiles.value:
        names = " or ".join(f"--profile {name}" for name in fields.mapping(profiles, "profiles"))
        raise profiles.error(f"what this machine has says nothing of the cluster; choose the profile: {names}")
    document, _ = changed_document(document, overrides=overrides, profile=profile)
    data = fields.mapping(document, "a study").get("data")
    for name in _PATHS:
        _check_path(name, data.value.get(name) if data is not None and isinstance(data.value, dict) else None)


def _check_path(name: str, node: Node | None) -> None:
    if node is not None and node.value and not Path(str(node.value)).is_absolute():
        raise node.error(f"data.{name} {node.value!r} is looked up on the cluster's machines; give an absolute path")

"""The `confirm:` section: how many seeds, and the one extension that a study may declare."""

from tagsearch.registry import Knob
from tagsearch.study import fields
from tagsearch.study.schema import Confirm, Design
from tagsearch.study.tunables import WrittenTune
from tagsearch.study.yaml_reader import Node

SEEDS = Knob(default=5, low=1, high=1_000, reason="the verdict method's grade A needs five")
TOP = Knob(default=1, low=1, high=100, reason="pure search only")
CONFIGS = Knob(default=1, low=1, high=1_000, reason="the field confirms the best configuration alone")


def read_confirm(node: Node) -> Confirm:
    readers = {
        "seeds": fields.reader("confirm.seeds", SEEDS),
        "top": fields.reader("confirm.top", TOP),
        "configs": fields.reader("confirm.configs", CONFIGS),
        "extension": lambda child: None if child.value is None else fields.scalar(child, "confirm.extension", SEEDS),
    }
    confirm = Confirm(**fields.section(node, "confirm", readers))
    if confirm.extension is not None and confirm.extension <= confirm.seeds:
        raise fields.mapping(node, "confirm")["extension"].error(
            f"confirm.extension is the number of seeds after a second look: more than confirm.seeds, {confirm.seeds}, "
            f"not {confirm.extension}"
        )
    return confirm


def check_confirm(confirm: Confirm, node: Node, design: Design, tune: WrittenTune | None) -> None:
    """Against the design, and the trials to choose from. Raises StudyError at its place in the section `node`."""
    if design != "search" and confirm.top > 1:
        raise _at(node, "top").error(f"confirm.top belongs to a pure search; in design {design} say confirm.configs")
    if confirm.configs == 1:
        return
    if design == "search":
        raise _at(node, "configs").error("confirm.configs belongs to a study with arms; a pure search has confirm.top")
    most = min(confirm.seeds, tune.trials_per_arm if tune else 1)
    if confirm.configs > most:
        raise _at(node, "configs").error(
            f"confirm.configs is at most the number of seeds and of tune trials an arm, {most} here, not "
            f"{confirm.configs}"
        )


def _at(node: Node, key: str) -> Node:
    return fields.mapping(node, "confirm")[key]

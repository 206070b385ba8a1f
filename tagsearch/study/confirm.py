"""The `confirm:` section: how many seeds, and the one extension that a study may declare."""

from tagsearch.registry import Knob
from tagsearch.study import fields
from tagsearch.study.schema import Confirm
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

"""resolved.yaml: a study as a plain document with every default written out, and as YAML text.

Reading the text again gives an equal study (but for its `source` and the places of errors).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tagsearch.records import Config
from tagsearch.study.levels import Factors
from tagsearch.study.schema import Hypothesis, Part, Study, Tunable, Tune
from tagsearch.study.settings import Changes, kind_of
from tagsearch.study.yaml_reader import Node, resolve


def write_resolved(study: Study) -> str:
    """The text of resolved.yaml."""
    return "\n".join(_lines(study.document, "")) + "\n"


# --- the sections of the document ------------------------------------------------------------------------------------


def base_document(base: Config, factors: Factors) -> dict[str, object]:
    """The base configuration; what a factor's levels say is left to them."""
    return {s: value for s, value in base.items() if s not in factors and kind_of(s) not in factors}


def factors_document(factors: Factors) -> dict[str, object]:
    return {name: [_level(name, level.changes) for level in levels] for name, levels in factors.items()}


def _level(factor: str, changes: Changes) -> object:
    knobs = {s.partition(".")[2]: node.plain for s, node in changes.items() if s != factor}
    value = changes[factor].plain
    return {value: knobs} if knobs else value


def changes_document(changes: Changes) -> dict[str, object]:
    return {setting: node.plain for setting, node in changes.items()}


def matches_document(matches: Sequence[tuple[Node, Changes]]) -> list[dict[str, object]]:
    return [changes_document(changes) for _, changes in matches]


def tune_document(tune: Tune) -> dict[str, object]:
    document: dict[str, object] = {
        "trials_per_arm": tune.trials_per_arm,
        "search": tune.search,
        "tunables": {tunable.name: _tunable(tunable) for tunable in tune.tunables},
    }
    if tune.asha is not None:
        asha = tune.asha
        document["asha"] = {"grace_period": asha.grace_period, "reduction_factor": asha.reduction_factor}
    return document


def _tunable(tunable: Tunable) -> dict[str, object]:
    values = list(tunable.choices) if tunable.kind == "choice" else [tunable.low, tunable.high]
    when = {setting: list(allowed) for setting, allowed in tunable.when.items()}
    return {tunable.kind: values} | ({"when": when} if when else {})


def hypothesis_document(hypothesis: Hypothesis) -> dict[str, object]:
    parts = [_part(part) for part in hypothesis.parts]
    optional: dict[str, object] = {"premise": list(hypothesis.premises)} if hypothesis.premises else {}
    optional |= {"check": hypothesis.check} if hypothesis.check else {}
    return {"id": hypothesis.id, "text": hypothesis.text, "alpha": hypothesis.alpha, **optional, "parts": parts}


def _part(part: Part) -> dict[str, object]:
    optional: dict[str, object] = {"beyond": part.beyond} if part.beyond else {}
    return {
        "id": part.id,
        **part.written,
        "metrics": list(part.metrics),
        "margin": dict(part.margins),
        "tags": part.tags if isinstance(part.tags, str) else list(part.tags),
        **optional,
        "checkpoint": part.checkpoint,
        "role": part.role,
    }


# --- YAML text -------------------------------------------------------------------------------------------------------

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")


def _lines(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Block style for mappings and lists of mappings, flow style for lists of scalars."""
    for key, child in value.items():
        if isinstance(child, Mapping) and child:
            yield f"{indent}{_scalar(key)}:"
            yield from _lines(child, indent + "  ")
        elif isinstance(child, list) and any(isinstance(item, Mapping) for item in child):
            yield f"{indent}{_scalar(key)}:"
            for item in child:
                yield from _item(item, indent + "  ")
        else:
            yield f"{indent}{_scalar(key)}: {_flow(child)}"


def _item(item: object, indent: str) -> Iterator[str]:
    if not isinstance(item, Mapping) or not item:
        yield f"{indent}- {_flow(item)}"
        return
    first, *others = _lines(item, indent + "  ")
    yield f"{indent}- {first.lstrip()}"
    yield from others


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: object) -> str:
    """JSON is YAML 1.2, apart from characters that YAML wants escaped; names need no quotes."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and resolve(value) == value:
        return value
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)

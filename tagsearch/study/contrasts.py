"""From a claim as the study file writes it to the contrasts that are estimated.

any, all, arm: arms (than: rival)      each arm against the rival, the baseline by default
at_least: {n: 2, of: [arms]}           the same, two of them are enough
trend: [arms] (on: epochs)             ordered arms against log2 of a number they have, by default their epochs
ladder: [arms]                         ordered arms in equal steps
main: {factor: level}                  the level against the factor's first, averaged over the other factors
interaction: {factor: level, factor: level}     by how much the first level gains more with the second one
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2
from typing import Any

from tagsearch.registry import Knob
from tagsearch.study import fields
from tagsearch.study.schema import Arm, Contrast, PartKind
from tagsearch.study.yaml_reader import Node

AT_LEAST = Knob(default=1, low=1, high=200, reason="how many of the named arms must gain")


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a claim may name. `arms`: those whose configurations are known, none in a pure search; `names`: all arms of
    the confirm phase, the baseline first; `factors`: labels of each factor's levels, the baseline's first."""

    names: Sequence[str]
    arms: Mapping[str, Arm]
    factors: Mapping[str, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class ReadClaim:
    kind: PartKind
    contrasts: tuple[Contrast, ...]
    at_least: int
    written: Mapping[str, object]
    steps: tuple[Contrast, ...] = ()
    doublings: float = 0.0


CLAIMS = ("any", "all", "arm", "at_least", "trend", "ladder", "main", "interaction")
CLAIM_KEYS = (*CLAIMS, "than", "on")


def read_claim(node: Node, keys: Mapping[str, Node], compared: Compared) -> ReadClaim:
    """The claim of a part, whose keys are `keys`. Raises StudyError unless it is exactly one, and one that the study's
    arms can tell."""
    chosen = [key for key in CLAIMS if key in keys]
    if len(chosen) != 1:
        raise node.error(f"a part needs exactly one of {', '.join(CLAIMS)}; it has {' and '.join(chosen) or 'none'}")
    claim = chosen[0]
    for key, fitting in (("than", ("any", "all", "arm", "at_least")), ("on", ("trend",))):
        if key in keys and claim not in fitting:
            raise keys[key].error(f"{key} belongs to {', '.join(fitting)}, and this part has {claim}")
    return _READERS[claim](claim, keys, compared)


def _arms(node: Node, what: str, compared: Compared) -> tuple[str, ...]:
    return fields.distinct(node, what, lambda child: fields.one_of(child, "an arm", tuple(compared.names)))


# --- arms against a rival --------------------------------------------------------------------------------------------


def _versus(claim: str, keys: Mapping[str, Node], compared: Compared) -> ReadClaim:
    node = keys[claim]
    if claim == "at_least":
        n, arms = _read_at_least(node, compared)
    else:
        names = tuple(compared.names)
        arms = (fields.one_of(node, "an arm", names),) if claim == "arm" else _arms(node, claim, compared)
        n = 1 if claim == "any" else len(arms)
    rival = keys.get("than")
    than = compared.names[0] if rival is None else fields.one_of(rival, "an arm", tuple(compared.names))
    if than in arms:
        raise node.error(f"arm {than!r} is compared with itself")
    written: Any = arms[0] if claim == "arm" else {"n": n, "of": list(arms)} if claim == "at_least" else list(arms)
    return ReadClaim(
        kind="versus",
        contrasts=tuple(versus(arm, than) for arm in arms),
        at_least=n,
        written={claim: written, "than": than},
    )


def versus(arm: str, than: str) -> Contrast:
    return Contrast(name=f"{arm} - {than}", weights={arm: 1.0, than: -1.0})


def _read_at_least(node: Node, compared: Compared) -> tuple[int, tuple[str, ...]]:
    values = fields.section(
        node,
        "at_least",
        {
            "n": lambda child: int(fields.scalar(child, "n of at_least", AT_LEAST)),
            "of": lambda child: _arms(child, "of", compared),
        },
    )
    if set(values) != {"n", "of"}:
        raise node.error("at_least needs n and of: at_least: {n: 2, of: [arm, arm, arm]}")
    if values["n"] > len(values["of"]):
        raise node.error(f"at_least asks for {values['n']} of {len(values['of'])} arms")
    return values["n"], values["of"]


# --- ordered arms ----------------------------------------------------------------------------------------------------


def _trend(claim: str, keys: Mapping[str, Node], compared: Compared) -> ReadClaim:
    node = keys[claim]
    arms = _known(node, _ordered(node, claim, compared), compared)
    knob = fields.text(keys["on"], "on") if "on" in keys else "epochs"
    values = [arm.config.get(knob) for arm in arms]
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool) and v > 0]
    if len(numbers) < len(arms):
        raise keys.get("on", node).error(f"a trend needs a number above 0 of every arm, and {knob} is not one in all")
    if any(one >= other for one, other in pairwise(numbers)):
        listed = ", ".join(f"{v:g}" for v in numbers)
        raise node.error(f"a trend names its arms by rising {knob}, and theirs are {listed}")
    names = [arm.name for arm in arms]
    x = [log2(v) for v in numbers]
    contrast = slope(names, x, name=f"{names[-1]} over {names[0]}, fitted on log {knob}")
    written = {claim: names, "on": knob}
    return ReadClaim(
        kind="trend",
        contrasts=(contrast,),
        at_least=1,
        written=written,
        steps=_steps(names),
        doublings=x[-1] - x[0],
    )


def _ladder(claim: str, keys: Mapping[str, Node], compared: Compared) -> ReadClaim:
    names = _ordered(keys[claim], claim, compared)
    contrast = slope(names, range(len(names)), name=f"{names[-1]} over {names[0]}, fitted in equal steps")
    written = {claim: list(names)}
    return ReadClaim(kind="ladder", contrasts=(contrast,), at_least=1, written=written, steps=_steps(names))


def _steps(names: Sequence[str]) -> tuple[Contrast, ...]:
    return tuple(versus(arm, than) for than, arm in pairwise(names))


def _ordered(node: Node, claim: str, compared: Compared) -> tuple[str, ...]:
    arms = _arms(node, claim, compared)
    if len(arms) < 3:
        raise node.error(f"a {claim} needs three arms or more, not {len(arms)}; two are compared by `arm` and `than`")
    return arms


def slope(names: Sequence[str], x: Sequence[float], *, name: str) -> Contrast:
    """What a straight line fitted to the arms' means by least squares gains from the first x to the last."""
    middle = sum(x) / len(x)
    spread = sum((one - middle) ** 2 for one in x)
    reach = x[-1] - x[0]
    weights = [round(reach * (one - middle) / spread, 12) for one in x]  # the middle of three is 0, not 1e-17
    return Contrast(name=name, weights=dict(zip(names, weights, strict=True)))


# --- factors ---------------------------------------------------------------------------------------------------------


def _main(claim: str, keys: Mapping[str, Node], compared: Compared) -> ReadClaim:
    levels = _levels(keys[claim], claim, 1, compared)
    ((factor, level),) = levels.items()
    base = compared.factors[factor][0]
    weights = _averaged(keys[claim], {(level,): 1.0, (base,): -1.0}, (factor,), compared)
    contrast = Contrast(name=f"{level} - {base}, mean over the other factors", weights=weights)
    return ReadClaim(kind="main", contrasts=(contrast,), at_least=1, written={claim: levels})


def _interaction(claim: str, keys: Mapping[str, Node], compared: Compared) -> ReadClaim:
    levels = _levels(keys[claim], claim, 2, compared)
    (one, up), (other, with_level) = levels.items()
    base, without = compared.factors[one][0], compared.factors[other][0]
    cells: dict[tuple[str, ...], float] = {(up, with_level): 1.0, (up, without): -1.0}
    cells |= {(base, with_level): -1.0, (base, without): 1.0}
    weights = _averaged(keys[claim], cells, (one, other), compared)
    name = f"({up} - {base}) with {with_level}, less the same with {without}"
    return ReadClaim(
        kind="interaction", contrasts=(Contrast(name=name, weights=weights),), at_least=1, written={claim: levels}
    )


def _levels(node: Node, claim: str, n: int, compared: Compared) -> dict[str, str]:
    """factor -> level, none of them the factor's first."""
    if not compared.factors:
        raise node.error(f"{claim} compares levels of factors, and this study has no `factors:`")
    keys = fields.mapping(node, claim)
    if len(keys) != n:
        raise node.error(f"{claim} takes {n} factor{'s' * (n > 1)} with a level each, not {len(keys)}")
    return {
        fields.one_of(Node(factor, child.place), "a factor", tuple(compared.factors)): fields.one_of(
            _label(factor, child), f"a level of {factor} that is not its first", tuple(compared.factors[factor])[1:]
        )
        for factor, child in keys.items()
    }


def _label(factor: str, node: Node) -> Node:
    """`epochs: 40` is the level that arms call epochs=40."""
    is_number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
    return Node(f"{factor.rpartition('.')[2]}={node.value}", node.place) if is_number else node


def _averaged(
    node: Node, cells: Mapping[tuple[str, ...], float], factors: tuple[str, ...], compared: Compared
) -> Mapping[str, float]:
    """Weights of the arms of these cells, averaged over the settings of the other factors that have all of them."""
    blocks: dict[tuple[str, ...], dict[tuple[str, ...], str]] = {}
    for arm in compared.arms.values():
        rest = tuple(level for factor, level in arm.levels.items() if factor not in factors)
        cell = tuple(arm.levels[factor] for factor in factors)
        blocks.setdefault(rest, {})[cell] = arm.name
    full = [block for block in blocks.values() if cells.keys() <= block.keys()]
    if not full:
        listed = ", ".join(" with ".join(cell) for cell in cells)
        raise node.error(f"it takes arms of {listed}, all else equal, and the design has not all of them; use a grid")
    return {block[cell]: weight / len(full) for block in full for cell, weight in cells.items()}


def _known(node: Node, names: Sequence[str], compared: Compared) -> list[Arm]:
    for name in names:
        if name not in compared.arms:
            raise node.error(f"a trend needs arms that the study declares, and {name} is an arm of a pure search")
    return [compared.arms[name] for name in names]


_READERS: Mapping[str, Callable[[str, Mapping[str, Node], Compared], ReadClaim]] = {
    "any": _versus,
    "all": _versus,
    "arm": _versus,
    "at_least": _versus,
    "trend": _trend,
    "ladder": _ladder,
    "main": _main,
    "interaction": _interaction,
}

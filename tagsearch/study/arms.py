"""Designs: from factors and their levels, or explicit arms, to the arms of a study.

A factor's first level is the one that `base` has (base may leave it out). The first arm is always the reference:

* `one_factor`: every first level; then every other level of each factor alone.
* `leave_one_out`: the *last* level of every factor, the full system; then the full system with one factor set back to
  its first level. Each factor has exactly two levels.
* `grid`: the product of all levels, less `exclude`.
* explicit `arms`: each is the base with some changes; the first is the baseline.

`include` adds combinations to any of the first three; a factor it does not name stays at its first level.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod

from tagsearch.records import Config
from tagsearch.registry import Scalar, did_you_mean
from tagsearch.study import fields
from tagsearch.study.levels import Combination, Factors, level_like
from tagsearch.study.schema import Arm, Design
from tagsearch.study.settings import Changes, apply, defaults, kind_of, with_default_knobs
from tagsearch.study.yaml_reader import Node

MAX_ARMS = 200  # more is a pure search
FACTOR_DESIGNS = ("one_factor", "leave_one_out", "grid")


# --- the base configuration ------------------------------------------------------------------------------------------


def base_config(base: Changes, factors: Factors) -> dict[str, Scalar]:
    """Defaults, what `base` says, and every factor's first level. Raises StudyError where the last two disagree.

    A component level has declared defaults in every knob it does not name, so `base` can't name those."""
    first: dict[str, Node] = {}
    for factor, levels in factors.items():
        for setting, node in levels[0].changes.items():
            if setting in base and base[setting].value != node.value:
                raise base[setting].error(
                    f"base says {setting} is {base[setting].shown}, but the first level of factor {factor} is "
                    f"{levels[0].label}; the first level is the baseline: make them agree or drop it from base"
                )
            first[setting] = node
    for setting, node in base.items():
        kind = kind_of(setting)
        if kind in factors and setting not in factors and setting not in first:
            raise node.error(f"{kind} is a factor, so its levels say {setting}; write it there, not in base")
    return apply(defaults(), {**first, **base})


# --- designs ---------------------------------------------------------------------------------------------------------


def factor_arms(
    base: Config,
    factors: Factors,
    design: Design,
    *,
    include: Sequence[tuple[Node, Changes]],
    exclude: Sequence[tuple[Node, Changes]],
) -> tuple[Arm, ...]:
    """The arms of a design over factors, the reference first. Raises StudyError if two are the same."""
    base = with_default_knobs(base, factors)
    combinations = list(_DESIGNS[design](factors))
    if exclude:
        combinations = _without(combinations, exclude, factors, design)
    extra = [_included(item, changes, factors) for item, changes in include]
    named = _named(combinations, extra, factors, design)
    arms = [(_arm(name, base, combination), _place_of(combination, factors)) for name, combination in named]
    check_distinct(arms)
    return tuple(arm for arm, _ in arms)


def _one_factor(factors: Factors) -> Iterator[Combination]:
    first = {factor: levels[0] for factor, levels in factors.items()}
    yield first
    for factor, levels in factors.items():
        for level in levels[1:]:
            yield first | {factor: level}


def _leave_one_out(factors: Factors) -> Iterator[Combination]:
    for factor, levels in factors.items():
        if len(levels) != 2:
            raise levels[2].node.error(f"leave_one_out takes two levels of each factor, {factor} has {len(levels)}")
    full = {factor: levels[1] for factor, levels in factors.items()}
    yield full
    for factor, levels in factors.items():
        yield full | {factor: levels[0]}


def _grid(factors: Factors) -> Iterator[Combination]:
    n_arms = prod(len(levels) for levels in factors.values())
    if n_arms > MAX_ARMS:
        node = next(iter(factors.values()))[0].node
        raise node.error(f"the grid has {n_arms:,} arms, at most {MAX_ARMS} can be compared; search it with tunables")
    for levels in product(*factors.values()):
        yield dict(zip(factors, levels, strict=True))


_DESIGNS = {"one_factor": _one_factor, "leave_one_out": _leave_one_out, "grid": _grid}


def _arm(name: str, base: Config, combination: Combination) -> Arm:
    changes = {setting: node for level in combination.values() for setting, node in level.changes.items()}
    labels = {factor: level.label for factor, level in combination.items()}
    fields.check_name(name, "an arm's name", next(iter(combination.values())).node)
    return Arm(name=name, levels=labels, config=apply(base, changes))


def explicit_arms(base: Config, written: Mapping[str, Changes], place: Node) -> tuple[Arm, ...]:
    arms = []
    for name, changes in written.items():
        node = next(iter(changes.values()), place)
        arms.append((Arm(name=name, levels={}, config=apply(base, changes)), node))
    check_distinct(arms)
    return tuple(arm for arm, _ in arms)


def check_distinct(arms: Sequence[tuple[Arm, Node]]) -> None:
    """Raises StudyError if two arms have the same name or configuration."""
    for k, (arm, node) in enumerate(arms):
        for earlier, _ in arms[:k]:
            if arm.config == earlier.config:
                raise node.error(f"arms {earlier.name!r} and {arm.name!r} resolve to the same configuration")
            if arm.name == earlier.name:
                raise node.error(
                    f"two different arms would both be called {arm.name!r}; write them as explicit `arms:`"
                )


def _place_of(combination: Combination, factors: Factors) -> Node:
    """Where a combination's last level other than a first one is written."""
    changed = [level.node for factor, level in combination.items() if level is not factors[factor][0]]
    return changed[-1] if changed else next(iter(combination.values())).node


# --- names -----------------------------------------------------------------------------------------------------------


def _named(
    combinations: Sequence[Combination], extra: Sequence[Combination], factors: Factors, design: Design
) -> list[tuple[str, Combination]]:
    named = [(_name(k, combination, factors, design), combination) for k, combination in enumerate(combinations)]
    return named + [(_joined(combination, factors, design), combination) for combination in extra]


def _name(k: int, combination: Combination, factors: Factors, design: Design) -> str:
    if design == "grid" or len(factors) == 1:
        return _joined(combination, factors, "grid")
    if k == 0:
        return "full" if design == "leave_one_out" else "baseline"
    if design == "one_factor":
        return _joined(combination, factors, design)
    dropped = next(factor for factor in factors if combination[factor] is factors[factor][0])
    label = combination[dropped].label
    return label if "=" in label.partition(".")[0] else f"{dropped}={label}"


def _joined(combination: Combination, factors: Factors, design: Design) -> str:
    """The labels joined by +: all of them in a grid, else those that differ from the first level."""
    kept = [
        level.label
        for factor, level in combination.items()
        if design == "grid" or level.label != factors[factor][0].label
    ]
    return "+".join(kept) or "baseline"


# --- include and exclude ---------------------------------------------------------------------------------------------


def _included(item: Node, changes: Changes, factors: Factors) -> Combination:
    _check_factors(changes, factors, "include")
    combination = {factor: levels[0] for factor, levels in factors.items()}
    grouped: dict[str, dict[str, Node]] = {}
    for setting, node in changes.items():
        grouped.setdefault(setting if setting in factors else kind_of(setting), {})[setting] = node
    for factor, own in grouped.items():
        named = own if factor in own else {**factors[factor][0].changes, **own}
        combination[factor] = level_like(named, factor, factors[factor], item)
    return combination


def _check_factors(changes: Changes, factors: Factors, what: str) -> None:
    for setting, node in changes.items():
        if setting not in factors and kind_of(setting) not in factors:
            raise node.error(f"{what} names {setting!r}, which is no factor{did_you_mean(setting, dict(factors))}")


def _without(
    combinations: Sequence[Combination],
    exclude: Sequence[tuple[Node, Changes]],
    factors: Factors,
    design: Design,
) -> list[Combination]:
    item = exclude[0][0]
    if design != "grid":
        raise item.error(f"exclude belongs to the grid design; in {design} leave the level out")
    kept = list(combinations)
    for item, changes in exclude:
        _check_factors(changes, factors, "exclude")
        matching = [c for c in combinations if _matches(c, changes)]
        if not matching:
            raise item.error(f"exclude: no arm matches {item.shown}")
        if combinations[0] in matching:
            raise item.error(f"exclude: {item.shown} matches the baseline, the first level of every factor")
        kept = [c for c in kept if c not in matching]
    if len(kept) < 2:
        raise item.error("exclude leaves the baseline alone; a comparison needs two arms")
    return kept


def _matches(combination: Combination, changes: Changes) -> bool:
    settings = {s: node.value for level in combination.values() for s, node in level.changes.items()}
    return all(s in settings and settings[s] == node.value for s, node in changes.items())

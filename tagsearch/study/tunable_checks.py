"""Checks of tunables against the arms in which they are tuned, and their order.

What a setting can be in an arm: the values a tunable may give it there, else the arm's own value.
"""

from collections.abc import Mapping, Sequence

from tagsearch.records import Config
from tagsearch.registry import COMPONENTS, Knob, Scalar, did_you_mean
from tagsearch.study.schema import Arm, Tunable
from tagsearch.study.settings import changed, components_with, kind_of, knob_of
from tagsearch.study.tunables import WrittenTunable
from tagsearch.study.yaml_reader import Node

ByName = Mapping[str, WrittenTunable]


def check_tunables(
    written: Sequence[WrittenTunable], arms: Sequence[Arm], factors: Sequence[str]
) -> tuple[Tunable, ...]:
    """The tunables in the order in which they are drawn. Raises StudyError."""
    by_name = {w.tunable.name: w for w in written}
    for w in written:
        if w.tunable.name in factors:
            raise w.node.error(f"{w.tunable.name} is a factor of this study and cannot be a tunable too")
    for w in written:
        _check_conditions(w, by_name, arms)
        for arm in arms:
            if _may_hold(w.tunable, by_name, arm.config):
                _check_in_arm(w, by_name, arm)
    ordered = _ordered(written)
    _check_arms_stay_distinct(ordered, by_name, arms)
    return ordered


def possible(setting: str, by_name: ByName, config: Config) -> tuple[Scalar, ...] | Tunable:
    """The values a setting can take in an arm; a Tunable where they are a range."""
    own: tuple[Scalar, ...] = (config[setting],) if setting in config else ()
    if setting in by_name:
        tunable = by_name[setting].tunable
        if tunable.kind != "choice":
            return tunable
        return (*tunable.choices, *own) if tunable.when else tunable.choices
    kind = kind_of(setting)
    if kind in by_name and setting != kind:  # the knob of a tuned component that is itself not tuned: its defaults
        chosen = possible(kind, by_name, config)
        assert not isinstance(chosen, Tunable)
        configs = [changed(config, {kind: name}) for name in chosen]
        return tuple(c[setting] for c in configs if setting in c)
    return own


def _can_be(setting: str, value: object, by_name: ByName, config: Config) -> bool:
    values = possible(setting, by_name, config)
    if isinstance(values, Tunable):
        return isinstance(value, int) and values.low <= value < values.high
    return value in values


def _may_hold(tunable: Tunable, by_name: ByName, config: Config) -> bool:
    return all(
        any(_can_be(setting, value, by_name, config) for value in values) for setting, values in tunable.when.items()
    )


def _check_conditions(w: WrittenTunable, by_name: ByName, arms: Sequence[Arm]) -> None:
    """Every value that a `when:` names must be possible in some arm, and all its conditions together in one."""
    for setting, nodes in w.conditions.items():
        if setting in by_name and by_name[setting].tunable.kind in ("uniform", "loguniform"):
            raise nodes[0].error(f"when of {w.tunable.name}: {setting} is drawn from a range; name a choice instead")
        for node in nodes:
            if not any(_can_be(setting, node.value, by_name, arm.config) for arm in arms):
                raise node.error(
                    f"when of {w.tunable.name} can never hold: no arm has {setting} {node.shown}"
                    f"{_hint(setting, node, by_name, arms)}"
                )
    if not any(_may_hold(w.tunable, by_name, arm.config) for arm in arms):
        node = next(iter(w.conditions.values()))[0]
        raise node.error(f"when of {w.tunable.name} can never hold: no arm fulfils all its conditions")


def _hint(setting: str, node: Node, by_name: ByName, arms: Sequence[Arm]) -> str:
    known: dict[str, None] = {}
    for arm in arms:
        values = possible(setting, by_name, arm.config)
        if not isinstance(values, Tunable):
            known |= dict.fromkeys(map(str, values))
    return did_you_mean(str(node.value), known) if known else f"; no arm has a {setting}"


def _check_in_arm(w: WrittenTunable, by_name: ByName, arm: Arm) -> None:
    """The tunable must exist, and its range fit, for every component the arm may have where its `when:` holds."""
    tunable, kind = w.tunable, kind_of(w.tunable.name)
    if tunable.name in COMPONENTS:
        return
    if kind not in COMPONENTS:
        _check_range(w, knob_of(tunable.name, arm.config), arm)
        return
    names = possible(kind, by_name, arm.config)
    assert not isinstance(names, Tunable)
    allowed = [name for name in names if name in tunable.when.get(kind, names)]
    for name in allowed:
        knob = COMPONENTS[kind][str(name)].knobs.get(tunable.name.partition(".")[2])
        if knob is None:
            owners = ", ".join(components_with(tunable.name))
            owners = owners if "," not in owners else f"[{owners}]"
            raise w.node.error(
                f"tunable {tunable.name} does not exist for {kind} {name!r} (arm {arm.name!r}); "
                f"add `when: {{{kind}: {owners}}}`"
            )
        _check_range(w, knob, arm)


def _check_range(w: WrittenTunable, knob: Knob | None, arm: Arm) -> None:
    assert knob is not None, f"{w.tunable.name} is a training setting"
    tunable = w.tunable
    last = tunable.high - 1 if tunable.kind in ("randint", "lograndint") else tunable.high
    values: tuple[Scalar, ...] = tunable.choices if tunable.kind == "choice" else (tunable.low, last)
    for value in values:
        complaint = knob.complaint(value)
        if complaint is not None:
            raise w.node.error(f"tunable {tunable.name}: a value {complaint} (arm {arm.name!r})")


def _ordered(written: Sequence[WrittenTunable]) -> tuple[Tunable, ...]:
    """What a `when:` names before what depends on it, else in the order written; components before their knobs."""
    remaining = {w.tunable.name: w for w in written}
    ordered: list[Tunable] = []
    while remaining:
        free = [name for name, w in remaining.items() if not _waits_for(w.tunable) & (remaining.keys() - {name})]
        if not free:
            w = next(iter(remaining.values()))
            raise w.node.error(f"the `when:` of {' and '.join(remaining)} wait for each other")
        ordered.append(remaining.pop(free[0]).tunable)
    return tuple(ordered)


def _waits_for(tunable: Tunable) -> set[str]:
    return {*tunable.when, *map(kind_of, tunable.when), kind_of(tunable.name)}


def _check_arms_stay_distinct(tunables: Sequence[Tunable], by_name: ByName, arms: Sequence[Arm]) -> None:
    """Two arms that differ only in what is tuned in both are one arm."""
    for k, arm in enumerate(arms):
        for other in arms[:k]:
            differing = {s for s in {*arm.config, *other.config} if arm.config.get(s) != other.config.get(s)}
            tuned = {t.name for t in tunables if t.applies(arm.config) and t.applies(other.config)}
            if all(s in tuned or kind_of(s) in tuned for s in differing):
                w = next(by_name[s] for s in by_name if any(s in (d, kind_of(d)) for d in differing))
                raise w.node.error(
                    f"arms {other.name!r} and {arm.name!r} differ only in {', '.join(sorted(differing))}, "
                    f"and {w.tunable.name} is tuned in both"
                )

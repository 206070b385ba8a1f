"""Which runs may be combined: what must be equal, and why two runs cannot stand in one table, in one line.

Scores can be compared only if they were measured on the same clips with the same labels, and were chosen by the same
rule. Different studies must share their baseline too, so that every difference is to the same thing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.rundata import RunData
from tagsearch.errors import UsageError
from tagsearch.records import Config
from tagsearch.study.lock import make_lock
from tagsearch.study.schema import Study

_SHOWN = 3  # differing settings told; more would not fit a line


def check_compatible(runs: Mapping[str, RunData]) -> None:
    """Raises UsageError with the first reason why the runs, by name, cannot be combined."""
    (name, first), *others = runs.items()
    for other_name, other in others:
        reason = _corpus_reason(first, other) or _rule_reason(first.study, other.study)
        if not reason and not is_one_study([first, other]):
            reason = _baseline_reason(first.study, other.study)
        if reason:
            raise UsageError(f"{name} and {other_name} cannot be combined: {reason}")


def is_one_study(runs: Sequence[RunData]) -> bool:
    """Whether nothing that is registered differs but the seeds and their number."""
    return not differing(runs)


def differing(runs: Sequence[RunData]) -> list[str]:
    """What of the registered content differs between the runs, the seeds and their number apart."""
    contents = [_without_seeds(make_lock(run.study, run.corpus)["content"]) for run in runs]
    return [key for key in contents[0] if any(content[key] != contents[0][key] for content in contents)]


def _without_seeds(content: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in content.items() if key not in ("seed", "confirm_seeds")}
    return kept | {"confirm": {key: value for key, value in content["confirm"].items() if key != "seeds"}}


def _corpus_reason(one: RunData, other: RunData) -> str:
    a, b = one.corpus, other.corpus
    if a.tags != b.tags:
        return f"their tags differ ({len(a.tags)} and {len(b.tags)}{_only(a.tags, b.tags)})"
    for what, names in (("splits", ("clip_ids", "splits")), ("labels", ("labels",)), ("artists", ("artists",))):
        if not all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names):
            return f"their {what} differ, so that their scores are not of the same test"
    if a.fingerprint != b.fingerprint:
        return f"their corpora differ ({a.name} {a.fingerprint[:12]} and {b.name} {b.fingerprint[:12]})"
    return ""


def _only(tags: Sequence[str], others: Sequence[str]) -> str:
    odd = sorted(set(tags) ^ set(others))
    return f"; {odd[0]!r} is in one only" if odd else ""


def _rule_reason(one: Study, other: Study) -> str:
    rules = (
        ("objective", one.objective, other.objective),
        ("checkpoint rule", one.checkpoint, other.checkpoint),
        ("pad", one.data["pad"], other.data["pad"]),
        ("stop rule", one.stop, other.stop),
    )
    for what, a, b in rules:
        if a != b:
            return f"their {what} differs ({a} and {b})"
    if (one.tune is None) != (other.tune is None):
        return "one tunes its arms and the other does not, so that their arms had unequal chances"
    return ""


def _baseline_reason(one: Study, other: Study) -> str:
    found = config_difference(one.baseline.config, other.baseline.config)
    return f"they are different studies, and their baselines differ: {found}" if found else ""


def config_difference(one: Config, other: Config) -> str:
    """ "epochs 24 and 8"; empty where nothing differs."""
    names = sorted(name for name in {*one, *other} if one.get(name) != other.get(name))
    told = [f"{name} {one.get(name, '-')} and {other.get(name, '-')}" for name in names[:_SHOWN]]
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*told, *more])

"""The decision rule, apart from where its numbers come from.

Outcomes are ordered  - < 0 < ? < + :  "-" harm, "0" no gain worth having, "?" open, "+" gain. A claim is one metric of
one comparison; a member is one contrast of arms (all its metrics); a part asks for some number of its members.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from tagsearch.study.alpha import Levels as Levels
from tagsearch.study.alpha import split_alpha as split_alpha


class Outcome(StrEnum):
    HARM = "-"
    NO_GAIN = "0"
    OPEN = "?"
    GAIN = "+"


class Verdict(StrEnum):
    CONFIRMED = "Confirmed"
    PARTIALLY = "Partially confirmed"
    NOT_SUPPORTED = "Not supported"
    REFUTED = "Refuted"
    INCONCLUSIVE = "Inconclusive"


_ORDER = {outcome: place for place, outcome in enumerate(Outcome)}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    return min(outcomes, key=_ORDER.__getitem__)


def claim_outcome(value: float, lower: float, upper: float, *, margin: float) -> Outcome:
    """`lower` and `upper` are the limits at the levels of `split_alpha`; `margin` > 0."""
    if lower > 0 and value >= margin:
        return Outcome.GAIN
    if upper < 0 and value <= -margin:
        return Outcome.HARM
    return Outcome.NO_GAIN if upper < margin else Outcome.OPEN


def claim_flags(outcome: Outcome, lower: float, upper: float, *, margin: float) -> tuple[str, ...]:
    """ "strong": the whole interval lies beyond the margin; "equivalent": inside +- margin; "trivial gain": above 0."""
    if outcome is Outcome.GAIN:
        return ("strong",) if lower >= margin else ()
    if outcome is Outcome.HARM:
        return ("strong",) if upper <= -margin else ()
    if outcome is Outcome.OPEN:
        return ()
    flags = ["equivalent"] if lower > -margin else []
    return tuple(flags + (["trivial gain"] if lower > 0 else []))


def member_outcome(claims: Sequence[Outcome]) -> tuple[Outcome, tuple[str, ...]]:
    """All metrics must gain; a gain on one and harm on another is no gain."""
    if Outcome.GAIN in claims and Outcome.HARM in claims:
        return Outcome.NO_GAIN, ("metrics disagree",)
    return worst(claims), ()


def part_outcome(members: Sequence[Outcome], at_least: int) -> Outcome:
    """The outcome that at least so many of the members reach."""
    return sorted(members, key=_ORDER.__getitem__, reverse=True)[at_least - 1]


def ladder_outcome(slope: Outcome, steps: Sequence[Outcome]) -> Outcome:
    """The fitted line's, unless some step leads down."""
    return worst([slope, Outcome.NO_GAIN]) if Outcome.HARM in steps else slope


def hypothesis_verdict(parts: Sequence[Outcome], *, gates_pass: bool, grade: str) -> Verdict:
    """`gates_pass`: those that guard "Refuted". A failed gate that leaves a part open has made it "?" already. One or
    two seeds (grade C) describe two networks and decide nothing about a method; grade D describes a table of numbers,
    and only grade A refutes."""
    if grade == "C":
        return Verdict.INCONCLUSIVE
    if all(outcome is Outcome.GAIN for outcome in parts):
        return Verdict.CONFIRMED
    if Outcome.GAIN in parts:
        return Verdict.PARTIALLY
    if Outcome.OPEN in parts:
        return Verdict.INCONCLUSIVE
    return Verdict.REFUTED if gates_pass and grade == "A" else Verdict.NOT_SUPPORTED

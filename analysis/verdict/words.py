"""The reasons in plain words: why something is decided, why it is open. No decision is made here."""

import math
from collections.abc import Iterable, Mapping, Sequence

from analysis.verdict.gates import Gate
from analysis.verdict.intervals import Scope, t_quantile
from analysis.verdict.judgement import Claim, Member, PartVerdict
from analysis.verdict.outcomes import Levels, Outcome, Verdict
from tagsearch.study.schema import Part, Study


def decimals(half_width: float, *, least: int = 2) -> int:
    """How many decimals an interval supports: two significant digits of its half width, between `least` and 4."""
    if not math.isfinite(half_width) or half_width <= 0:
        return least + 1
    return min(4, max(least, 1 - math.floor(math.log10(half_width))))


def mean_sd(mean: float, sd: float, n: int, *, least: int = 2) -> str:
    """Mean ± SD of n values, rounded to what the mean's own 95 % interval supports; the mean alone without an SD."""
    if math.isnan(mean):
        return "-"
    half = math.nan if math.isnan(sd) or n < 2 else t_quantile(n - 1, 0.05) * sd / math.sqrt(n)
    digits = decimals(half, least=least)
    told = f"{round(mean, digits) + 0.0:,.{digits}f}"  # never -0.000
    return told if math.isnan(half) else f"{told} ± {sd:,.{digits}f}"


def objective(study: Study) -> str:
    """valid/pr_auc in words."""
    return {"roc_auc": "validation ROC AUC", "pr_auc": "validation PR AUC", "loss": "validation loss"}[
        study.objective.removeprefix("valid/")
    ]


def signed(value: float, digits: int) -> str:
    """+0.012; an infinite limit as inf; never -0.000."""
    if math.isinf(value):
        return "+inf" if value > 0 else "-inf"
    return f"{round(value, digits) + 0.0:+.{digits}f}"


MOST_DECIMALS = 8  # nearer to a threshold than that is on it


def with_interval(value: float, lower: float, upper: float, *, margin: float = 0.0) -> str:
    """Rounded to what the interval supports, but never onto the other side of 0 or of the margin: a limit above 0 is
    not told as 0, nor an estimate that misses the margin as the margin."""
    supported = decimals((upper - lower) / 2)
    tried = range(supported, MOST_DECIMALS + 1)
    digits = next((n for n in tried if _keeps_sides(value, lower, upper, margin, n)), supported)
    return f"{signed(value, digits)} [{signed(lower, digits)}, {signed(upper, digits)}]"


def _keeps_sides(value: float, lower: float, upper: float, margin: float, digits: int) -> bool:
    pairs = [(limit, threshold) for limit in (lower, upper) for threshold in (0.0, margin, -margin)]
    pairs += [(value, margin), (value, -margin)] if margin else []
    return all(_side(round(one, digits), threshold) == _side(one, threshold) for one, threshold in pairs)


def _side(one: float, threshold: float) -> int:
    return (one > threshold) - (one < threshold)


def shown(claim: Claim) -> tuple[float, float, float]:
    """Estimate, lower and upper limit of a claim as they are told; the claim has an estimate."""
    assert claim.estimate is not None
    value, lower, upper = (claim.endpoint.told(x) for x in (claim.estimate.value, claim.lower, claim.upper))
    return value, lower, upper


def claim_reason(claim: Claim, scope: Scope) -> str:
    estimate, name = claim.estimate, claim.endpoint.name
    if estimate is None:
        return f"{name}: no scores to compare."
    if scope == "point":
        return f"{name}: {_exactly(shown(claim)[0], claim.margin)}; {_exact_standing(claim)}."
    if math.isinf(estimate.seed_variance):
        return f"{name}: {_one_seed(claim)}"
    return f"{name}: {with_interval(*shown(claim), margin=claim.margin)}; {_standing(claim)}."


def _exactly(value: float, margin: float) -> str:
    """A number without its spread, with decimals enough to tell it from the margin."""
    digits = 3
    while digits < MOST_DECIMALS and _side(round(abs(value), digits), margin) != _side(abs(value), margin):
        digits += 1
    return signed(value, digits)


def _one_seed(claim: Claim) -> str:
    estimate = claim.estimate
    assert estimate is not None
    lower, upper = (claim.endpoint.told(x) for x in estimate.model_interval(claim.levels.lower))
    tipping = f"; the sign would stand if the SD between seeds were below {estimate.tipping_sd:.4f}"
    if claim.endpoint.is_relative:
        tipping += " (of the logarithm)"
    return (
        f"one seed says nothing about the spread between seeds, so the method stays open. These trained models differ "
        f"by {with_interval(claim.endpoint.told(estimate.value), lower, upper)} on new artists"
        f"{tipping if estimate.tipping_sd > 0 else ''}."
    )


def _exact_standing(claim: Claim) -> str:
    rho = f"{claim.margin:g}"
    return {
        Outcome.GAIN: f"a gain that reaches the margin {rho}",
        Outcome.NO_GAIN: f"short of the margin {rho}",
        Outcome.OPEN: "neither better nor worse",
        Outcome.HARM: f"worse by the margin {rho} or more",
    }[claim.outcome]


def _standing(claim: Claim) -> str:
    assert claim.estimate is not None
    rho = f"{claim.margin:g}"
    if claim.outcome is Outcome.GAIN:
        return (
            f"all of it beyond the margin {rho}" if "strong" in claim.flags else f"a gain that reaches the margin {rho}"
        )
    if claim.outcome is Outcome.HARM:
        return f"worse, all of it beyond -{rho}" if "strong" in claim.flags else f"worse by the margin {rho} or more"
    if claim.outcome is Outcome.NO_GAIN:
        return _no_gain(claim, rho)
    if claim.estimate.value >= claim.endpoint.inner(claim.margin):
        why = f"the estimate reaches the margin {rho}, but the interval holds 0"
    else:
        why = f"a gain of {rho} or more is neither shown nor excluded"
    if claim.floor == math.inf:
        why += " (a single test artist says nothing about new ones)"
    elif claim.floor > claim.endpoint.inner(claim.margin):
        floor = claim.endpoint.told(claim.floor)
        why += f" (no number of seeds shows less than {floor:.3f} on {claim.estimate.n_clusters} test artists)"
    return why


def _no_gain(claim: Claim, rho: str) -> str:
    if "trivial gain" in claim.flags:
        return f"a gain, but a gain of {rho} or more is excluded"
    if "equivalent" in claim.flags:
        return f"the same within the margin {rho}"
    return f"a gain of {rho} or more is excluded"


def member_reason(member: Member, lost: Mapping[str, str]) -> str:
    """Why the member's outcome is not simply its claims' (which give their own reasons). `lost`: what diverged, by
    arm."""
    weights = member.contrast.weights
    reasons = [gate.text for gate in member.gates if not gate.passed and gate.blocks == "outcome"]
    reasons += [
        f"{text}, so that what is left of it is no fair rival" for arm, text in lost.items() if weights[arm] < 0
    ]
    reasons += [f"{text}, so that it cannot count as a gain" for arm, text in lost.items() if weights[arm] >= 0]
    if "metrics disagree" in member.flags:
        reasons.append("the metrics disagree: a gain on one, harm on the other")
    return "; ".join(reasons)


def ladder_reason(line: Member, steps: Sequence[Member]) -> str:
    """Why a ladder's outcome is not its fitted line's, or the line's own reason."""
    down = [step.contrast.name for step in steps if step.outcome is Outcome.HARM]
    if not down:
        return line.reason
    told = f"no ladder, as it leads down at {', '.join(down)}"
    return f"{line.reason}; {told}" if line.reason else told


_OUTCOME_WORDS = {
    Outcome.GAIN: "shows a gain",
    Outcome.NO_GAIN: "shows no gain worth having",
    Outcome.OPEN: "is open",
    Outcome.HARM: "shows a loss",
}


def part_reason(part: Part, members: Sequence[Member], levels: Levels | None) -> str:
    """`levels`: None where nothing is tested, as numbers are taken as exact."""
    told = "; ".join(_member_told(member) for member in members)
    if len(members) == 1:
        return f"{told}."
    m, k = len(members), part.at_least
    split = ""
    if levels is not None:
        split = f" (so each is tested for a gain at level {levels.lower:.3g}, for no gain at level {levels.upper:.3g})"
    return f"it takes {quantity(k, m)} of {m}{split}: {told}."


def _member_told(member: Member) -> str:
    """ "focal - bce shows a gain"."""
    name = member.contrast.name
    told = "is no ladder" if "step down" in member.flags else _OUTCOME_WORDS[member.outcome]
    return f"{name}{',' if ', ' in name else ''} {told}"


def quantity(at_least: int, n_members: int) -> str:
    """ "any", "all" or "at least 2"."""
    return "any" if at_least == 1 else "all" if at_least == n_members else f"at least {at_least}"


def verdict_reason(
    verdict: Verdict, parts: Sequence[PartVerdict], grade: str, gates: Sequence[Gate], short: Sequence[str] = ()
) -> str:
    """`short`: what keeps the grade from A, see `gates.shortcomings` and `deviations`."""
    told = _decided_reason(verdict, parts, grade, gates)
    if grade == "D":
        exact = "By the numbers alone, taken as exact, for want of seeds and clips behind them:"
        return f"{exact} {_lower_first(told)}"
    if grade == "B" and verdict in (Verdict.CONFIRMED, Verdict.PARTIALLY):
        return f"{told} With reservations, so of grade B: {'; '.join(dict.fromkeys(short))}."
    return told


def _lower_first(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _decided_reason(verdict: Verdict, parts: Sequence[PartVerdict], grade: str, gates: Sequence[Gate]) -> str:
    if verdict is Verdict.CONFIRMED:
        return "The gain is shown and reaches the margin."
    if verdict is Verdict.PARTIALLY:
        return f"Shown for {_named(parts, gain=True)}, not for {_named(parts, gain=False)}."
    if grade == "C":
        return "One or two seeds say something of these networks; a verdict on the method takes three or more."
    if verdict is Verdict.INCONCLUSIVE:
        what = "a gain of the margin or more" if len(parts) == 1 else _named(parts, only=Outcome.OPEN)
        return f"Open, neither shown nor excluded: {what}."
    told = _against(parts)
    return told if verdict is Verdict.REFUTED else f"{told} Not called refuted: {_why_not_refuted(grade, gates)}."


def _against(parts: Sequence[PartVerdict]) -> str:
    """What speaks against a hypothesis of which no part gains."""
    if all(part.outcome is Outcome.HARM for part in parts):
        return "It is worse, not better."
    flags = {flag for part in parts for member in part.members for flag in member.flags}
    told = ["a gain of the margin or more is excluded"]
    told += ["a step leads down"] if "step down" in flags else []
    told += ["diverged trials forbid it"] if "diverged" in flags else []
    return f"{', or '.join(told).capitalize()}."


def _why_not_refuted(grade: str, gates: Sequence[Gate]) -> str:
    failed = list(dict.fromkeys(gate.text for gate in gates if not gate.passed and gate.blocks == "refuted"))
    return "; ".join(failed) or f"the evidence is of grade {grade}, and refuting takes grade A"


def _named(parts: Sequence[PartVerdict], *, gain: bool = False, only: Outcome | None = None) -> str:
    chosen = [p for p in parts if (p.outcome is only if only else (p.outcome is Outcome.GAIN) == gain)]
    return ", ".join(part_name(part) for part in chosen)


def part_name(part: PartVerdict) -> str:
    return f"part {part.id} ({part.role})"


def qualifiers(verdict: Verdict, parts: Sequence[PartVerdict], gates: Sequence[Gate]) -> tuple[str, ...]:
    """What must be said beside the verdict, each once."""
    told = [_secondary_only(parts)] if verdict is Verdict.PARTIALLY else []
    told += [gate.text for gate in gates if not gate.passed]
    told += _by_excuse([gate.text for gate in gates if gate.passed])
    return tuple(dict.fromkeys(text for text in told if text))


def _by_excuse(texts: Sequence[str]) -> list[str]:
    """Of gates that passed: what is told with the same excuse behind it becomes one text."""
    facts: dict[str, list[str]] = {}
    for text in dict.fromkeys(texts):
        fact, _, excuse = text.rpartition(": ")
        facts.setdefault(excuse, []).append(fact)
    return [": ".join(filter(None, (", ".join(told), excuse))) for excuse, told in facts.items()]


def _secondary_only(parts: Sequence[PartVerdict]) -> str:
    primary = [part.outcome for part in parts if part.role == "primary"]
    if not primary or Outcome.GAIN in primary:
        return ""
    words = {Outcome.HARM: "worse", Outcome.NO_GAIN: "without gain", Outcome.OPEN: "open"}
    return f"secondary only - the primary part is {', '.join(dict.fromkeys(words[outcome] for outcome in primary))}"


def listed(names: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c", each once."""
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} and {last}" if first else last

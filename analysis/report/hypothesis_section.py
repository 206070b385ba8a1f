"""Section "Hypotheses as registered": what was claimed before the first trial, from lock.json, in words.

Where the registration is missing, or cannot be read as this tagsearch writes it, the hypotheses are those of the study,
and it says so.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.report.environment_section import started
from analysis.report.grids import Grid
from analysis.report.sections import Part, Section, Text
from analysis.rundata import RunData
from analysis.verdict.words import quantity
from tagsearch.study import schema
from tagsearch.study.endpoints import endpoint
from tagsearch.study.extension import alpha_share
from tagsearch.study.schema import Contrast, Hypothesis

NONE = "The study declares no hypothesis."
UNREAD = (
    "The registration tells its hypotheses in another way than this tagsearch: they are told as the study has them."
)
UNREGISTERED = "Nothing was registered: the hypotheses are told as the study has them."
MARGIN_NOTE = (
    "A gain counts if its interval, over seeds and artists, lies above 0 and its estimate reaches the margin. Every "
    "metric of a part must agree. Alpha is shared by the parts, and by the contrasts of which any is enough."
)
GROUPS_NOTE = (
    "Groups of tags, by training clips: head, the most frequent 20 %; mid, the next 40 %; tail, the rarest 40 %."
)
_KINDS: Mapping[schema.PartKind, str] = {
    "versus": "each arm against its rival",
    "trend": "a fitted gain from the first to the last of ordered arms",
    "ladder": "a gain over ordered arms in equal steps, none of which leads down",
    "main": "a level of a factor against its first, averaged over the other factors",
    "interaction": "how much more one level gains with another",
}


def hypotheses_section(run: RunData, registration: str) -> Section:
    """Anchor "hypotheses". `registration`: whether it still holds, in a sentence."""
    hypotheses, complaint = registered(run)
    lines = [when_registered(run, registration), looks(run), *([complaint] if complaint else [])]
    parts: list[Part] = [Text(lines=tuple(lines))]
    if not hypotheses:
        parts.append(Text(lines=(NONE,)))
    for one in hypotheses:
        parts += [parts_grid(one), Text(lines=tuple(terms(one)))]
    if hypotheses:
        parts.append(Text(lines=(MARGIN_NOTE, *([GROUPS_NOTE] if _by_groups(hypotheses) else [])), soft=True))
    return Section(anchor="hypotheses", title="Hypotheses as registered", parts=parts)


def when_registered(run: RunData, registration: str) -> str:
    """The registration with its whole hash, and where it has no time of its own with that of the run's beginning."""
    if run.lock is None:
        return registration
    begun = "" if "registered" in run.lock else started(run)
    return f"{registration} SHA-256 {run.lock.get('sha256')}." + (f" The run began {begun}." if begun else "")


def looks(run: RunData) -> str:
    """How many seeds are read, and when."""
    confirm = run.study.confirm
    if confirm.extension is None:
        return f"Seeds an arm: {confirm.seeds}, read in one look."
    return (
        f"Seeds an arm: {confirm.seeds}, and {confirm.extension} with the declared extension; the first look spends "
        f"{alpha_share(run.study, None):.0%} of alpha, the second the rest."
    )


def registered(run: RunData) -> tuple[Sequence[Hypothesis], str]:
    """The hypotheses of the registration, else of the study and why."""
    if run.lock is None:
        return run.study.hypotheses, UNREGISTERED if run.study.hypotheses else ""
    try:
        return [_hypothesis(stored) for stored in run.lock["content"]["hypotheses"]], ""
    except (TypeError, KeyError, AttributeError):  # keys of another version
        return run.study.hypotheses, UNREAD


def _hypothesis(stored: Mapping[str, Any]) -> Hypothesis:
    lists = {"parts": tuple(_part(part) for part in stored["parts"]), "premises": tuple(stored["premises"])}
    return Hypothesis(**{**stored, **lists})


def _part(stored: Mapping[str, Any]) -> schema.Part:
    contrasts = {name: tuple(Contrast(**one) for one in stored[name]) for name in ("contrasts", "steps")}
    tags = stored["tags"] if isinstance(stored["tags"], str) else tuple(stored["tags"])
    return schema.Part(**{**stored, **contrasts, "tags": tags, "metrics": tuple(stored["metrics"])})


def _by_groups(hypotheses: Sequence[Hypothesis]) -> bool:
    return any(part.beyond or part.tags in schema.TAG_GROUPS[1:] for one in hypotheses for part in one.parts)


# --- in words --------------------------------------------------------------------------------------------------------


def parts_grid(hypothesis: Hypothesis) -> Grid:
    return Grid(
        title=f"{hypothesis.id}: {hypothesis.text}",
        head=("part", "claims", "on", "by at least"),
        rows=tuple((f"{part.id} ({part.role})", claim(part), on(part), margins(part)) for part in hypothesis.parts),
        right=(False, False, False, False),
    )


def claim(part: schema.Part) -> str:
    """ "any of: focal - bce; bce_triplet - bce", "a fitted gain ...: ..."."""
    names = "; ".join(contrast.name for contrast in part.contrasts)
    if part.kind != "versus":
        return f"{_KINDS[part.kind]}: {names}"
    n = len(part.contrasts)
    return names if n == 1 else f"{quantity(part.at_least, n)} of: {names}"


def on(part: schema.Part) -> str:
    return " and ".join(endpoint(part, metric).name for metric in part.metrics)


def margins(part: schema.Part) -> str:
    return " and ".join(dict.fromkeys(_margin(metric, part.margins[metric]) for metric in part.metrics))


def _margin(metric: schema.ClaimMetric, margin: float) -> str:
    return f"{margin:.0%} less divergence" if metric == "balance" else f"{margin:g}"


def terms(hypothesis: Hypothesis) -> list[str]:
    """Level, manipulation check and premises."""
    told = [f"Alpha {hypothesis.alpha:g}, two-sided."]
    if hypothesis.check:
        told.append(f"Manipulation check (gate G3): {hypothesis.check}; without it the hypothesis cannot be refuted.")
    if hypothesis.premises:
        told.append(f"Premises, reported beside the verdict: {', '.join(hypothesis.premises)}.")
    return [" ".join(told)]

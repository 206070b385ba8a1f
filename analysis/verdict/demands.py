"""What a script demands of a summary: that hypotheses are confirmed. The answer is an exit code and one line."""

from collections.abc import Sequence

from analysis.rundata import RunData
from analysis.summary import Summary
from analysis.verdict.cards import headline
from analysis.verdict.outcomes import Verdict
from tagsearch.errors import NotConfirmedError, UsageError


def demand_declared(run: RunData, ids: Sequence[str]) -> None:
    """Raises UsageError for an id of no hypothesis that is judged here. Costs nothing: asked before anything is."""
    known = [hypothesis.id for hypothesis in run.study.hypotheses]
    for one in ids:
        if one not in known:
            raise UsageError(f"--fail-unless-confirmed {one}: no such hypothesis; {_judged(run, known)}")


def _judged(run: RunData, known: Sequence[str]) -> str:
    if known:
        return f"{run.study.name} declares {', '.join(known)}"
    if run.pooled:
        return "these runs together judge none; ask each run by itself"
    return f"{run.study.name} declares none"


def demand_confirmed(summary: Summary, ids: Sequence[str]) -> None:
    """Raises NotConfirmedError with the verdicts of those that are not."""
    short = [one for one in summary.verdicts if one.id in ids and one.verdict is not Verdict.CONFIRMED]
    if short:
        raise NotConfirmedError(f"not confirmed: {'; '.join(headline(one) for one in short)}")

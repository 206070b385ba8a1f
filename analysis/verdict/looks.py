"""Which look at the test scores a verdict is, and what it may spend of a hypothesis's alpha."""

from dataclasses import dataclass

from analysis.rundata import RunData
from analysis.verdict.origins import is_second_look
from tagsearch.study.extension import SECOND_LOOK, alpha_share


@dataclass(frozen=True, kw_only=True)
class Look:
    """The `number`-th of `of` looks at the test scores; it may spend `alpha_share` of a hypothesis's alpha."""

    number: int
    of: int
    alpha_share: float


def look(run: RunData) -> Look:
    """Which look the run's scores are, and what it may spend (see tagsearch.study.extension). Of several runs combined,
    the look of the one that may spend least."""
    if run.pooled:
        return min(map(look, run.pooled.runs.values()), key=lambda one: one.alpha_share)
    extended, declared = run.extension is not None or is_second_look(run), run.study.confirm.extension is not None
    return Look(
        number=2 if extended else 1,
        of=2 if extended or declared else 1,
        alpha_share=SECOND_LOOK if extended else alpha_share(run.study, run.extension),
    )

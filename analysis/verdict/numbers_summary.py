"""What published numbers say of a study's hypotheses: a table of them and verdicts of grade D, ready to print."""

import json
import math
from dataclasses import dataclass

from analysis.report.grids import Grid, escaped_markdown
from analysis.verdict import cards
from analysis.verdict.judgement import HypothesisVerdict
from analysis.verdict.numbers import ENDPOINTS, Numbers
from analysis.verdict.sources import NumbersSource
from analysis.verdict.verdicts import judge_numbers
from tagsearch.errors import UsageError
from tagsearch.study.schema import Study

CAUTION = (
    "Grade D: single numbers, taken as if they were exact. They hold neither the spread between seeds nor that between "
    "artists, so these verdicts describe the table and decide nothing about a method."
)


@dataclass(frozen=True, kw_only=True)
class NumbersSummary:
    study: Study
    numbers: Numbers
    prevalence: float  # NaN where it is not known
    verdicts: tuple[HypothesisVerdict, ...]

    def render(self, form: str, *, width: int = 120) -> str:
        """ "table" for a terminal of that many columns, "md" or "json"."""
        forms = {"table": lambda: self.text(width), "md": self.markdown, "json": self.to_json}
        return forms[form]()

    def text(self, width: int) -> str:
        return "\n\n".join([self._title, self._grid.plain(width), *(card.plain(width) for card in self._cards)])

    def markdown(self) -> str:
        blocks = [f"# {escaped_markdown(self._title)}", self._grid.markdown(), "## Verdicts"]
        return "\n\n".join([*blocks, *(card.markdown() for card in self._cards)])

    def to_json(self) -> str:
        content = {
            "study": self.study.name,
            "numbers": {arm: dict(scores) for arm, scores in self.numbers.values.items()},
            "prevalence": None if math.isnan(self.prevalence) else self.prevalence,
            "verdicts": cards.to_json(self._cards),
        }
        return json.dumps(content, indent=1, allow_nan=False)

    @property
    def _title(self) -> str:
        return f"Study {self.study.name}, judged by published numbers: {self.study.question}"

    @property
    def _cards(self) -> tuple[cards.Card, ...]:
        return tuple(cards.Card(verdict=one) for one in self.verdicts)

    @property
    def _grid(self) -> Grid:
        given = [name for name in ENDPOINTS if any(name in scores for scores in self.numbers.values.values())]
        return Grid(
            title="The numbers",
            head=("arm", *given),
            rows=tuple(
                (arm, *(f"{scores[name]:g}" if name in scores else "-" for name in given))
                for arm in self.study.confirm_arms
                if (scores := self.numbers.values.get(arm))
            ),
            right=(False, *(True for _ in given)),
            notes=(CAUTION, *self._absent),
        )

    @property
    def _absent(self) -> list[str]:
        absent = [arm for arm in self.study.confirm_arms if arm not in self.numbers.values]
        return [f"Without numbers: {', '.join(absent)}."] if absent else []


def judged(study: Study, numbers: Numbers, *, prevalence: float = math.nan) -> NumbersSummary:
    """`prevalence`: mean share of test clips that have a tag, the PR AUC of chance; NaN where it is not known.

    Raises UsageError if the study claims nothing."""
    if not study.hypotheses:
        raise UsageError(f"study {study.name} declares no hypothesis: there is nothing to judge the numbers by")
    source = NumbersSource(values=numbers.values, prevalence=prevalence)
    return NumbersSummary(study=study, numbers=numbers, prevalence=prevalence, verdicts=judge_numbers(study, source))

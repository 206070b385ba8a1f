"""One run summarised: tables, verdicts and the text that `tagsearch summarize` prints. Nothing is written here."""

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from analysis import cards, tables, tuning
from analysis.deviations import registration
from analysis.evidence import Evidence, collect
from analysis.grids import Grid, escaped_markdown
from analysis.judgement import HypothesisVerdict
from analysis.labels import CorpusLabels
from analysis.premises import Premise, premises_of
from analysis.rundata import RunData, load
from analysis.verdicts import judge

Format = Literal["table", "json", "csv", "md", "latex"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """`comparison`: see `tables`; `tuning`: see `tuning`, empty for a study without a tune phase."""

    run: RunData
    evidence: Evidence
    comparison: pd.DataFrame
    tuning: pd.DataFrame
    verdicts: tuple[HypothesisVerdict, ...]

    @cached_property
    def labels(self) -> CorpusLabels:
        """The label analysis of the run's corpus, worked out when asked for."""
        return CorpusLabels(table=self.run.corpus)

    @cached_property
    def premises(self) -> Mapping[str, tuple[Premise, ...]]:
        """What the hypotheses rest on, by hypothesis."""
        return {one.id: premises_of(one, self.run, self.labels) for one in self.run.study.hypotheses}

    @property
    def grids(self) -> tuple[Grid, ...]:
        compared = tables.comparison_grid(self.run, self.evidence, self.comparison)
        return (compared, *tuning.tuning_grids(self.tuning))

    @cached_property
    def cards(self) -> tuple[cards.Card, ...]:
        return tuple(cards.Card(verdict=one, premises=self.premises[one.id]) for one in self.verdicts)

    @property
    def header(self) -> tuple[str, ...]:
        study, split, corpus = self.run.study, self.evidence.split, self.run.corpus
        profile = f" (profile {study.profile})" if study.profile else ""
        return (
            f"Study {study.name}{profile}: {study.question}",
            f"Corpus {corpus.name}: {split.n_clips:,} test clips by {split.n_artists} artists, "
            f"{int(split.defined.sum())} of {len(split.defined)} tags scored",
            f"Run {self.run.folder}",
            registration(self.run),
        )

    def render(self, form: Format, *, width: int = 120) -> str:
        """The summary in one of FORMATS; `width` columns, for "table" only."""
        forms: dict[Format, Callable[[], str]] = {
            "table": lambda: self.text(width),
            "md": self.markdown,
            "json": lambda: json.dumps(self.to_json(), indent=1, allow_nan=False),
            "csv": lambda: str(self.comparison.to_csv(index=False)),
            "latex": lambda: "\n\n".join(grid.latex() for grid in self.grids),
        }
        return forms[form]()

    def text(self, width: int = 120) -> str:
        """For a terminal of that many columns."""
        header = [textwrap.fill(line, width, subsequent_indent="  ") for line in self.header]
        blocks = ["\n".join(header), *(grid.plain(width) for grid in self.grids)]
        return "\n\n".join(blocks + [card.plain(width) for card in self.cards] + self._no_verdicts)

    def markdown(self) -> str:
        title, *rest = (escaped_markdown(line) for line in self.header)
        blocks = [f"# {title}", "\n".join(f"- {line}" for line in rest), *(grid.markdown() for grid in self.grids)]
        blocks += ["## Verdicts", *(card.markdown() for card in self.cards), *self._no_verdicts]
        return "\n\n".join(blocks) + "\n"

    def to_json(self) -> dict[str, object]:
        """The tables and the verdicts as plain values."""
        return {
            "study": self.run.study.name,
            "notes": list(self.run.corpus.notes),
            "comparison": _records(self.comparison),
            "tuning": _records(self.tuning),
            "verdicts": cards.to_json(self.cards),
        }

    @property
    def _no_verdicts(self) -> list[str]:
        return [] if self.verdicts else ["The study declares no hypothesis: the table is exploratory."]


def _records(frame: pd.DataFrame) -> Sequence[dict[str, object]]:
    """Rows with None for what is not finite, as JSON knows neither NaN nor infinity."""
    rows = frame.astype(object).to_dict(orient="records")
    return [{str(key): _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: object) -> object:
    is_lost = isinstance(value, float) and not float("-inf") < value < float("inf")
    return None if is_lost else value


def summarize(run: Path | str | RunData) -> Summary:
    """Read a run folder and judge it, finished or not.

    Raises RecordError for a folder that is no run or is damaged, AnalysisError if nothing in it can be scored."""
    data = run if isinstance(run, RunData) else load(run)
    evidence = collect(data)
    verdicts = tuple(judge(data, evidence, hypothesis) for hypothesis in data.study.hypotheses)
    return Summary(
        run=data,
        evidence=evidence,
        comparison=tables.comparison(data, evidence, verdicts),
        tuning=tuning.tuning(data),
        verdicts=verdicts,
    )

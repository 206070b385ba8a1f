"""One run summarised: tables, verdicts and the text that `tagsearch summarize` prints. Nothing is written here."""

import json
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from analysis.arms import tables
from analysis.arms.arm_models import ArmModels, arm_models
from analysis.arms.arms_table import arms_table
from analysis.labels.labels import CorpusLabels
from analysis.report.combined_section import OwnResult, combined_grids, combined_line
from analysis.report.grids import Grid
from analysis.report.sections import Section
from analysis.report.summary_json import as_json
from analysis.rundata import RunData, load
from analysis.search import tuning
from analysis.verdict import cards
from analysis.verdict.deviations import find, registration
from analysis.verdict.evidence import Evidence, collect
from analysis.verdict.judgement import HypothesisVerdict
from analysis.verdict.premises import Premise, premises_of
from analysis.verdict.verdict_table import verdict_table
from analysis.verdict.verdicts import judge

Format = Literal["table", "json", "csv", "md", "latex"]
FORMATS: tuple[Format, ...] = get_args(Format)
NO_HYPOTHESIS = "The study declares no hypothesis: the table is exploratory."
NOTHING_TOGETHER = "No hypothesis is judged over these runs together: the table is exploratory."


@dataclass(frozen=True, kw_only=True)
class Summary:
    """`comparison`: see `tables`; `tuning`: see `tuning`, empty for a study without a tune phase and for several runs
    combined, each of which tuned for itself."""

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

    @cached_property
    def models(self) -> ArmModels:
        """Every arm tag by tag, worked out when asked for."""
        return arm_models(self.run, self.evidence)

    @cached_property
    def arms(self) -> pd.DataFrame:
        """The comparison with what else is known of the arms, see `arms_table`."""
        return arms_table(self.run, self.evidence, self.comparison, self.verdicts, self.models)

    @cached_property
    def claims(self) -> pd.DataFrame:
        """One row a claim, see `verdict_table`."""
        return verdict_table(self.verdicts)

    @cached_property
    def own(self) -> Mapping[str, OwnResult]:
        """Of runs that were combined, what each says by itself; empty for one run."""
        summaries = {name: summarize(run) for name, run in (self.run.pooled.runs if self.run.pooled else {}).items()}
        return {
            name: OwnResult(
                verdicts={verdict.id: cards.standing(verdict) for verdict in one.verdicts}, comparison=one.comparison
            )
            for name, one in summaries.items()
        }

    @property
    def grids(self) -> tuple[Grid, ...]:
        """What a terminal shows."""
        compared = tables.comparison_grid(self.run, self.evidence, self.comparison)
        if self.run.pooled:
            return (compared, *combined_grids(self.run.pooled, self.own))
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
            *([f"Run {self.run.folder}"] if self.run.pooled is None else []),
            self.registration,
        )

    @property
    def registration(self) -> str:
        return combined_line(self.run.pooled) if self.run.pooled else registration(self.run)

    @property
    def deviations(self) -> tuple[str, ...]:
        """What is not as it was registered, the gravest first."""
        return tuple(one.text for one in find(self.run))

    def render(self, form: Format, *, width: int = 120) -> str:
        """The summary in one of FORMATS; `width` columns, for "table" only."""
        forms: dict[Format, Callable[[], str]] = {
            "table": lambda: self.text(width),
            "md": self.markdown,
            "json": lambda: json.dumps(self.to_json(), indent=1, allow_nan=False),
            "csv": lambda: str(self.arms.to_csv(index=False)),
            "latex": self.latex,
        }
        return forms[form]()

    def text(self, width: int = 120) -> str:
        """For a terminal of that many columns."""
        header = [textwrap.fill(line, width, subsequent_indent="  ") for line in self.header]
        blocks = ["\n".join(header), *(grid.plain(width) for grid in self.grids)]
        return "\n\n".join(blocks + [card.plain(width) for card in self.cards] + self.no_verdicts)

    @cached_property
    def sections(self) -> list[Section]:
        """The report's chapters, drawn when asked for."""
        from analysis.report.report import report_sections  # matplotlib comes with it

        return report_sections(self)

    def markdown(self) -> str:
        """The whole report; pictures as links to the files beside it."""
        from analysis.report.report import markdown

        return markdown(self)

    def to_json(self) -> dict[str, object]:
        """Everything as plain values, see `summary_json`."""
        return as_json(self)

    def latex(self) -> str:
        """The tables of a paper."""
        from analysis.report.paper import paper_tex  # matplotlib comes with it

        return paper_tex(self)

    @property
    def no_verdicts(self) -> list[str]:
        """Why there is none; empty where there are."""
        if self.verdicts:
            return []
        return [NOTHING_TOGETHER if self.run.pooled else NO_HYPOTHESIS]


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
        tuning=pd.DataFrame() if data.pooled else tuning.tuning(data),
        verdicts=verdicts,
    )

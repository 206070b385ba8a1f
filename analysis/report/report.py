"""A summary as files: report/ of a run folder, in the order of the report this grew from.

index.html     the whole report, which stands alone       summary.md    the same as Markdown
summary.json   study, run, tables, verdicts, environment (analysis/schema/summary.schema.json)
tables.tex     the tables that belong in a paper          verdicts.json, verdicts.csv
noise.json     for the plans of later runs
comparison.csv and the tables of the sections as CSV (training, draws, tune, tune_trials, best_of_n, importance, drop,
flow, tags, per_tag, tag_groups, pairs, trials), the pictures as PNG, the files of `label_page`, and files.json,
which lists them all
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from analysis.labels.label_page import label_files
from analysis.labels.label_section import labels_section
from analysis.labels.labels import CorpusLabels
from analysis.report.combined_section import combined_section
from analysis.report.environment_section import environment_section
from analysis.report.experiments import experiments
from analysis.report.grids import escaped_markdown
from analysis.report.hypothesis_section import hypotheses_section
from analysis.report.page import Glance, page_files
from analysis.report.plan_section import plan_section
from analysis.report.report_files import write_files
from analysis.report.sections import Part, Section, Text, outline
from analysis.report.trials_section import trials_section
from analysis.summary import Summary
from analysis.tags.inspection import TagPairs
from analysis.verdict.noise import noise_record
from tagsearch.records import CorpusTable


def write_report(summary: Summary, folder: Path) -> Path:
    """Write all files into `folder`, made when missing, and take away those of an earlier report that this one lacks;
    returns index.html."""
    write_files(folder, report_files(summary))
    return folder / "index.html"


def report_files(summary: Summary) -> dict[str, bytes]:
    """Every file of the report but the list of them, by name."""
    sections = summary.sections
    title, *header = summary.header
    files = page_files(title=title, header=header, sections=sections, glances=glances(summary))
    texts = {
        "summary.md": summary.markdown(),
        "summary.json": summary.render("json") + "\n",
        "tables.tex": summary.render("latex"),
        "verdicts.json": json.dumps(summary.to_json()["verdicts"], indent=1, allow_nan=False) + "\n",
        **{f"{name}.csv": str(frame.to_csv(index=False)) for name, frame in _frames(sections)},
    }
    if summary.run.pooled is None:  # the spread between seeds of one run
        texts["noise.json"] = json.dumps(noise_record(summary.run, summary.evidence), indent=1) + "\n"
    return files | {name: text.encode() for name, text in texts.items()} | label_files(summary.labels)


def _frames(sections: list[Section]) -> Iterator[tuple[str, pd.DataFrame]]:
    for heading in outline(sections):
        yield from heading.section.tables.items()


def report_sections(summary: Summary) -> list[Section]:
    run = summary.run
    if run.pooled:  # what was registered, planned and where it ran is told by the report of each run
        return [
            labels_section(summary.labels),
            combined_section(run.pooled, summary.own),
            experiments(summary, label_pairs(run.corpus)),
            discussion(summary),
            trials_section(run),
        ]
    return [
        labels_section(summary.labels),
        hypotheses_section(run, summary.registration),
        experiments(summary, label_pairs(run.corpus)),
        discussion(summary),
        plan_section(run, summary.verdicts),
        environment_section(run),
        trials_section(run),
    ]


def discussion(summary: Summary) -> Section:
    """Anchor "discussion": the verdicts with their reasons."""
    deviations = f"Deviations from what was registered: {'; '.join(summary.deviations)}."
    parts: list[Part] = [Text(lines=(deviations,))] if summary.deviations else []
    parts += [*summary.cards] or [Text(lines=tuple(summary.no_verdicts))]
    frame = summary.claims
    tables = {} if frame.empty else {"verdicts": frame}
    return Section(anchor="discussion", title="Discussion", parts=parts, tables=tables)


def glances(summary: Summary) -> list[Glance]:
    """A line a verdict, that leads to its card."""
    return [
        Glance(text=f"{card.head}: {card.verdict.text}", anchor=card.anchor, tone=card.tone) for card in summary.cards
    ]


def markdown(summary: Summary) -> str:
    """The whole report; pictures as links to the files beside it."""
    title, *header = (escaped_markdown(line) for line in summary.header)
    lines = [f"# {title}", "", *(f"- {escaped_markdown(one.text)}" for one in glances(summary))]
    head = "\n".join([*lines, *(f"- {line}" for line in header)])
    return "\n\n".join([head, *(heading.markdown() for heading in outline(summary.sections))]) + "\n"


def label_pairs(table: CorpusTable) -> TagPairs:
    """The pairs of tags whose use the label inspection counts on test clips, as the training labels show them."""
    labels = CorpusLabels(table=table.taken(table.rows("train")))
    exclusive = pd.concat([labels.contradictory("opposite"), labels.contradictory("alternative")])
    return TagPairs(synonyms=_pairs(labels.synonyms), contradictions=_pairs(exclusive))


def _pairs(frame: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    return tuple(zip(frame["a"], frame["b"], strict=True))

"""A summary as files: report/ of a run folder.

summary.md  index.html  comparison.csv  verdicts.json  noise.json (for later plans)  the tables of the sections as CSV
(training, draws, tune, tune_trials, best_of_n, importance, drop, tags, pairs)  the pictures as PNG, and the files of
analysis.label_page
"""

from functools import partial
from pathlib import Path

import pandas as pd

from analysis import cards, draws_table, figures, tables, training_table
from analysis.clip_section import clips_section
from analysis.grids import escaped_markdown
from analysis.inspection import TagPairs
from analysis.label_page import write_label_files
from analysis.label_section import labels_section
from analysis.labels import CorpusLabels
from analysis.noise import noise_record
from analysis.page import write_page
from analysis.search_section import search_section
from analysis.sections import Part, Section, Text, draw
from analysis.summary import Summary
from analysis.tag_section import tags_section
from tagsearch.files import write_json, write_text
from tagsearch.records import CorpusTable

NO_HYPOTHESIS = "The study declares no hypothesis: the table is exploratory."


def write_report(summary: Summary, folder: Path) -> Path:
    """Write all files into `folder`, made when missing; returns index.html."""
    sections = report_sections(summary)
    title, *header = summary.header
    write_text(folder / "comparison.csv", _csv(summary.comparison))
    for name, frame in (item for section in sections for item in section.tables.items()):
        write_text(folder / f"{name}.csv", _csv(frame))
    write_json(folder / "verdicts.json", cards.to_json(summary.cards))
    write_json(folder / "noise.json", noise_record(summary.run, summary.evidence))
    write_label_files(summary.labels, folder)
    head = [f"# {escaped_markdown(title)}", *(f"- {escaped_markdown(line)}" for line in header)]
    write_text(folder / "summary.md", "\n\n".join(["\n".join(head), *(one.markdown() for one in sections)]) + "\n")
    return write_page(folder, title=title, header=header, sections=sections)


def report_sections(summary: Summary) -> list[Section]:
    run, evidence = summary.run, summary.evidence
    return [
        _verdicts(summary),
        _experiments(summary),
        search_section(run, evidence, summary.tuning),
        tags_section(run, evidence),
        labels_section(summary.labels),
        clips_section(run, evidence, label_pairs(run.corpus)),
    ]


def label_pairs(table: CorpusTable) -> TagPairs:
    """The pairs of tags whose use the label inspection counts on test clips, as the training labels show them."""
    labels = CorpusLabels(table=table.taken(table.rows("train")))
    exclusive = pd.concat([labels.contradictory("opposite"), labels.contradictory("alternative")])
    return TagPairs(synonyms=_pairs(labels.synonyms), contradictions=_pairs(exclusive))


def _pairs(frame: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    return tuple(zip(frame["a"], frame["b"], strict=True))


def _verdicts(summary: Summary) -> Section:
    return Section(anchor="verdicts", title="Verdicts", parts=summary.cards or [Text(lines=(NO_HYPOTHESIS,))])


def _experiments(summary: Summary) -> Section:
    run, evidence = summary.run, summary.evidence
    compared = tables.comparison_grid(run, evidence, summary.comparison)
    forest = draw("forest", "Differences to the baseline", partial(figures.forest, run, evidence))
    curves = draw("learning_curves", "Learning curves", partial(figures.learning_curves, run))
    trained, drawn = training_table.training(run), draws_table.drawn(run)
    parts: list[Part] = [compared, *forest, *curves]
    parts += [] if trained.empty else [training_table.training_grid(trained)]
    parts += [] if drawn.empty else [draws_table.draws_grid(drawn)]
    frames = {name: frame for name, frame in {"training": trained, "draws": drawn}.items() if not frame.empty}
    return Section(anchor="experiments", title="Experiments", parts=parts, tables=frames)


def _csv(frame: pd.DataFrame) -> str:
    return str(frame.to_csv(index=False))

"""The label analysis of a corpus as files, and as text for a terminal. Needs neither torch nor ray.

index.html  label_counts.csv  tag_pairs.csv  rare_tags.csv  labels.json  and the pictures as PNG, listed in files.json
"""

import json
import textwrap
from pathlib import Path

from analysis.labels.label_section import labels_section, texts
from analysis.labels.labels import CorpusLabels, labels_of
from analysis.report.grids import Grid
from analysis.report.page import page_files
from analysis.report.report_files import write_files
from tagsearch.records import SPLITS, CorpusTable


def inspect(corpus: CorpusTable | CorpusLabels, folder: Path) -> Path:
    """Write the page of a corpus into `folder`, made when missing; returns index.html."""
    labels = labels_of(corpus)
    title, head = f"Corpus {labels.table.name}", header(labels.table)
    page = page_files(title=title, header=head, sections=[labels_section(labels)])
    write_files(folder, page | label_files(labels))
    return folder / "index.html"


def label_files(labels: CorpusLabels) -> dict[str, bytes]:
    """All that the section shows, and all pairs, as CSV and JSON, by file name."""
    frames = {"label_counts": labels.counts, "tag_pairs": labels.pairs, "rare_tags": labels.rare}
    tables = {f"{name}.csv": frame.to_csv(index=False, float_format="%.6g").encode() for name, frame in frames.items()}
    return tables | {"labels.json": (json.dumps(labels.to_json(), indent=1) + "\n").encode()}


def header(table: CorpusTable) -> list[str]:
    sizes = ", ".join(f"{split} {len(table.rows(split)):,}" for split in SPLITS)
    return [f"Clips: {sizes}", f"Fingerprint {table.fingerprint[:12]}"]


def labels_text(corpus: CorpusTable | CorpusLabels, width: int = 120) -> str:
    """For a terminal of that many columns."""
    labels = labels_of(corpus)
    blocks = [
        part.plain(width) if isinstance(part, Grid) else "\n".join(textwrap.fill(line, width) for line in part.lines)
        for part in texts(labels)
    ]
    return "\n\n".join([f"Corpus {labels.table.name}", *blocks])

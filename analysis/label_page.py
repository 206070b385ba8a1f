"""The label analysis of a corpus as files, and as text for a terminal. Needs neither torch nor ray.

index.html  label_counts.csv  tag_pairs.csv  rare_tags.csv  labels.json  and the pictures as PNG
"""

import textwrap
from pathlib import Path

from analysis.grids import Grid
from analysis.label_section import labels_section, texts
from analysis.labels import CorpusLabels, labels_of
from analysis.page import write_page
from tagsearch.files import write_json, write_text
from tagsearch.records import SPLITS, CorpusTable


def inspect(corpus: CorpusTable | CorpusLabels, folder: Path) -> Path:
    """Write the page of a corpus into `folder`, made when missing; returns index.html."""
    labels = labels_of(corpus)
    write_label_files(labels, folder)
    title, head = f"Corpus {labels.table.name}", header(labels.table)
    return write_page(folder, title=title, header=head, sections=[labels_section(labels)])


def write_label_files(labels: CorpusLabels, folder: Path) -> None:
    """All that the section shows, and all pairs, as CSV and JSON."""
    frames = {"label_counts": labels.counts, "tag_pairs": labels.pairs, "rare_tags": labels.rare}
    for name, frame in frames.items():
        write_text(folder / f"{name}.csv", str(frame.to_csv(index=False, float_format="%.6g")))
    write_json(folder / "labels.json", labels.to_json())


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

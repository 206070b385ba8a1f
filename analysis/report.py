"""A summary as files: report/ of a run folder.

    summary.md  index.html  comparison.csv  tune.csv  verdicts.json  learning_curves.png  forest.png

index.html stands alone: styles and pictures are inside, nothing is loaded from anywhere. Every text that comes from
the study is escaped. Every file is replaced in one step.
"""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader
from matplotlib.figure import Figure

from analysis import cards, figures
from analysis.judgement import HypothesisVerdict
from analysis.outcomes import Verdict
from analysis.summary import Summary
from tagsearch.records import write_bytes, write_json, write_text

_TONES: Mapping[Verdict, str] = {
    Verdict.CONFIRMED: "good",
    Verdict.PARTIALLY: "good",
    Verdict.NOT_SUPPORTED: "bad",
    Verdict.REFUTED: "bad",
    Verdict.INCONCLUSIVE: "open",
}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One figure as PNG, for light and dark pages."""

    name: str
    title: str
    light: bytes
    dark: bytes


def write_report(summary: Summary, folder: Path) -> Path:
    """Write all files into `folder`, made when missing; returns index.html."""
    pictures = _pictures(summary)
    for picture in pictures:
        write_bytes(folder / f"{picture.name}.png", picture.light)
    write_text(folder / "comparison.csv", _csv(summary.comparison))
    if not summary.tuning.empty:
        write_text(folder / "tune.csv", _csv(summary.tuning))
    write_json(folder / "verdicts.json", cards.to_json(summary.verdicts))
    shown = "".join(f"\n![{picture.title}]({picture.name}.png)\n" for picture in pictures)
    write_text(folder / "summary.md", summary.markdown() + shown)
    write_text(folder / "index.html", html(summary, pictures))
    return folder / "index.html"


def html(summary: Summary, pictures: tuple[Picture, ...]) -> str:
    environment = Environment(loader=PackageLoader("analysis"), autoescape=True, trim_blocks=True)
    title, *header = summary.header
    return environment.get_template("report.html.j2").render(
        title=title,
        header=header,
        cards=[_card(verdict) for verdict in summary.verdicts],
        grids=summary.grids,
        pictures=[
            {"title": picture.title, "light": _base64(picture.light), "dark": _base64(picture.dark)}
            for picture in pictures
        ],
    )


def _card(verdict: HypothesisVerdict) -> dict[str, object]:
    (_, head), *lines = cards.lines(verdict)
    return {"head": head, "tone": _TONES[verdict.verdict], "lines": lines}


def _pictures(summary: Summary) -> tuple[Picture, ...]:
    run, evidence = summary.run, summary.evidence
    drawn = {
        ("forest", "Differences to the baseline"): [figures.forest(run, evidence, t) for t in _THEMES],
        ("learning_curves", "Learning curves"): [figures.learning_curves(run, t) for t in _THEMES],
    }
    return tuple(
        Picture(name=name, title=title, light=_png(light), dark=_png(dark))
        for (name, title), (light, dark) in drawn.items()
        if light is not None and dark is not None
    )


_THEMES = (figures.LIGHT, figures.DARK)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _csv(frame: pd.DataFrame) -> str:
    return str(frame.to_csv(index=False))

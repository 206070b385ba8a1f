"""A summary as plain values: summary.json, and `tagsearch summarize -f json`.

schema/summary.schema.json describes it. VERSION changes where a reader of the former one would err; keys may be added
without. Numbers that are not finite, which JSON does not know, are null.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

import tagsearch
from analysis.arms.draws_table import drawn
from analysis.arms.training_table import training
from analysis.report.combined_section import OwnResult
from analysis.report.environment_section import environment
from analysis.rundata import Pooled
from analysis.verdict import cards
from tagsearch.errors import RecordError

if TYPE_CHECKING:
    from analysis.summary import Summary

VERSION = 1
SCHEMA = "summary.schema.json"


def as_json(summary: "Summary") -> dict[str, object]:
    run = summary.run
    tables = {
        "comparison": summary.arms,
        "tuning": summary.tuning,
        "training": training(run),
        "draws": drawn(run),
        "trials": run.trials,
    }
    content = {
        "$schema": SCHEMA,
        "version": VERSION,
        "tagsearch": tagsearch.__version__,
        "study": _study(summary),
        "run": _run(summary),
        "tables": {name: records(frame) for name, frame in tables.items()},
        "verdicts": cards.to_json(summary.cards),
        "deviations": list(summary.deviations),
        "environment": _environment(summary),
    }
    return content | ({"combined": _combined(summary.run.pooled, summary.own)} if summary.run.pooled else {})


def _combined(pooled: Pooled, own: Mapping[str, OwnResult]) -> dict[str, object]:
    return {
        "runs": {name: str(run.folder) for name, run in pooled.runs.items()},
        "is_one_study": pooled.is_one_study,
        "notes": list(pooled.notes),
        "verdicts_by_run": {name: dict(one.verdicts) for name, one in own.items()},
    }


def _study(summary: "Summary") -> dict[str, object]:
    study = summary.run.study
    return {
        "name": study.name,
        "question": study.question,
        "profile": study.profile,
        "design": study.design,
        "baseline": study.baseline.name,
        "arms": list(study.confirm_arms),
        "factors": {name: list(levels) for name, levels in study.factors.items()},
        "objective": study.objective,
        "checkpoint": study.checkpoint,
        "seeds": list(study.confirm_seeds),
    }


def _run(summary: "Summary") -> dict[str, object]:
    run, split = summary.run, summary.evidence.split
    return {
        "folder": str(run.folder),
        "registration": summary.registration,
        "registered_sha256": run.lock["sha256"] if run.lock else None,
        "corpus": {
            "name": run.corpus.name,
            "fingerprint": run.corpus.fingerprint,
            "n_tags": len(split.defined),
            "n_scored_tags": int(split.defined.sum()),
            "n_test_clips": split.n_clips,
            "n_test_artists": split.n_artists,
        },
        "notes": [*summary.evidence.notes, *run.corpus.notes],
    }


def _environment(summary: "Summary") -> object:
    try:
        return environment(summary.run)
    except RecordError:
        return None  # the report tells why


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    rows = frame.astype(object).to_dict(orient="records")
    return [{str(key): _plain(value) for key, value in row.items()} for row in rows]


def _plain(value: Any) -> object:
    """As JSON has it: numbers of Python, None for what is not finite."""
    value = value.item() if hasattr(value, "item") else value
    is_lost = isinstance(value, float) and not float("-inf") < value < float("inf")
    return None if is_lost or value is pd.NA else value

"""All verdicts as one table, a row a claim: for papers, and for verdicts.csv."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.arms.tables import Row, rows
from analysis.report.grids import Grid
from analysis.verdict import words
from analysis.verdict.judgement import Claim, HypothesisVerdict


def verdict_table(verdicts: Sequence[HypothesisVerdict]) -> pd.DataFrame:
    """One row a hypothesis, part, contrast (the steps of a ladder after its line) and metric: hypothesis, verdict,
    grade, alpha; part, role; contrast, is_step; metric, endpoint, margin; estimate, lower, upper (as the rule used
    them, told as the cards tell them; NaN where nothing can be compared) and outcome."""
    found = []
    for one in verdicts:
        head = {"hypothesis": one.id, "verdict": str(one.verdict), "grade": one.grade, "alpha": one.alpha}
        for part in one.parts:
            for member in part.members:
                for compared in (member, *member.steps):
                    where: Row = {"part": part.id, "role": part.role, "contrast": compared.contrast.name}
                    where |= {"is_step": compared is not member}
                    found += [head | where | _claim(claim) for claim in compared.claims]
    return pd.DataFrame(found)


def _claim(claim: Claim) -> Row:
    value, lower, upper = words.shown(claim) if claim.estimate else (np.nan, np.nan, np.nan)
    return {
        "metric": claim.metric,
        "endpoint": claim.endpoint.name,
        "margin": claim.margin,
        "estimate": value,
        "lower": lower,
        "upper": upper,
        "outcome": str(claim.outcome),
    }


def verdict_grid(frame: pd.DataFrame) -> Grid:
    """Of a table with at least one row."""
    return Grid(
        title="Verdicts and the contrasts they rest on",
        head=("hypothesis", "verdict", "grade", "part", "contrast", "metric", "effect", "margin", "outcome"),
        rows=tuple(_cells(row) for row in rows(frame)),
        right=(False, False, False, False, False, False, True, True, False),
        notes=(
            "Outcome of the contrast: + gain, 0 no gain worth having, - harm, ? open. Effects are differences; of "
            "balance, relative reductions.",
        ),
    )


def _cells(row: Row) -> tuple[str, ...]:
    part = f"{row['part']} ({row['role']}{', step' if row['is_step'] else ''})"
    return (
        *(str(row[name]) for name in ("hypothesis", "verdict", "grade")),
        *(part, str(row["contrast"]), str(row["endpoint"])),
        *(_interval(row), f"{row['margin']:g}", str(row["outcome"])),
    )


def _interval(row: Row) -> str:
    if np.isnan(row["estimate"]):
        return "-"
    if np.isinf(row["lower"]) or np.isinf(row["upper"]):
        return words.signed(row["estimate"], 3)
    return words.with_interval(row["estimate"], row["lower"], row["upper"], margin=row["margin"])

"""The results of calibration.py as Markdown: one page, and the table that the project's README shows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scipy.special import betaincinv

Row = Mapping[str, Any]
GAIN, NO_GAIN, OPEN = ("Confirmed",), ("Refuted", "Not supported"), ("Inconclusive", "Partially confirmed")
TITLES = {
    "noise": "Noise of seeds and artists",
    "looks": "Two looks",
    "clips": "From scores of clips",
    "tune": "Tuned with early stopping",
}
POWER_EFFECTS = (-1.0, 0.0, 0.5, 1.0, 2.0)


def page(results: Mapping[str, Any]) -> str:
    """Every table, with the settings."""
    rows, settings = results["rows"], results["settings"]
    by_part = {part: [row for row in rows if row["part"] == part] for part in TITLES}
    said = ", ".join(f"{name} {version}" for name, version in settings["versions"].items())
    blocks = [
        "# Calibration of the verdicts",
        f"Made by `python benchmarks/calibration.py` (seed {settings['seed']}; {said}). Alpha {settings['alpha']}, "
        f"margins {settings['margins']['roc_auc']} ROC AUC and {settings['margins']['pr_auc']} PR AUC. "
        "Effects are in margins. In brackets: 95 % Clopper-Pearson intervals, for the number of simulated studies.",
    ]
    for part, title in TITLES.items():
        if by_part[part]:
            blocks += [f"## {title}: errors and coverage", error_table(by_part[part])]
            blocks += [f"## {title}: which verdict", power_table(by_part[part])]
    if by_part["tune"]:
        blocks += ["## What validation said", tune_table(by_part["tune"])]
    return "\n\n".join(blocks) + "\n"


def main_table(results: Mapping[str, Any]) -> str:
    """For the README: seeds x artists with the noise that was measured."""
    rows = [row for row in results["rows"] if row["name"].startswith("as measured")]
    head = (
        "seeds an arm",
        "test artists",
        "Confirmed without effect",
        "gain denied at an effect of the margin",
        "95 % intervals that hold the truth: new artists",
        "this test set",
        "Confirmed at twice the margin",
        "gain denied without effect",
    )
    lines = [
        [
            str(group[0]["seeds"]),
            str(group[0]["artists"]),
            share(_wrong(group, "gain", 0.0), digits=1),
            share(_wrong(group, "no gain", 1.0), digits=1),
            _percent(coverage(group, "population")),
            _percent(coverage(group, "benchmark")),
            share(_verdicts(group, GAIN, 2.0), digits=0),
            share(_verdicts(group, NO_GAIN, 0.0), digits=0),
        ]
        for group in _cases(rows)
    ]
    return _table(head, lines)


def error_table(rows: Sequence[Row]) -> str:
    head = (
        "case",
        "wrongly Confirmed at 0",
        "gain wrongly denied at 1",
        "coverage, new artists",
        "this set",
        "half width",
    )
    lines = [
        [
            group[0]["name"],
            share(_wrong(group, "gain", 0.0), digits=1),
            share(_wrong(group, "no gain", 1.0), digits=1),
            share(coverage(group, "population"), digits=1),
            share(coverage(group, "benchmark"), digits=1),
            f"{sum(row['half_width']['roc_auc'] for row in group) / len(group):.4f}",
        ]
        for group in _cases(rows)
    ]
    return _table(head, lines)


def power_table(rows: Sequence[Row]) -> str:
    """Confirmed / no gain / open, in percent, for each effect."""
    effects = [effect for effect in POWER_EFFECTS if any(row["effect"] == effect for row in rows)]
    lines = []
    for group in _cases(rows):
        by_effect = {row["effect"]: row for row in group}
        lines.append([group[0]["name"], *(_shares(by_effect.get(effect)) for effect in effects)])
    return "Confirmed / Refuted or Not supported / Inconclusive, percent.\n\n" + _table(
        ("case", *(f"effect {effect:g}" for effect in effects)), lines
    )


def tune_table(rows: Sequence[Row]) -> str:
    """New arm - baseline, in ROC AUC."""
    head = (
        "case",
        "effect",
        "chosen configurations, truly",
        "their confirm trials",
        "best validation values",
        "the new arm's best validation value too high by",
        "best validation values differ by the margin",
        "one bracket for both arms picks the new arm",
    )
    names = ("true", "confirmed", "best_validation", "optimism")
    lines = [
        [
            row["name"],
            f"{row['effect']:g}",
            *(f"{row['told'][name]['mean']:+.4f} ± {row['told'][name]['se']:.4f}" for name in names),
            *(f"{100 * row['told'][name]['mean']:.0f} %" for name in ("validation_says_gain", "shared_picks_new")),
        ]
        for row in rows
    ]
    return _table(head, lines)


def _cases(rows: Iterable[Row]) -> list[list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["name"], []).append(row)
    return list(groups.values())


Count = tuple[int, int] | None  # of how many


def _wrong(group: Sequence[Row], kind: str, effect: float) -> Count:
    """Of the studies in which that verdict is wrong. Where tuning decides what is true, those of every effect."""
    found = [row for row in group if row["effect"] == effect or row["part"] == "tune"]
    at_risk = sum(row["could_be_wrong"][kind] for row in found)
    return (sum(row["wrong"][kind] for row in found), at_risk) if at_risk else None


def _verdicts(group: Sequence[Row], which: Sequence[str], effect: float) -> Count:
    found = [row for row in group if row["effect"] == effect]
    return (sum(found[0]["verdicts"].get(name, 0) for name in which), found[0]["n"]) if found else None


def coverage(group: Sequence[Row], scope: str) -> Count:
    """Over both metrics and all effects, which only shift the interval."""
    counts = [row["covered"].get(f"{scope}, {metric}") for row in group for metric in ("roc_auc", "pr_auc")]
    held = [count for count in counts if count is not None]
    return (sum(held), sum(2 * row["n_claims"] for row in group)) if held else None


def share(count: Count, *, digits: int) -> str:
    """2.1 % [1.5, 2.9]"""
    if count is None:
        return ""
    low, high = clopper_pearson(*count)
    return f"{_percent(count, digits=digits)} [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"


def clopper_pearson(hits: int, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """Exact interval of a share (Clopper & Pearson 1934)."""
    low = float(betaincinv(hits, n - hits + 1, alpha / 2)) if hits else 0.0
    high = float(betaincinv(hits + 1, n - hits, 1 - alpha / 2)) if hits < n else 1.0
    return low, high


def _percent(count: Count, *, digits: int = 1) -> str:
    return "" if count is None else f"{100 * count[0] / count[1]:.{digits}f} %"


def _shares(row: Row | None) -> str:
    if row is None:
        return ""
    counts = [sum(row["verdicts"].get(name, 0) for name in which) for which in (GAIN, NO_GAIN, OPEN)]
    return " / ".join(f"{100 * count / row['n']:.0f}" for count in counts)


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *lines))

"""Section "Plan and actual": what plan.json promised before the first trial, and what became of it.

plan.json is tagsearch.study.plan_file's: seconds are wall time over all slots, effects are told as the cards tell them.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.report.grids import Grid
from analysis.report.sections import Part, Section, Text
from analysis.rundata import RunData, taken_from
from analysis.search.tuning import clock
from analysis.verdict import words
from analysis.verdict.judgement import Claim, HypothesisVerdict
from tagsearch.errors import RecordError
from tagsearch.files import read_json
from tagsearch.records import Phase
from tagsearch.study.plan_file import PLAN_FILE

PHASES: tuple[Phase, ...] = ("tune", "confirm")
UNKNOWN = "-"
NO_PLAN = "This run has no plan.json: what was predicted before it began is not known."
COST_NOTE = (
    "Time: predicted, by the clock; actual, the trials' own seconds over the slots there were, without the start of "
    "the phase. Predicted epochs assume that under ASHA no trial is better than another. Disk: of the trials' folders "
    "as they are now."
)
POWER_NOTE = (
    "Smallest effect: the true difference that is shown four times in five, as predicted; floor: the same with endless "
    "seeds on this many test artists. Half width: of the interval that the verdict used, the widest of its "
    "comparisons: a smaller difference could not be told from none."
)
PROBE_NOTE = (
    "Before: a few epochs on random features, alone on the machine that the run was started from. Actual: the median "
    "epoch of the confirm trials, which ran side by side, with the configurations that tuning chose."
)

Row = Mapping[str, Any]


def plan_section(run: RunData, verdicts: Sequence[HypothesisVerdict]) -> Section:
    """Anchor "plan". A plan.json that is missing or cannot be read is told."""
    plan, complaint = _read(run.folder / PLAN_FILE)
    parts: list[Part] = [Text(lines=(complaint,))] if complaint else []
    parts.append(cost_grid(run, plan))
    if probed := plan.get("probed") or ():
        parts.append(probe_grid(run, probed))
    if promised := plan.get("power") or ():
        parts.append(power_grid(promised, verdicts))
    return Section(anchor="plan", title="Plan and actual", parts=parts)


def _read(path: Path) -> tuple[Row, str]:
    """The plan, empty where there is none, and why."""
    if not path.exists():
        return {}, NO_PLAN
    try:
        plan = read_json(path)
    except RecordError as error:
        return {}, str(error)
    return (plan, "") if isinstance(plan, dict) else ({}, f"{path} is damaged: it holds no mapping")


def cost_grid(run: RunData, plan: Row) -> Grid:
    n_slots = plan.get("n_slots") or 1
    promised = {one["phase"]: one for one in plan.get("phases") or ()}
    rows = [_cost_row(run, phase, promised.get(phase), n_slots) for phase in PHASES if _ran(run, phase)]
    n_taken = sum(bool(taken_from(trial)) for trial in run.all_trials)
    taken = f" Left out: {n_taken:,} trials that were taken over from an earlier run." * bool(n_taken)
    slots = f" Trials at a time: {n_slots}." if plan else " Trials at a time are not known: their times are added up."
    return Grid(
        title="What it cost",
        head=("phase", *(f"{what}, {when}" for what in _COSTS for when in ("predicted", "actual"))),
        rows=tuple(rows),
        right=(False, *(True for _ in range(2 * len(_COSTS)))),
        notes=(COST_NOTE + slots + taken,),
    )


_COSTS = ("trials", "epochs", "time", "disk")


def probe_grid(run: RunData, probed: Sequence[Row]) -> Grid:
    """An epoch as the probe measured it, and as the arms' confirm trials took it."""
    cells = []
    for one in probed:
        actual = sorted(
            float(row["seconds"])
            for trial in run.all_trials
            if trial.spec.phase == "confirm" and trial.spec.arm in one["arms"]
            for row in trial.history
        )
        took = f"{actual[len(actual) // 2]:.3g} s" if actual else UNKNOWN
        cost = one["cost"]
        memory = f"{_size(cost['peak_bytes'])} of {_size(cost['total_bytes'])} ({cost['device']})"
        cells.append((", ".join(one["arms"]), f"{one['seconds_per_epoch']:.3g} s", took, memory))
    return Grid(
        title="What an epoch took",
        head=("arms", "epoch, measured before", "epoch, actual", "memory of a trial, measured before"),
        rows=tuple(cells),
        right=(False, True, True, True),
        notes=(PROBE_NOTE,),
    )


def _ran(run: RunData, phase: Phase) -> bool:
    return any(trial.spec.phase == phase for trial in run.all_trials)


def _cost_row(run: RunData, phase: Phase, promised: Row | None, n_slots: int) -> tuple[str, ...]:
    trials = [trial for trial in run.all_trials if trial.spec.phase == phase and not taken_from(trial)]
    n_ended = sum(trial.state.is_final for trial in trials)
    seconds = math.fsum(trial.result.seconds for trial in trials if trial.result)
    actual = (
        f"{n_ended:,}",
        f"{sum(len(trial.history) for trial in trials):,}",
        clock(seconds / n_slots),
        _size(disk_bytes(run.folder / phase)),
    )
    forms = {"n_trials": "{:,}".format, "expected_epochs": "{:,.0f}".format, "seconds": clock, "disk_bytes": _size}
    told = [UNKNOWN if promised is None else form(promised[name]) for name, form in forms.items()]
    return (phase, *(cell for pair in zip(told, actual, strict=True) for cell in pair))


def disk_bytes(folder: Path) -> int:
    """Of all files below it."""
    return sum((Path(home) / name).lstat().st_size for home, _, names in os.walk(folder) for name in names)


def _size(n_bytes: float) -> str:
    return f"{n_bytes / 1e9:.1f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.0f} MB"


def power_grid(promised: Sequence[Row], verdicts: Sequence[HypothesisVerdict]) -> Grid:
    claims = _by_endpoint(verdicts)
    rows = [
        (
            *(str(one[name]) for name in ("hypothesis", "part", "endpoint")),
            f"{one['margin']:g}",
            *(_effect(one[name]) for name in ("smallest_effect", "floor")),
            _effect(_widest(claims.get((one["hypothesis"], one["part"], one["endpoint"]), []))),
            str(one["source"]),
        )
        for one in promised
    ]
    return Grid(
        title="What it could show",
        head=("hypothesis", "part", "metric", "margin", "smallest effect", "floor", "half width got", "predicted from"),
        rows=tuple(rows),
        right=(False, False, False, True, True, True, True, False),
        notes=(POWER_NOTE,),
    )


def _by_endpoint(verdicts: Sequence[HypothesisVerdict]) -> Mapping[tuple[str, str, str], list[Claim]]:
    """Claims by hypothesis, part and endpoint."""
    found: dict[tuple[str, str, str], list[Claim]] = {}
    for one in verdicts:
        for part in one.parts:
            for member in part.members:
                for claim in member.claims:
                    found.setdefault((one.id, part.id, claim.endpoint.name), []).append(claim)
    return found


def _widest(claims: Sequence[Claim]) -> float | None:
    """None without an interval."""
    limits = [words.shown(claim)[1:] for claim in claims if claim.estimate]
    halves = [(upper - lower) / 2 for lower, upper in limits]
    known = [half for half in halves if math.isfinite(half)]
    return max(known) if known else None


def _effect(value: float | None) -> str:
    return UNKNOWN if value is None or not math.isfinite(value) else f"{value:.{words.decimals(value)}f}"

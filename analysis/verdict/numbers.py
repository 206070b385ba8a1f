"""Published numbers: a table of scores without their spread, one row an arm, to be judged at grade D.

    arm,roc_auc,pr_auc,tail/pr_auc,jsd,epochs
    bce,0.86,0.31,0.12,0.04,40
    focal,0.85,0.30,0.14,0.03,40

Scores are fractions of 1, means over all tags or over those of a group (head, mid, tail: tagsearch.study.tag_groups);
jsd is the Jensen-Shannon divergence in bits between the shares of predicted and annotated tags. An empty cell is a
score that was not published. Epochs are optional; where they are given, they must be those that the study declares.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.verdict.sources import column
from tagsearch.errors import UsageError
from tagsearch.study.endpoints import Endpoint
from tagsearch.study.schema import METRICS, TAG_GROUPS, Study

ENDPOINTS = (
    *(column(Endpoint(metric=metric, tags=tags)) for tags in TAG_GROUPS for metric in METRICS),
    column(Endpoint(metric="balance")),
)
_NEEDED = ("arm", *METRICS)
_COLUMNS = ("arm", *ENDPOINTS, "epochs")


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """`values`: arm -> name of an endpoint (see ENDPOINTS) -> score; only what was published."""

    values: Mapping[str, Mapping[str, float]]


def read_numbers(path: Path | str, study: Study) -> Numbers:
    """Read a table of the arms of `study`. Arms may be missing, the baseline may not.

    Raises UsageError, with file and line, for anything in it that cannot be judged."""
    file = Path(path)
    head, *rows = _rows(file)
    _check_head(head, file)
    values: dict[str, Mapping[str, float]] = {}
    for line, cells in rows:
        place = f"{file.name}:{line}"
        if len(cells) != len(head[1]):
            raise UsageError(f"{place}: {len(cells)} cells under {len(head[1])} columns; quote cells that hold a comma")
        row = dict(zip(head[1], cells, strict=True))
        arm = _arm(row["arm"], study, place)
        if arm in values:
            raise UsageError(f"{place}: arm {arm} has two rows; give one, the mean over its seeds")
        _check_epochs(row.get("epochs", ""), arm, study, place)
        values[arm] = _scores(row, place)
    baseline = study.baseline.name
    if baseline not in values:
        raise UsageError(
            f"{file.name}: the baseline {baseline} has no row, and every claim is a difference to some arm"
        )
    return Numbers(values=values)


def _rows(file: Path) -> list[tuple[int, list[str]]]:
    """(line, cells) of every line that is not empty, the head first."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is no text in UTF-8; save the table as CSV") from error
    reader = csv.reader(text.splitlines())
    rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    found = [(line, cells) for line, cells in rows if any(cells)]
    if len(found) < 2:
        raise UsageError(f"{file} holds no table; its first line names the columns ({', '.join(_NEEDED)}, ...)")
    return found


def _check_head(head: tuple[int, Sequence[str]], file: Path) -> None:
    line, names = head
    for name in names:
        if name not in _COLUMNS:
            raise UsageError(f"{file.name}:{line}: there is no column {name!r}, only {', '.join(_COLUMNS)}")
        if names.count(name) > 1:
            raise UsageError(f"{file.name}:{line}: column {name} is there twice; keep one")
    for name in _NEEDED:
        if name not in names:
            raise UsageError(f"{file.name}:{line}: column {name} is missing; a cell may be empty, the column may not")


def _arm(name: str, study: Study, place: str) -> str:
    if name not in study.confirm_arms:
        raise UsageError(f"{place}: study {study.name} has no arm {name!r}, only {', '.join(study.confirm_arms)}")
    return name


def _check_epochs(cell: str, arm: str, study: Study, place: str) -> None:
    """A score after another number of epochs is one of another arm; where epochs are tuned, any number will do."""
    is_tuned = study.tune is not None and any(one.name == "epochs" for one in study.tune.tunables)
    if not cell or is_tuned or arm not in study.by_name:
        return
    declared = study.by_name[arm].config["epochs"]
    if _number(cell, "epochs", place) != declared:
        raise UsageError(
            f"{place}: {arm} was trained for {cell} epochs, the study declares {declared}; judge it by a study "
            "that declares what was done"
        )


def _scores(row: Mapping[str, str], place: str) -> dict[str, float]:
    found = {name: _number(row[name], name, place) for name in ENDPOINTS if row.get(name)}
    for name, value in found.items():
        if not 0 <= value <= 1:
            raise UsageError(f"{place}: {name} is a fraction of 1, not {row[name]}; divide percentages by 100")
    if not found:
        raise UsageError(f"{place}: arm {row['arm']} has no number; leave its row out")
    return found


def _number(cell: str, name: str, place: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{place}: {name} is a number, not {cell!r}; leave the cell empty if there is none")
    return value

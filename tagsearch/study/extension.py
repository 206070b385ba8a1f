"""More seeds for a finished run: its second look.

A study may declare one extension (`confirm: {seeds: 5, extension: 10}`). Its error probability is then split over the
looks (Bonferroni, which presumes nothing about how they depend on each other). Any other extension is adaptive: decided
after the scores were seen.
"""

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tagsearch.errors import RecordError, UsageError
from tagsearch.files import read_json, write_json
from tagsearch.study.confirm import SEEDS
from tagsearch.study.schema import Study

EXTENSION_FILE = "extension.json"
_WAY_ON = "it says how many seeds the run was extended to: bring the old file back"
FIRST_LOOK, SECOND_LOOK = 0.6, 0.4  # shares of alpha: .03 and .02 of .05


@dataclass(frozen=True, kw_only=True)
class Extension:
    """`seeds`: of every arm, those of the first look among them. `as_declared`: the study file had said so."""

    seeds: int
    as_declared: bool
    time: str  # ISO 8601, UTC


def wanted_extension(study: Study, text: str) -> Extension:
    """What `--extend TEXT` asks for. Raises UsageError if it is not `seeds=N` with more seeds than the study has."""
    written = re.fullmatch(r"seeds=([0-9]{1,9})", text)
    if written is None:
        raise UsageError(f"--extend takes seeds=N, like --extend seeds=10, not {text!r}")
    seeds = int(written[1])
    if seeds <= study.confirm.seeds:
        raise UsageError(
            f"--extend {text}: the study plans {study.confirm.seeds} seeds an arm; an extension is to more than those"
        )
    if (complaint := SEEDS.complaint(seeds)) is not None:
        raise UsageError(f"--extend {text}: seeds {complaint}")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Extension(seeds=seeds, as_declared=seeds == study.confirm.extension, time=now)


def write_extension(run: Path, extension: Extension) -> None:
    write_json(run / EXTENSION_FILE, asdict(extension), durable=True)


def read_extension(run: Path) -> Extension | None:
    """None if the run was not extended. Raises RecordError if the file is damaged."""
    path = run / EXTENSION_FILE
    if not path.exists():
        return None
    try:
        extension = Extension(**read_json(path))
        if (complaint := SEEDS.complaint(extension.seeds)) is not None:
            raise RecordError(f"{path} is damaged: seeds {complaint}")
        return extension
    except TypeError as error:
        raise RecordError(f"{path} is damaged: {error}; {_WAY_ON}") from error
    except RecordError as error:
        raise RecordError(f"{error}; {_WAY_ON}") from error


def alpha_share(study: Study, extension: Extension | None) -> float:
    """What the look may spend of each hypothesis's alpha. A study that declares no extension spends all of it at its
    only look; a second look that was not declared gets no more than a declared one."""
    if extension is not None:
        return SECOND_LOOK
    return 1.0 if study.confirm.extension is None else FIRST_LOOK


def seeds_of(study: Study, extension: Extension | None) -> tuple[int, ...]:
    """The seeds that every arm of a run is to have: the one place that knows."""
    return study.first_seeds(max(study.confirm.seeds, extension.seeds if extension else 0))

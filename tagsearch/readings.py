"""The ledger of test readings: which weights have met the test split, written down before they do.

One reading is one checkpoint of one trial scored on one split. A trial's folder holds them in `reads.jsonl`, a JSON
object a line: split, checkpoint, weights_sha256, time (UTC). A trial that was killed while scoring and scores the same
weights again has read once; other weights under the same name are a second reading.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tagsearch.errors import RecordError
from tagsearch.files import append_line

READS_FILE = "reads.jsonl"
ADOPTED_FILE = "adopted.json"  # beside the ledger of a trial that another run has trained and scored


@dataclass(frozen=True, kw_only=True)
class Reading:
    split: str
    checkpoint: str
    weights_sha256: str  # of the weights file
    time: str  # ISO 8601, UTC


def note_read(folder: Path, *, split: str, checkpoint: str, weights_sha256: str) -> None:
    """Write a reading down and wait for the disk; to be called before the split is scored."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    reading = Reading(split=split, checkpoint=checkpoint, weights_sha256=weights_sha256, time=now)
    append_line(folder / READS_FILE, json.dumps(asdict(reading)))


def read_reads(folder: Path) -> tuple[Reading, ...]:
    """A trial's readings in the order they began; empty if there were none. A torn last line stands for a reading that
    never began. Raises RecordError if the file is damaged otherwise."""
    path = folder / READS_FILE
    if not path.exists():
        return ()
    lines = path.read_bytes().split(b"\n")[:-1]
    try:
        return tuple(Reading(**json.loads(line)) for line in lines)
    except (ValueError, TypeError) as error:
        raise RecordError(f"{path} is damaged: {error}") from error


def first_reading(run: Path, *, split: str) -> datetime | None:
    """When a run's confirm trials first read a split; None if they have not. Readings of trials that were taken over
    are another run's. Damaged ledgers are passed over."""
    times = []
    for path in run.glob(f"confirm/*/{READS_FILE}"):
        if path.with_name(ADOPTED_FILE).exists():
            continue
        try:
            times += [datetime.fromisoformat(one.time) for one in read_reads(path.parent) if one.split == split]
        except (RecordError, ValueError, TypeError):
            continue
    return min(times, default=None)


def second_readings(reads: Sequence[Reading]) -> tuple[Reading, ...]:
    """Those of weights other than the first that were read under the same split and checkpoint; each weights once."""
    seen: dict[tuple[str, str], list[str]] = {}
    again = []
    for reading in reads:
        weights = seen.setdefault((reading.split, reading.checkpoint), [])
        if weights and reading.weights_sha256 not in weights:
            again.append(reading)
        weights.append(reading.weights_sha256)
    return tuple(again)

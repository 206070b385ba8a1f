"""Pre-registration: what was declared before the confirm phase, and its hash.

The hash covers everything a verdict depends on - hypotheses, arms, tunables, budget, seeds, margins, objective,
checkpoint rule, split, artists, tags, tag groups and short clips - and nothing else, so comments and spelling do not
change it. Beside the content, outside the hash, stand what is known at the time of registration: when it was, and which
earlier runs of the study had read the same test split.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tagsearch.errors import RecordError
from tagsearch.files import read_json
from tagsearch.readings import READS_FILE, first_reading
from tagsearch.records import SPLITS, CorpusTable, list_runs
from tagsearch.study.schema import Study
from tagsearch.study.tag_groups import tag_groups

VERSION = 2
LOCK_FILE = "lock.json"


def registered(lock: Mapping[str, Any], *, earlier: Sequence[str]) -> dict[str, Any]:
    """The lock as it is written before the first trial: with the time (UTC) and the names of `earlier_runs`."""
    return {**lock, "registered": datetime.now(UTC).isoformat(timespec="seconds"), "earlier": list(earlier)}


def earlier_runs(run: Path, content: Mapping[str, Any]) -> list[str]:
    """Names of the runs beside `run`, oldest first, of the same study on the same split that have read its test clips.

    The study is known by its name, whatever else changed in it: a run with another learning rate, budget or margin is
    one more attempt at the same question, and that is what must be counted. So is one of the very same hypotheses
    on the same arms, under another name."""
    return [other.name for other in _alike(run, content) if _has_read_test(other)]


def read_before(run: Path, content: Mapping[str, Any]) -> list[str]:
    """Like `earlier_runs`, but by the ledgers: those that read the test clips before `run` did, begun before it or not.
    Runs that were under way at the same time are found by this alone."""
    own = first_reading(run, split="test")
    if own is None:
        return []
    found = {other.name: first_reading(other, split="test") for other in _alike(run, content)}
    return [name for name, first in found.items() if first is not None and first < own]


def _alike(run: Path, content: Mapping[str, Any]) -> list[Path]:
    others = [other for other in list_runs(run.parent) if other.name != run.name]
    return [other for other in others if _same_question(read_lock(other), content)]


def _same_question(lock: Mapping[str, Any] | None, content: Mapping[str, Any]) -> bool:
    other = (lock or {}).get("content")
    if not isinstance(other, dict) or not isinstance(other.get("corpus"), dict):
        return False
    same_split: bool = other["corpus"].get("split_sha256") == content["corpus"]["split_sha256"]
    same_claims = bool(content["hypotheses"]) and all(other.get(key) == content[key] for key in ("hypotheses", "arms"))
    return same_split and (same_claims or other.get("study") == content["study"])


def _has_read_test(run: Path) -> bool:
    """Scores alone are the sign where an older tagsearch kept no ledger."""
    return any(any(run.glob(f"confirm/*/{name}")) for name in (READS_FILE, "scores.npz"))


def read_lock(run: Path) -> Mapping[str, Any] | None:
    """What was registered; None if nothing was. A file that is no lock comes back empty, see `is_intact`."""
    if not (run / LOCK_FILE).exists():
        return None
    try:
        lock = read_json(run / LOCK_FILE)
    except RecordError:
        return {}
    return lock if isinstance(lock, dict) else {}


def make_lock(study: Study, table: CorpusTable | None) -> dict[str, Any]:
    """{"version", "sha256", "content"}; `table` None (no corpus at hand) leaves split and tags out."""
    content = _plain(
        {
            "study": study.name,
            "question": study.question,
            "hypotheses": [asdict(hypothesis) for hypothesis in study.hypotheses],  # with their margins and alphas
            "design": study.design,
            "factors": study.factors,
            "arms": {arm.name: arm.config for arm in study.arms},
            "arm_order": study.confirm_arms,
            "tune": asdict(study.tune) if study.tune else None,
            "confirm": asdict(study.confirm),
            "confirm_seeds": study.confirm_seeds,
            "objective": study.objective,
            "direction": study.direction,
            "checkpoint": study.checkpoint,
            "stop": asdict(study.stop),
            "snapshots": study.snapshots,
            "seed": study.seed,
            "pad": study.data["pad"],
            "corpus": _corpus(table) if table is not None else None,
        }
    )
    return {"version": VERSION, "sha256": content_sha256(content), "content": content}


def content_sha256(content: Mapping[str, Any]) -> str:
    """Hash of the canonical JSON: sorted keys, no spaces."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def is_intact(lock: Mapping[str, Any]) -> bool:
    """Whether it is a lock, and its content still what was hashed."""
    content = lock.get("content")
    return isinstance(content, dict) and bool(content_sha256(content) == lock.get("sha256"))


def changes(lock: Mapping[str, Any], study: Study, table: CorpusTable) -> list[str]:
    """What of an intact lock's content is another in the study and the corpus: the names of it, sorted."""
    then, now = lock["content"], make_lock(study, table)["content"]
    return sorted(key for key in then if key not in now or _as_named(now[key], then[key]) != then[key])


def _as_named(now: Any, then: Any) -> Any:
    """`now` without the settings that `then` does not name: an older tagsearch did not have them."""
    if isinstance(now, dict) and isinstance(then, dict):
        return {key: _as_named(value, then[key]) for key, value in now.items() if key in then}
    if isinstance(now, list) and isinstance(then, list) and len(now) == len(then):
        return [_as_named(one, other) for one, other in zip(now, then, strict=True)]
    return now


def _corpus(table: CorpusTable) -> dict[str, Any]:
    return {
        "name": table.name,
        "fingerprint": table.fingerprint,
        "n_clips": {split: len(table.rows(split)) for split in SPLITS},
        "split_sha256": _sha256(table.clip_ids.astype("<i8"), table.splits.astype("i1"), table.labels.astype("u1")),
        "artists_sha256": _sha256(table.artists.astype("<i4")),  # the clusters of every interval
        "tags": table.tags,
        "tag_groups": {
            group: [table.tags[t] for t in chosen] for group, chosen in tag_groups(table.train_counts).items()
        },
    }


def _sha256(*arrays: npt.NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _plain(content: object) -> Any:
    """As JSON gives it back: tuples as lists."""
    return json.loads(json.dumps(content))

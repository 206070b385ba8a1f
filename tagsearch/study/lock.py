"""Pre-registration: what was declared before the confirm phase, and its hash.

The hash covers everything a verdict depends on - hypotheses, arms, tunables, budget, seeds, margins, objective,
checkpoint rule, split, tags and short clips - and nothing else, so comments and spelling do not change it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from tagsearch.records import SPLITS, CorpusTable
from tagsearch.study.schema import Study

VERSION = 1


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
    """Whether the content is still what was hashed."""
    return bool(content_sha256(lock["content"]) == lock["sha256"])


def _corpus(table: CorpusTable) -> dict[str, Any]:
    return {
        "name": table.name,
        "fingerprint": table.fingerprint,
        "n_clips": {split: len(table.rows(split)) for split in SPLITS},
        "split_sha256": _sha256(table.clip_ids.astype("<i8"), table.splits.astype("i1"), table.labels.astype("u1")),
        "tags": table.tags,
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

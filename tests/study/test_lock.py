"""Pre-registration."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tagsearch.readings import READS_FILE
from tagsearch.records import CorpusTable
from tagsearch.study.lock import earlier_runs, is_intact, make_lock, read_lock, registered
from tagsearch.study.schema import Study

Read = Callable[..., Study]
TEXT = """\
study: x
question: Why?
factors: {loss: [bce, focal]}
tune: {trials_per_arm: 8, tunables: {lr: {loguniform: [1e-4, 1e-1]}}, asha: {}}
hypotheses: [{id: H, text: It helps, arm: focal}]
"""


@pytest.fixture
def table() -> CorpusTable:
    return CorpusTable(
        name="builtin",
        fingerprint="f",
        tags=("guitar", "slow"),
        clip_ids=np.array([3, 5, 8]),
        paths=np.array(["0/a.mp3", "c/b.mp3", "d/c.mp3"]),
        songs=np.array([0, 1, 2], dtype=np.int32),
        albums=np.array([0, 1, 2], dtype=np.int32),
        artists=np.array([0, 1, 2], dtype=np.int32),
        splits=np.array([0, 1, 2], dtype=np.int8),
        labels=np.array([[1, 0], [0, 1], [1, 1]], dtype=np.uint8),
    )


def test_the_lock_holds_what_is_declared(read: Read, table: CorpusTable) -> None:
    content = make_lock(read(TEXT), table)["content"]
    assert content["hypotheses"][0]["parts"][0]["margins"] == {"roc_auc": 0.005, "pr_auc": 0.01}
    assert content["arms"]["focal"]["loss.gamma"] == 2.0
    assert content["tune"]["tunables"][0]["name"] == "lr"
    assert content["confirm_seeds"] == [1, 2, 3, 4, 5]
    assert content["corpus"]["tags"] == ["guitar", "slow"]
    assert content["corpus"]["n_clips"] == {"train": 1, "valid": 1, "test": 1}


def test_the_lock_names_the_tags_of_each_group(read: Read, table: CorpusTable) -> None:
    lock = make_lock(read(TEXT), table)
    assert lock["version"] == 2
    groups = lock["content"]["corpus"]["tag_groups"]
    assert set(groups) >= {"head", "mid", "tail"}
    assert sorted(groups["head"] + groups["mid"] + groups["tail"]) == ["guitar", "slow"]
    assert groups["tail"] == ["slow"]  # in no training clip
    frequent = dataclasses.replace(table, labels=np.array([[0, 1], [0, 1], [1, 1]], dtype=np.uint8))
    assert make_lock(read(TEXT), frequent)["content"]["corpus"]["tag_groups"]["tail"] == ["guitar"]


def test_time_and_earlier_runs_stand_outside_the_hash(read: Read, table: CorpusTable) -> None:
    lock = make_lock(read(TEXT), table)
    written = registered(lock, earlier=["first"])
    assert datetime.fromisoformat(written["registered"]).tzinfo is not None
    assert written["earlier"] == ["first"]
    assert written["sha256"] == lock["sha256"]
    assert is_intact(written)


def test_a_run_without_a_lock_has_none_and_a_damaged_one_is_not_intact(tmp_path: Path) -> None:
    assert read_lock(tmp_path) is None
    for content in ("{", "[1]", "{}", '{"content": 1, "sha256": 2}'):
        (tmp_path / "lock.json").write_text(content)
        lock = read_lock(tmp_path)
        assert lock is not None
        assert not is_intact(lock)


# --- earlier runs ----------------------------------------------------------------------------------------------------


def other_run(
    storage: Path, lock: Mapping[str, Any], *, name: str = "other", has_read: str | None = READS_FILE
) -> None:
    """A run folder beside the one in question; `has_read` is the file by which one sees that it read the test split."""
    trial = storage / name / "confirm" / "trial"
    trial.mkdir(parents=True)
    (storage / name / "resolved.yaml").write_text("")
    (storage / name / "lock.json").write_text(json.dumps(lock))
    if has_read:
        (trial / has_read).write_text("x")


@pytest.mark.parametrize("sign", [READS_FILE, "scores.npz"])
def test_a_run_of_the_same_study_that_has_read_the_same_test_split_counts(
    read: Read, table: CorpusTable, tmp_path: Path, sign: str
) -> None:
    lock = make_lock(read(TEXT, "epochs=11", "margins.roc_auc=0.001"), table)  # whatever else was different in it
    other_run(tmp_path, lock, name="b", has_read=sign)
    assert earlier_runs(tmp_path / "this", make_lock(read(TEXT), table)["content"]) == ["b"]


def test_runs_that_asked_something_else_or_read_nothing_do_not_count(
    read: Read, table: CorpusTable, tmp_path: Path
) -> None:
    lock = make_lock(read(TEXT), table)
    other_run(tmp_path, lock, name="unread", has_read=None)
    other_run(tmp_path, make_lock(read(TEXT.replace("study: x", "study: y"), "epochs=11"), table), name="other-study")
    swapped = dataclasses.replace(table, splits=table.splits[::-1].copy())
    other_run(tmp_path, make_lock(read(TEXT), swapped), name="other-split")
    other_run(tmp_path, {}, name="damaged")
    other_run(tmp_path, lock, name="this")
    assert earlier_runs(tmp_path / "this", lock["content"]) == []


def test_the_same_hypotheses_on_the_same_arms_count_under_another_name_too(
    read: Read, table: CorpusTable, tmp_path: Path
) -> None:
    other_run(tmp_path, make_lock(read(TEXT.replace("study: x", "study: y")), table), name="renamed")
    assert earlier_runs(tmp_path / "this", make_lock(read(TEXT), table)["content"]) == ["renamed"]


def test_the_clusters_of_the_intervals_are_registered(read: Read, table: CorpusTable) -> None:
    alone = dataclasses.replace(table, artists=np.arange(len(table.artists), dtype=np.int32) + 7)
    assert make_lock(read(TEXT), alone)["sha256"] != make_lock(read(TEXT), table)["sha256"]


def test_the_lock_is_the_same_after_json(read: Read, table: CorpusTable) -> None:
    lock = make_lock(read(TEXT), table)
    again = json.loads(json.dumps(lock))
    assert again == lock
    assert is_intact(again)


def test_comments_spelling_and_profile_names_do_not_change_the_hash(read: Read) -> None:
    spelt = TEXT.replace("1e-4", "0.0001") + "# a comment\nprofiles: {cpu: {}}\n"
    assert make_lock(read(spelt), None)["sha256"] == make_lock(read(TEXT), None)["sha256"]


CHANGES = (
    "confirm.seeds=6",
    "confirm.extension=10",
    "alpha=0.1",
    "margins.roc_auc=0.01",
    "tune.trials_per_arm=9",
    "tune.asha=null",
    "tune.tunables.lr={loguniform: [1e-4, 1]}",
    "objective=valid/roc_auc",
    "checkpoint=last",
    "seed=1",
    "epochs=11",
    "snapshots=[3]",
    "data.pad=repeat",
    "stop={patience: 3}",
    "factors.loss=[bce, {focal: {gamma: 3}}]",
)


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_a_verdict_depends_on_changes_the_hash(read: Read, change: str) -> None:
    assert make_lock(read(TEXT, change), None)["sha256"] != make_lock(read(TEXT), None)["sha256"]


@pytest.mark.parametrize("field", ["clip_ids", "splits", "labels"])
def test_another_split_or_label_changes_the_hash(read: Read, table: CorpusTable, field: str) -> None:
    array = getattr(table, field).copy()
    array.flat[0] ^= 1
    other = dataclasses.replace(table, **{field: array})
    assert make_lock(read(TEXT), other)["sha256"] != make_lock(read(TEXT), table)["sha256"]


def test_a_changed_lock_is_noticed(read: Read) -> None:
    lock = make_lock(read(TEXT), None)
    lock["content"]["confirm"]["seeds"] = 50
    assert not is_intact(lock)

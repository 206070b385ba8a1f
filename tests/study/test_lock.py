"""Pre-registration."""

import dataclasses
import json
from collections.abc import Callable

import numpy as np
import pytest

from tagsearch.records import CorpusTable
from tagsearch.study.lock import is_intact, make_lock
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

"""The ledger of test readings."""

from datetime import datetime
from pathlib import Path

import pytest

from tagsearch.errors import RecordError
from tagsearch.readings import READS_FILE, note_read, read_reads, second_readings


def note(folder: Path, weights: str, *, checkpoint: str = "final") -> None:
    note_read(folder, split="test", checkpoint=checkpoint, weights_sha256=weights)


def test_readings_come_back_in_the_order_they_began_with_their_time(tmp_path: Path) -> None:
    note(tmp_path, "a", checkpoint="epoch2")
    note(tmp_path, "b")
    first, second = read_reads(tmp_path)
    assert (first.split, first.checkpoint, first.weights_sha256) == ("test", "epoch2", "a")
    assert (second.checkpoint, second.weights_sha256) == ("final", "b")
    assert datetime.fromisoformat(first.time).utcoffset().total_seconds() == 0  # type: ignore[union-attr]


def test_a_trial_that_read_nothing_has_no_ledger(tmp_path: Path) -> None:
    assert read_reads(tmp_path) == ()


def test_a_torn_last_line_is_no_reading_and_the_next_one_takes_its_place(tmp_path: Path) -> None:
    note(tmp_path, "a")
    with (tmp_path / READS_FILE).open("a") as file:
        file.write('{"split": "te')
    assert [reading.weights_sha256 for reading in read_reads(tmp_path)] == ["a"]
    note(tmp_path, "b")
    assert [reading.weights_sha256 for reading in read_reads(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize("line", ["nonsense", '{"split": "test"}', "[1]", "7"])
def test_a_damaged_ledger_is_an_error_that_names_it(tmp_path: Path, line: str) -> None:
    (tmp_path / READS_FILE).write_text(f"{line}\n")
    with pytest.raises(RecordError, match=r"reads\.jsonl is damaged"):
        read_reads(tmp_path)


def test_the_same_weights_again_are_no_second_reading(tmp_path: Path) -> None:
    for checkpoint in ("epoch2", "final", "epoch2", "final"):
        note(tmp_path, "same", checkpoint=checkpoint)
    assert second_readings(read_reads(tmp_path)) == ()


def test_other_weights_under_the_same_name_are_a_second_reading_each_once(tmp_path: Path) -> None:
    for weights in ("a", "b", "a", "b", "c"):
        note(tmp_path, weights)
    assert [reading.weights_sha256 for reading in second_readings(read_reads(tmp_path))] == ["b", "c"]

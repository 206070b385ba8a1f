import dataclasses

import numpy as np
import pytest

from tagsearch.errors import RecordError
from tagsearch.excerpts import Excerpt, clips_to_hear, read_excerpts, write_excerpts
from tests.fake_corpus import make_table


def excerpt(row: int) -> Excerpt:
    picture = np.full((4, 6), row, dtype=np.uint8)
    return Excerpt(tag=f"tag {row}", row=row, start=1.5, seconds=2.0, audio=bytes([row]), log_mel=picture)


def test_excerpts_read_back_as_written(tmp_path):
    write_excerpts(tmp_path, [excerpt(7), excerpt(3)])
    read = read_excerpts(tmp_path)
    assert [(one.tag, one.row, one.start, one.seconds, one.audio) for one in read] == [
        ("tag 7", 7, 1.5, 2.0, b"\x07"),
        ("tag 3", 3, 1.5, 2.0, b"\x03"),
    ]
    assert read[1].log_mel.tolist() == [[3] * 6] * 4


def test_a_run_without_excerpts_has_none(tmp_path):
    assert read_excerpts(tmp_path) == ()


def test_a_lost_file_is_told(tmp_path):
    write_excerpts(tmp_path, [excerpt(7)])
    (tmp_path / "excerpts" / "7.mp3").unlink()
    with pytest.raises(RecordError, match=r"7\.mp3 cannot be read"):
        read_excerpts(tmp_path)


@pytest.mark.parametrize(
    "listed",
    [
        '[{"tag": "a", "row": 7}]',
        "[7]",
        "7",
        '[{"tag": "a", "row": "../../outside", "start": 0, "seconds": 1}]',
    ],
)
def test_a_damaged_list_is_told(tmp_path, listed):
    write_excerpts(tmp_path, [excerpt(7)])
    (tmp_path / "excerpts" / "excerpts.json").write_text(listed)
    with pytest.raises(RecordError, match=r"excerpts\.json is damaged"):
        read_excerpts(tmp_path)


@pytest.mark.parametrize("linked", ["excerpts/7.mp3", "excerpts"])
def test_a_link_to_somebodys_file_does_not_bring_it_into_a_report(tmp_path, linked):
    run, private = tmp_path / "run", tmp_path / "private"
    write_excerpts(run, [excerpt(7)])
    (run / linked).rename(private)
    (run / linked).symlink_to(private)
    with pytest.raises(RecordError, match=r"7\.mp3 must be a file of the run, and is a link out of it"):
        read_excerpts(run)


def test_a_run_that_is_itself_reached_by_a_link_is_read(tmp_path):
    write_excerpts(tmp_path / "run", [excerpt(7)])
    (tmp_path / "link").symlink_to(tmp_path / "run")
    assert [one.row for one in read_excerpts(tmp_path / "link")] == [7]


def test_each_tag_gets_its_first_test_clip_that_no_other_tag_has_taken():
    labels = [[1, 1, 1], [0, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0]]
    table = dataclasses.replace(
        make_table(n_train=1, n_valid=0, n_test=4, tags=("a", "b", "c")), labels=np.array(labels, dtype=np.uint8)
    )
    assert clips_to_hear(table) == [("a", 2), ("b", 4)]  # row 0 trains; no test clip has c

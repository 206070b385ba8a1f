"""MagnaTagATune's annotation file: formats and mistakes."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tagsearch.data.annotations import read_annotations
from tagsearch.data.tags import TOP_50
from tagsearch.errors import CorpusError
from tests.fake_mtat import ROWS, Row, write_annotations


def test_every_row_and_every_tag_is_read_as_it_stands(tmp_path: Path) -> None:
    annotations = read_annotations(write_annotations(tmp_path, ROWS, columns=["metal", "guitar", "extra"]))
    assert annotations.tags == ("metal", "guitar", "extra")
    assert annotations.clip_ids.tolist() == [7, 2, 30, 31]
    assert annotations.labels.tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0], [1, 1, 0]]
    assert annotations.paths == tuple(path for _, _, path in ROWS)


def test_unquoted_cells_read_like_quoted_ones(tmp_path: Path) -> None:
    quoted = read_annotations(write_annotations(tmp_path, ROWS))
    file = write_annotations(tmp_path, ROWS, quoting=csv.QUOTE_MINIMAL)
    assert '"' not in file.read_text()
    assert np.array_equal(read_annotations(file).labels, quoted.labels)


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    file = write_annotations(tmp_path, ROWS)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read_annotations(file).clip_ids.tolist() == [7, 2, 30, 31]


def test_a_file_without_rows_has_no_labels(tmp_path: Path) -> None:
    assert read_annotations(write_annotations(tmp_path, [])).labels.shape == (0, 50)


@pytest.mark.parametrize("path", ["/etc/passwd", "../0/a.mp3", "0/../../a.mp3", "0", "g/a.mp3", "", "00/a.mp3"])
def test_a_path_outside_the_sixteen_folders_is_refused(tmp_path: Path, path: str) -> None:
    file = write_annotations(tmp_path, [*ROWS, (50, (), path)])
    with pytest.raises(CorpusError, match=r":6: mp3_path must lie in one of the folders 0\.\.9, a\.\.f, not "):
        read_annotations(file)


@pytest.mark.parametrize("clip", ["x", "-1", "1.5", "", "9" * 19])
def test_a_clip_id_that_is_no_number_is_refused(tmp_path: Path, clip: str) -> None:
    file = write_annotations(tmp_path, [(clip, (), "0/a.mp3")])
    with pytest.raises(CorpusError, match=f":2: clip_id must be a whole number, not '{clip}'"):
        read_annotations(file)


@pytest.mark.parametrize(("twin", "column"), [((7, (), "1/new.mp3"), "clip_id"), ((8, (), ROWS[0][2]), "mp3_path")])
def test_a_clip_that_occurs_twice_is_refused(tmp_path: Path, twin: Row, column: str) -> None:
    file = write_annotations(tmp_path, [*ROWS, twin])
    with pytest.raises(CorpusError, match=f":6: {column} must be unique; .* occurs twice, first in line 2$"):
        read_annotations(file)


@pytest.mark.parametrize("cell", ["2", "", "11", "0.5", "yes"])
def test_a_label_other_than_0_and_1_is_refused(tmp_path: Path, cell: str) -> None:
    file = write_annotations(tmp_path, ROWS)
    file.write_text(file.read_text().replace('"1"', f'"{cell}"', 1))
    with pytest.raises(CorpusError, match=r":2: tag cells must be 0 or 1; the row of clip 7 has others"):
        read_annotations(file)


def test_a_short_row_is_refused(tmp_path: Path) -> None:
    file = write_annotations(tmp_path, ROWS)
    file.write_text(file.read_text() + "99\t0\n")
    with pytest.raises(CorpusError, match=r":6: a row must have 52 cells, this one has 2"):
        read_annotations(file)


@pytest.mark.parametrize("text", ["", "a,b\n", "clip_id\tguitar\n"])
def test_a_file_with_other_columns_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(CorpusError, match=r":1: the columns must run from clip_id to mp3_path"):
        read_annotations(tmp_path / "a.csv")


def test_two_columns_of_one_tag_are_refused(tmp_path: Path) -> None:
    file = write_annotations(tmp_path, ROWS, columns=[*TOP_50, "harp"])
    with pytest.raises(CorpusError, match=":1: tags must be unique; two columns are called 'harp'"):
        read_annotations(file)


def test_a_column_without_a_name_is_refused(tmp_path: Path) -> None:
    file = write_annotations(tmp_path, ROWS, columns=["harp", ""])
    with pytest.raises(CorpusError, match=":1: every tag column needs a name, and one has none"):
        read_annotations(file)


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CorpusError, match="is not a tab-separated UTF-8 table"):
        read_annotations(tmp_path / "a.csv")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"a.csv cannot be read: No such file"):
        read_annotations(tmp_path / "a.csv")

import errno
import json
from pathlib import Path

import pytest

from analysis.report import report_files
from analysis.report.report_files import MANIFEST, write_files, written
from tagsearch.files import write_bytes


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_list_names_every_file_but_itself(tmp_path):
    write_files(tmp_path / "report", {"b.csv": b"1", "a.png": b"2"})
    assert names(tmp_path / "report") == ["a.png", "b.csv", MANIFEST]
    assert json.loads((tmp_path / "report" / MANIFEST).read_text()) == ["a.png", "b.csv"]


def test_what_an_earlier_report_wrote_and_this_one_does_not_is_taken_away(tmp_path):
    write_files(tmp_path, {"old.csv": b"1", "both.csv": b"1"})
    write_files(tmp_path, {"both.csv": b"2", "new.csv": b"2"})
    assert names(tmp_path) == ["both.csv", MANIFEST, "new.csv"]
    assert (tmp_path / "both.csv").read_bytes() == b"2"


def test_a_file_that_no_report_wrote_is_never_taken_away(tmp_path):
    (tmp_path / "notes.md").write_text("mine")
    write_files(tmp_path, {"a.csv": b"1"})
    write_files(tmp_path, {})
    assert names(tmp_path) == [MANIFEST, "notes.md"]


def test_a_file_that_somebody_took_away_is_not_missed(tmp_path):
    write_files(tmp_path, {"a.csv": b"1"})
    (tmp_path / "a.csv").unlink()
    write_files(tmp_path, {"b.csv": b"1"})
    assert names(tmp_path) == ["b.csv", MANIFEST]


@pytest.mark.parametrize("name", ["../outside.txt", "sub/inside.txt", "..", ".", "", MANIFEST])
def test_a_list_that_names_anything_but_a_file_of_the_folder_is_not_followed(tmp_path, name):
    folder = tmp_path / "report"
    (folder / "sub").mkdir(parents=True)
    for path in (tmp_path / "outside.txt", folder / "sub" / "inside.txt"):
        path.write_text("keep")
    (folder / MANIFEST).write_text(json.dumps([name, 3]))
    write_files(folder, {"a.csv": b"1"})
    assert (tmp_path / "outside.txt").read_text() == "keep"
    assert names(folder) == ["a.csv", MANIFEST, "sub"]


@pytest.mark.parametrize("content", ["[", '{"a.csv": 1}', "null"])
def test_a_damaged_list_takes_nothing_away(tmp_path, content):
    (tmp_path / "a.csv").write_text("?")
    (tmp_path / MANIFEST).write_text(content)
    write_files(tmp_path, {"b.csv": b"1"})
    assert names(tmp_path) == ["a.csv", "b.csv", MANIFEST]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
def test_a_report_that_is_cut_off_while_it_is_written_leaves_the_old_one_whole(tmp_path, monkeypatch, error):
    def cut_off(path, content):
        if path.name == "lost.csv":
            raise error
        write_bytes(path, content)

    write_files(tmp_path, {"both.csv": b"1", "old.csv": b"1"})
    monkeypatch.setattr(report_files, "write_bytes", cut_off)
    with pytest.raises(type(error)):
        write_files(tmp_path, {"both.csv": b"2", "lost.csv": b"2"})
    assert names(tmp_path) == ["both.csv", MANIFEST, "old.csv"]
    assert (tmp_path / "both.csv").read_bytes() == b"1"


def test_a_report_that_is_cut_off_while_it_is_put_in_place_leaves_a_list_of_both(tmp_path, monkeypatch):
    replace = Path.replace

    def cut_off(path, target):
        if target.name == "lost.csv" and target.parent == tmp_path:
            raise KeyboardInterrupt
        return replace(path, target)

    write_files(tmp_path, {"old.csv": b"1"})
    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", cut_off)
        with pytest.raises(KeyboardInterrupt):
            write_files(tmp_path, {"new.csv": b"2", "lost.csv": b"2"})
    assert written(tmp_path) == {"old.csv", "new.csv", "lost.csv"}
    write_files(tmp_path, {"new.csv": b"2"})
    assert names(tmp_path) == [MANIFEST, "new.csv"]

"""Every way for an audio file not to be there, told apart."""

from pathlib import Path

import pytest

from tagsearch.data.audio_files import look_for


def reason(root: Path, path: str) -> str:
    sizes, bad = look_for(root, [path])
    assert sizes.tolist() == [0]
    assert bad[0].path == path
    return bad[0].text


def test_sizes_are_in_bytes_and_good_files_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / "a b.mp3").write_bytes(b"12345")
    (tmp_path / "größe.mp3").symlink_to("a b.mp3")
    sizes, bad = look_for(tmp_path, ["a b.mp3", "größe.mp3"])
    assert sizes.tolist() == [5, 5]
    assert bad == ()


def test_a_missing_file_and_a_link_to_nowhere_are_missing(tmp_path: Path) -> None:
    (tmp_path / "link.mp3").symlink_to("gone.mp3")
    assert reason(tmp_path, "gone.mp3") == reason(tmp_path, "link.mp3") == "missing"
    assert reason(tmp_path, "no folder/gone.mp3") == "missing"


def test_the_reasons_are_those_of_the_reader(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "folder.mp3").mkdir()
    (tmp_path / "a.mp3").symlink_to("b.mp3")
    (tmp_path / "b.mp3").symlink_to("a.mp3")
    assert reason(tmp_path, "empty.mp3") == "empty"
    assert reason(tmp_path, "folder.mp3") == "not a regular file (a folder)"
    assert reason(tmp_path, "a.mp3") == "symlink loop"
    assert reason(tmp_path, "empty.mp3/b.mp3") == "missing"
    assert reason(tmp_path, "../outside.mp3") == "path escapes the corpus folder"


def test_a_closed_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> None:  # a superuser may enter every folder, so the system's answer is played
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "stat", refuse)
    assert reason(tmp_path, "closed/a.mp3") == "no permission to read it"


def test_a_name_that_no_file_can_have_is_told(tmp_path: Path) -> None:
    assert reason(tmp_path, "x" * 300) == "cannot be read (File name too long)"
    assert reason(tmp_path, "a\0.mp3").startswith("missing")

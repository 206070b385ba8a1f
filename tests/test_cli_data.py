"""`tagsearch data` on a small folder of audio with a label file."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fake_corpus import make_table, write_corpus, write_label_file


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """12 clips, of which one is empty and one is no audio."""
    table = make_table(n_train=6, n_valid=3, n_test=3)
    write_corpus(tmp_path / "music", table)
    write_label_file(tmp_path / "music" / "tags.csv", table)
    (tmp_path / "music" / "000.flac").write_bytes(b"")
    (tmp_path / "music" / "001.flac").write_bytes(b"no audio at all")
    return tmp_path / "music"


def tagsearch(*arguments: object, code: int = 0) -> str:
    command = [sys.executable, "-m", "tagsearch", "data", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_prepare_counts_the_clips_and_lists_the_bad_files(music: Path, tmp_path: Path) -> None:
    told = tagsearch("prepare", "folder", "--path", music, "--storage-path", tmp_path / "runs")
    assert "corpus music: train 4, valid 3, test 3 clips, 4 tags" in told
    assert "2 clips left out (1 empty, 1 cannot be decoded)" in told
    (listed,) = (tmp_path / "runs").rglob("bad_files.csv")
    assert listed.read_text().splitlines() == [
        "path,reason",
        "000.flac,empty",
        "001.flac,cannot be decoded (not a known audio format)",
    ]


def test_prepare_does_nothing_twice(music: Path, tmp_path: Path) -> None:
    arguments = ("prepare", "folder", "--path", music, "--storage-path", tmp_path / "runs")
    assert "log_mel96 features" in tagsearch(*arguments)
    assert "log_mel96 features" not in tagsearch(*arguments)


def test_strict_refuses_bad_files_after_listing_them(music: Path, tmp_path: Path) -> None:
    told = tagsearch("prepare", "folder", "--path", music, "--strict", "--storage-path", tmp_path / "runs", code=2)
    assert "error: --strict wants every file to be usable; 2 clips left out" in told
    assert list((tmp_path / "runs").rglob("bad_files.csv"))


def test_prepare_keeps_clips_that_a_study_will_repeat(music: Path, tmp_path: Path) -> None:
    arguments = ("prepare", "folder", "--path", music, "--model", "fcn", "--storage-path", tmp_path / "runs")
    assert "or repeat short clips: data.pad: repeat" in tagsearch(*arguments, code=2)
    told = tagsearch(*arguments, "pad=repeat")
    assert "10 of 10 clips are shorter than the longest chunk, 29 s, and are repeated to fill it." in " ".join(
        told.split()
    )


def test_prepare_refuses_models_that_hear_more_than_a_known_corpus_has_before_anything_is_made(tmp_path: Path) -> None:
    told = tagsearch("prepare", "builtin", "--model", "cnn1d", "--model", "fcn", "--storage-path", tmp_path, code=2)
    assert told == (
        "error: model fcn hears chunks of 29 s, and the clips of corpus builtin last 8 s; choose a model with shorter "
        "chunks, take a corpus with longer clips, or repeat them to fill the chunk: data.pad: repeat\n"
    )
    assert not list(tmp_path.iterdir())


def test_inspect_prints_the_analysis_and_writes_its_page(music: Path, tmp_path: Path) -> None:
    told = tagsearch("inspect", "folder", "--path", music, "--out", tmp_path / "page")
    assert "Corpus music" in told
    assert "Imbalance" in told
    assert f"page: {tmp_path / 'page' / 'index.html'}" in told.replace("\n", "")
    assert (tmp_path / "page" / "label_counts.csv").read_text().startswith("tag,")


def test_settings_are_checked_before_anything_is_read() -> None:
    told = tagsearch("inspect", "folder", "--path", "/nowhere", "tags=few", code=2)
    assert "error: setting 'tags=few': data.tags must be all, or top<N>" in told


def test_inspect_tells_and_lists_the_clips_that_are_not_there(music: Path, tmp_path: Path) -> None:
    told = tagsearch("inspect", "folder", "--path", music, "--out", tmp_path / "page")
    assert "1 of 12 clips are left out (1 empty): see bad_files.csv" in told
    assert (tmp_path / "page" / "bad_files.csv").read_text().splitlines() == ["path,reason", "000.flac,empty"]


def test_inspect_refuses_a_file_where_its_page_should_be(music: Path) -> None:
    told = tagsearch("inspect", "folder", "--path", music, "--out", music / "tags.csv", code=2)
    assert "is a file" in told
    assert "Traceback" not in told


def test_brackets_in_a_path_are_printed_as_they_are(music: Path, tmp_path: Path) -> None:
    storage = tmp_path / "runs [live] [/x]"
    told = tagsearch("prepare", "folder", "--path", music, "--storage-path", storage)
    assert f"features: {storage}/cache/features/" in told

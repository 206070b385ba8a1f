"""MagnaTagATune's layout: annotation file, folders, names."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tagsearch.data import mtat
from tagsearch.data.tags import TOP_50
from tagsearch.errors import CorpusError

SONG = "some_band-first_album-03-a_song"
ROWS = [  # clip id, tags, path
    (7, ("guitar", "no vocals"), f"0/{SONG}-0-29.mp3"),
    (2, ("choral",), f"0/{SONG}-29-58.mp3"),
    (30, (), "c/other-record-01-x-0-29.mp3"),
    (31, ("guitar", "metal"), "f/some_band-second_album-01-y-0-29.mp3"),
]
Row = tuple[object, Sequence[str], str]


def write_annotations(
    root: Path, rows: Iterable[Row], *, quoting: int = csv.QUOTE_ALL, columns: Sequence[str] = TOP_50
) -> None:
    with (root / mtat.ANNOTATIONS).open("w", newline="") as file:
        table = csv.writer(file, delimiter="\t", quoting=quoting)  # type: ignore[arg-type]
        table.writerow(["clip_id", *columns, "mp3_path"])
        table.writerows([[clip, *(int(tag in tags) for tag in columns), path] for clip, tags, path in rows])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_annotations(tmp_path, ROWS)
    for _, _, path in ROWS:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(b"not empty")
    return tmp_path


def test_clips_are_sorted_by_id_and_keep_their_own_labels(root: Path) -> None:
    table = mtat.read(root, name="x").table
    assert table.clip_ids.tolist() == [2, 7, 30, 31]
    tags = [[TOP_50[column] for column in np.flatnonzero(row)] for row in table.labels]
    assert tags == [["choral"], ["guitar", "no vocals"], [], ["guitar", "metal"]]


def test_folders_decide_the_split(root: Path) -> None:
    table = mtat.read(root, name="x").table
    assert [table.rows(split).tolist() for split in ("train", "valid", "test")] == [[0, 1], [2], [3]]


def test_the_twelve_one_three_split_covers_all_sixteen_folders() -> None:
    assert [len(mtat.FOLDERS[split]) for split in ("train", "valid", "test")] == [12, 1, 3]
    assert sorted("".join(mtat.FOLDERS.values())) == list("0123456789abcdef")


def test_tags_are_found_by_name_whatever_the_order_and_the_company_of_columns(root: Path) -> None:
    before = mtat.read(root, name="x").table
    write_annotations(root, ROWS, columns=["guitars", *reversed(TOP_50), "silence"])
    assert np.array_equal(mtat.read(root, name="x").table.labels, before.labels)


def test_unquoted_cells_read_like_quoted_ones(root: Path) -> None:
    quoted = mtat.read(root, name="x").table
    write_annotations(root, ROWS, quoting=csv.QUOTE_MINIMAL)
    assert '"' not in (root / mtat.ANNOTATIONS).read_text()
    assert mtat.read(root, name="x").table.fingerprint == quoted.fingerprint


def test_songs_albums_and_artists_are_told_apart(root: Path) -> None:
    table = mtat.read(root, name="x").table
    assert table.songs.tolist() == [0, 0, 1, 2]
    assert table.albums.tolist() == [0, 0, 1, 2]
    assert table.artists.tolist() == [0, 0, 1, 0]  # some_band has albums in two folders


@pytest.mark.parametrize(
    ("path", "song", "album", "artist"),
    [
        ("0/a_b-c_d-02-e_f-30-59.mp3", "0/a_b-c_d-02-e_f", "0/a_b-c_d", "a_b"),
        ("e/a-c-d-02-e-7-f-30-59.mp3", "e/a-c-d-02-e-7-f", "e/a-c-d", "a"),
        ("0/a-c-02-30-30-59.flac", "0/a-c-02-30", "0/a-c", "a"),
        ("0/strange name-0-8.mp3", "0/strange name", "0/strange name", "strange name"),
        ("0/noise.v2.mp3", "0/noise.v2", "0/noise.v2", "noise.v2"),
    ],
)
def test_the_path_tells_song_album_and_artist(path: str, song: str, album: str, artist: str) -> None:
    assert mtat.work_of(path) == mtat.Work(song=song, album=album, artist=artist)


def test_missing_and_empty_files_are_left_out_and_listed(root: Path) -> None:
    rows = [*ROWS, (40, ("guitar",), "1/gone-a-01-b-0-29.mp3"), (41, (), "2/hollow-a-01-b-0-29.mp3")]
    write_annotations(root, rows)
    (root / "2").mkdir()
    (root / rows[-1][2]).touch()
    corpus = mtat.read(root, name="x")
    assert corpus.table.clip_ids.tolist() == [2, 7, 30, 31]
    assert [file.path for file in corpus.bad] == ["1/gone-a-01-b-0-29.mp3", "2/hollow-a-01-b-0-29.mp3"]


def test_a_whole_corpus_has_no_bad_file(root: Path) -> None:
    assert mtat.read(root, name="x").bad == ()


def test_a_split_without_clips_is_refused(root: Path) -> None:
    (root / ROWS[2][2]).unlink()
    with pytest.raises(CorpusError, match="the valid split needs clips with audio in folders c"):
        mtat.read(root, name="x")


def test_a_missing_tag_is_named(root: Path) -> None:
    write_annotations(root, ROWS, columns=[tag for tag in TOP_50 if tag not in ("harp", "sitar")])
    with pytest.raises(CorpusError, match=r"annotations_final.csv:1: 2 of 50 tags have no column: sitar, harp$"):
        mtat.read(root, name="x")


@pytest.mark.parametrize("path", ["/etc/passwd", "../0/a.mp3", "0/../../a.mp3", "0", "g/a.mp3", "", "00/a.mp3"])
def test_a_path_outside_the_sixteen_folders_is_refused(root: Path, path: str) -> None:
    write_annotations(root, [*ROWS, (50, (), path)])
    with pytest.raises(CorpusError, match=r":6: mp3_path must lie in one of the folders 0\.\.9, a\.\.f, not "):
        mtat.read(root, name="x")


@pytest.mark.parametrize("clip", ["x", "-1", "1.5", ""])
def test_a_clip_id_that_is_no_number_is_refused(root: Path, clip: str) -> None:
    write_annotations(root, [(clip, (), "0/a.mp3")])
    with pytest.raises(CorpusError, match=f":2: clip_id must be a whole number, not '{clip}'"):
        mtat.read(root, name="x")


@pytest.mark.parametrize(("twin", "column"), [((7, (), "1/new.mp3"), "clip_id"), ((8, (), ROWS[0][2]), "mp3_path")])
def test_a_clip_that_occurs_twice_is_refused(root: Path, twin: Row, column: str) -> None:
    write_annotations(root, [*ROWS, twin])
    with pytest.raises(CorpusError, match=f":6: {column} must be unique"):
        mtat.read(root, name="x")


def test_a_label_other_than_0_and_1_is_refused(root: Path) -> None:
    file = root / mtat.ANNOTATIONS
    file.write_text(file.read_text().replace('"1"', '"2"', 1))
    with pytest.raises(CorpusError, match=r":2: tag cells must be 0 or 1; the row of clip 7 has others"):
        mtat.read(root, name="x")


def test_a_short_row_is_refused(root: Path) -> None:
    with (root / mtat.ANNOTATIONS).open("a") as file:
        file.write("99\t0\n")
    with pytest.raises(CorpusError, match=r":6: a row must have 52 cells, this one has 2"):
        mtat.read(root, name="x")


@pytest.mark.parametrize("text", ["", "a,b\n", "clip_id\tguitar\n"])
def test_a_file_with_other_columns_is_refused(root: Path, text: str) -> None:
    (root / mtat.ANNOTATIONS).write_text(text)
    with pytest.raises(CorpusError, match=r":1: the columns must run from clip_id to mp3_path"):
        mtat.read(root, name="x")


def test_a_binary_file_is_refused(root: Path) -> None:
    (root / mtat.ANNOTATIONS).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CorpusError, match="is not a tab-separated UTF-8 table"):
        mtat.read(root, name="x")


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"annotations_final.csv cannot be read: No such file"):
        mtat.load(cache=tmp_path, progress=lambda *_: None, path=str(tmp_path))


def test_the_fingerprint_follows_labels_paths_and_audio(root: Path) -> None:
    def fingerprint() -> str:
        return mtat.read(root, name="x").table.fingerprint

    first = fingerprint()
    (root / ROWS[0][2]).write_bytes(b"another length")
    second = fingerprint()
    write_annotations(root, [(7, ("guitar",), ROWS[0][2]), *ROWS[1:]])
    assert len({first, second, fingerprint()}) == 3


def test_the_fingerprint_ignores_where_the_corpus_lies(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    before = mtat.read(root, name="x").table.fingerprint
    moved = root.rename(tmp_path_factory.mktemp("elsewhere") / "corpus")
    assert mtat.read(moved, name="x").table.fingerprint == before


def test_mp3_and_flac_are_both_read_by_the_path_in_the_table(root: Path) -> None:
    tone = 0.5 * np.sin(np.arange(16_000) * 0.2)
    paths = ["3/a-b-01-c-0-1.mp3", "3/a-b-01-c-1-2.flac"]
    write_annotations(root, [*ROWS, (50, (), paths[0]), (51, (), paths[1])])
    (root / "3").mkdir()
    for path in paths:
        soundfile.write(root / path, tone, 16_000)
    corpus = mtat.read(root, name="x")
    for path in corpus.table.paths[-2:]:
        audio, rate = soundfile.read(corpus.root / path)
        assert rate == corpus.sample_rate
        assert len(audio) >= 16_000
        assert np.abs(audio).max() == pytest.approx(0.5, abs=0.1)

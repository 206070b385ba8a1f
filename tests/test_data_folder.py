"""Any folder of audio: what the label file does not say is filled in and noted."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tagsearch.data import folder
from tagsearch.data.corpus import OpenCorpus
from tagsearch.errors import CorpusError
from tests.fake_mtat import touch

LABELS = """path,split,artist,song,rock,slow
b.mp3,train,Al,one,0,1
a.mp3,train,Al,one,0,1
c.mp3,validation,Bo,one,1,0
d.mp3,test,Al,two,0,0
"""


def write(root: Path, text: str, *paths: str, name: str = "labels.csv") -> Path:
    (root / name).write_text(text)
    touch(root, *(paths or ("a.mp3", "b.mp3", "c.mp3", "d.mp3")))
    return root


def load(root: Path | str, *, labels: str = "", tags: str = "all") -> OpenCorpus:
    return folder.load(
        cache=Path(), progress=lambda *_: None, path=str(root), labels=labels, tags=tags, sample_rate=22_050
    )


def test_a_label_file_that_says_everything_makes_the_table(tmp_path: Path) -> None:
    corpus = load(write(tmp_path, LABELS))
    table = corpus.table
    assert table.name == tmp_path.name
    assert table.tags == ("rock", "slow")
    assert table.paths.tolist() == ["a.mp3", "b.mp3", "c.mp3", "d.mp3"]
    assert table.labels.tolist() == [[0, 1], [0, 1], [1, 0], [0, 0]]
    assert table.splits.tolist() == [0, 0, 1, 2]
    assert table.artists.tolist() == [0, 0, 1, 0]
    assert table.songs.tolist() == table.albums.tolist() == [0, 0, 1, 2]  # songs of two artists may share a title
    assert (corpus.root, corpus.sample_rate, corpus.bad, corpus.min_seconds) == (tmp_path, 22_050, (), 0.0)
    assert table.notes == ("1 of the 1 artists in test are in train too, with 1 of the 1 test clips.",)


@pytest.mark.parametrize("name", ["valid", "validation", "val", "dev", "Dev"])
def test_the_validation_split_has_many_names(tmp_path: Path, name: str) -> None:
    table = load(write(tmp_path, LABELS.replace("validation", name))).table
    assert table.splits.tolist() == [0, 0, 1, 2]


@pytest.mark.parametrize("name", ["eval", "", "0"])
def test_another_name_of_a_split_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, LABELS.replace("validation", name))
    with pytest.raises(CorpusError, match=f"labels.csv:4: split must be one of train, valid, .*, not '{name}'$"):
        load(tmp_path)


def test_the_most_frequent_tags_are_counted_on_training_clips(tmp_path: Path) -> None:
    table = load(write(tmp_path, LABELS), tags="top1").table
    assert table.tags == ("slow",)
    assert table.labels.tolist() == [[1], [1], [0], [0]]


def test_albums_are_told_apart_by_artist_and_songs_by_album(tmp_path: Path) -> None:
    text = (
        "path,split,artist,album,song,rock\na,train,Al,Live,x,1\nb,train,Al,Best,x,1\n"
        "c,valid,Bo,Live,x,1\nd,test,Al,Live,x,1\n"
    )
    table = load(write(tmp_path, text, *"abcd")).table
    assert table.albums.tolist() == table.songs.tolist() == [0, 1, 2, 0]


# --- what is not said ------------------------------------------------------------------------------------------------


def made(columns: str, row: str, n: int = 100) -> str:
    return f"path,rock{columns}\n" + "".join(f"{i:03d}.mp3,1{row.format(i // 2)}\n" for i in range(n))


@pytest.mark.parametrize("columns", [",artist", ",song"])
def test_without_splits_artists_or_else_songs_are_split_sixty_twenty_twenty(tmp_path: Path, columns: str) -> None:
    table = load(write(tmp_path, made(columns, ",name {}"), *(f"{i:03d}.mp3" for i in range(100)))).table
    assert [len(table.rows(split)) for split in ("train", "valid", "test")] == [60, 20, 20]
    assert table.splits[::2].tolist() == table.splits[1::2].tolist()  # two clips of an artist stay together
    assert "labels.csv names no splits: artists are split 60/20/20 by a hash of their names." in table.notes


def test_fewer_artists_than_splits_are_refused(tmp_path: Path) -> None:
    write(tmp_path, made(",artist", ",{}", 4), *(f"{i:03d}.mp3" for i in range(4)))
    with pytest.raises(CorpusError, match="need as many artists, not 2; add a column `split`"):
        load(tmp_path)


def test_without_artists_the_album_the_song_or_the_clip_stands_for_them_with_a_note(tmp_path: Path) -> None:
    paths = [f"{i:03d}.mp3" for i in range(8)]
    clips = load(write(tmp_path, made("", "", 8), *paths)).table
    songs = load(write(tmp_path, made(",song", ",{}", 8), *paths)).table
    assert clips.artists.tolist() == list(range(8))
    assert songs.artists.tolist() == songs.songs.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    text = "path,rock,album,song,split\na,1,x,1,train\nb,1,x,2,train\nc,1,y,1,valid\nd,1,z,1,test\n"
    albums = load(write(tmp_path, text, *"abcd")).table
    assert albums.artists.tolist() == [0, 0, 1, 2]
    for table in (clips, songs, albums):
        assert table.notes[-1].startswith("The artists of clips are not known; album, song or else the clip itself")


def test_where_some_artists_are_not_known_the_note_counts_them(tmp_path: Path) -> None:
    table = load(write(tmp_path, LABELS.replace("Bo", ""))).table
    assert table.artists.tolist() == [0, 0, 1, 0]
    assert table.notes[0].startswith("The artists of 1 of 4 clips are not known")


# --- files -----------------------------------------------------------------------------------------------------------


def test_missing_and_empty_files_are_listed_and_others_ignored(tmp_path: Path) -> None:
    write(tmp_path, LABELS, "b.mp3", "c.mp3", "d.mp3", "unlisted.mp3")
    assert [(file.path, file.reason) for file in load(tmp_path).bad] == [("a.mp3", "missing")]
    (tmp_path / "a.mp3").touch()
    corpus = load(tmp_path)
    assert [(file.path, file.reason) for file in corpus.bad] == [("a.mp3", "empty")]
    assert corpus.table.clip_ids.tolist() == [1, 2, 3]


def test_a_split_that_is_left_without_audio_is_refused(tmp_path: Path) -> None:
    write(tmp_path, LABELS, "a.mp3", "c.mp3")
    with pytest.raises(CorpusError, match=r"the test split needs .* listed in labels\.csv; .* \(d\.mp3: missing\)$"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["labels.csv", "tags.TSV"])
def test_the_only_table_in_the_folder_is_the_label_file(tmp_path: Path, name: str) -> None:
    write(tmp_path, LABELS, name=name)
    (tmp_path / ".hidden.csv").touch()
    (tmp_path / "notes.txt").touch()
    assert len(load(tmp_path).table.tags) == 2


def test_of_several_tables_one_must_be_chosen(tmp_path: Path) -> None:
    write(tmp_path, LABELS)
    write(tmp_path, "path,duet\na.mp3,1\n", name="b.tsv")
    with pytest.raises(
        CorpusError, match=r"several .csv or .tsv files; choose one with `labels:`: b\.tsv, labels\.csv$"
    ):
        load(tmp_path)
    assert load(tmp_path, labels="labels.csv").table.tags == ("rock", "slow")


def test_a_folder_without_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        CorpusError, match=r"holds no \.csv or \.tsv file; say where the labels are with `labels: <file>`"
    ):
        load(tmp_path)


@pytest.mark.parametrize("name", ["../labels.csv", "/labels.csv"])
def test_the_label_file_lies_inside_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(CorpusError, match="`labels` names a file inside the corpus folder, not '"):
        load(tmp_path, labels=name)


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="corpus folder needs `path`, the folder that holds audio and a label file"):
        load("")
    with pytest.raises(CorpusError, match=r"corpus folder .*nowhere cannot be read: No such file or directory$"):
        load(tmp_path / "nowhere")


def test_the_size_is_what_the_label_file_lists_whether_the_audio_is_there_or_not(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(LABELS)
    size = folder.size(path=str(tmp_path), labels="", tags="all", sample_rate=16_000)
    assert (size.train, size.valid, size.test, size.clip_seconds) == (2, 1, 1, 30.0)


def test_test_artists_are_counted_where_the_label_file_names_every_clips(tmp_path: Path) -> None:
    rows = "a,train,Al,1\nb,valid,Bo,1\nc,test,Cy,1\nd,test,Cy,0\ne,test,Di,1\nf,test,Al,0\n"
    for text, expected in ((rows, 3), (rows.replace("Di", ""), None)):
        (tmp_path / "labels.csv").write_text("path,split,artist,rock\n" + text)
        assert folder.size(path=str(tmp_path), labels="", tags="all", sample_rate=16_000).test_artists == expected


def test_the_length_of_a_clip_is_the_median_of_those_that_can_be_measured(tmp_path: Path) -> None:
    write(tmp_path, LABELS + "e.npy,test,Al,two,0,0\n")
    for name, seconds in (("a.mp3", 2), ("b.mp3", 5)):
        soundfile.write(tmp_path / name, np.zeros(8_000 * seconds), 8_000, format="WAV")
    np.save(tmp_path / "e.npy", np.zeros(22_050 * 3))
    size = folder.size(path=str(tmp_path), labels="", tags="all", sample_rate=22_050)
    assert size.clip_seconds == 3.0


def test_an_archive_of_arrays_called_npy_is_measured_by_the_other_clips(tmp_path: Path) -> None:
    write(tmp_path, LABELS.replace("a.mp3", "a.npy"))
    with (tmp_path / "a.npy").open("wb") as file:
        np.savez(file, audio=np.zeros(100))
    soundfile.write(tmp_path / "b.mp3", np.zeros(32_000), 16_000, format="WAV")
    assert folder.size(path=str(tmp_path), labels="", tags="all", sample_rate=16_000).clip_seconds == 2.0

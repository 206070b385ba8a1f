"""Label files of anybody's making: every format, every mistake."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tagsearch.data.label_file import Labelled, read_label_file
from tagsearch.errors import CorpusError

WIDE = "path,rock,slow\nb.mp3,0,1\na.mp3,1,1\n"
LONG = "path,tag\nb.mp3,slow\na.mp3,rock\na.mp3,slow\nc.mp3,\n"


def read(folder: Path, text: str | bytes) -> Labelled:
    file = folder / "labels.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_label_file(file)


def content(labelled: Labelled) -> tuple[object, ...]:
    return labelled.tags, labelled.paths, labelled.labels.tolist(), labelled.clip_ids.tolist(), dict(labelled.facts)


def test_a_wide_file_has_a_column_per_tag(tmp_path: Path) -> None:
    labelled = read(tmp_path, WIDE)
    assert labelled.tags == ("rock", "slow")
    assert labelled.paths == ("a.mp3", "b.mp3")
    assert labelled.labels.tolist() == [[1, 1], [0, 1]]
    assert labelled.lines == (3, 2)


def test_a_long_file_has_a_row_per_clip_and_tag_and_an_empty_tag_is_none(tmp_path: Path) -> None:
    labelled = read(tmp_path, LONG)
    assert labelled.tags == ("rock", "slow")
    assert labelled.paths == ("a.mp3", "b.mp3", "c.mp3")
    assert labelled.labels.tolist() == [[1, 1], [0, 1], [0, 0]]
    assert labelled.lines == (3, 2, 5)


def test_a_tag_said_twice_of_a_clip_is_said_once(tmp_path: Path) -> None:
    assert content(read(tmp_path, LONG + "b.mp3, slow \n")) == content(read(tmp_path, LONG))


@pytest.mark.parametrize("text", [WIDE, LONG])
@pytest.mark.parametrize(
    "variant",
    [
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", ";"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: '"' + text.rstrip("\n").replace(",", '","').replace("\n", '"\n"') + '"\n',
        lambda text: text.replace("path", " Path "),
        lambda text: text.replace("path", "MP3_path"),
        lambda text: text.replace("path", "audio"),
        lambda text: text.replace("a.mp3", "./a.mp3"),
    ],
    ids=["tabs", "semicolons", "crlf", "bom", "cut", "blank lines", "quoted", "capitals", "mp3_path", "audio", "dots"],
)
def test_formats_that_mean_the_same_read_the_same(tmp_path: Path, text: str, variant: object) -> None:
    assert content(read(tmp_path, variant(text))) == content(read(tmp_path, text))  # type: ignore[operator]


def test_optional_columns_are_facts_and_not_tags(tmp_path: Path) -> None:
    labelled = read(
        tmp_path, "artist,rock,SPLIT,path,Song,album,clip_id\nBo,1,dev,b.mp3,x,y,7\nAl,0,train,a.mp3,,z,9\n"
    )
    assert labelled.tags == ("rock",)
    assert labelled.facts == {"split": ("train", "dev"), "song": ("", "x"), "album": ("z", "y"), "artist": ("Al", "Bo")}
    assert labelled.clip_ids.tolist() == [9, 7]


def test_a_long_file_may_repeat_the_facts_of_a_clip(tmp_path: Path) -> None:
    labelled = read(tmp_path, "path,tag,artist,clip_id\na.mp3,rock,Al,5\na.mp3,slow,Al,5\nb.mp3,slow,Bo,3\n")
    assert labelled.facts == {"artist": ("Al", "Bo")}
    assert labelled.clip_ids.tolist() == [5, 3]


def test_without_clip_ids_clips_are_numbered_by_their_paths(tmp_path: Path) -> None:
    assert read(tmp_path, WIDE).clip_ids.tolist() == [0, 1]


def test_spaces_delimiters_and_other_alphabets_are_fine_in_paths_and_tags(tmp_path: Path) -> None:
    labelled = read(tmp_path, 'path,"rock, slow",música\n"one folder/größe, 音楽.mp3",1,0\n')
    assert labelled.paths == ("one folder/größe, 音楽.mp3",)
    assert labelled.tags == ("rock, slow", "música")


def test_a_quoted_cell_may_hold_a_line_break_and_lines_are_still_counted(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r":4: tag cells must be 0 or 1"):
        read(tmp_path, 'path,artist,rock\na.mp3,"two\nlines",1\nb.mp3,x,2\n')


CLIPS = st.dictionaries(
    st.text("ab /é", min_size=1, max_size=4).filter(lambda path: path.strip("/ ") and not path.startswith("/")),
    st.sets(st.sampled_from(["rock", "slow", "duet"]), min_size=1),
    min_size=1,
    max_size=6,
)


@given(CLIPS, st.randoms(use_true_random=False))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_the_order_of_the_rows_does_not_matter(tmp_path: Path, clips: dict[str, set[str]], random: object) -> None:
    clips = {f"{n}/{path}": tags for n, (path, tags) in enumerate(clips.items())}
    rows = [f"{path};{tag}" for path, tags in clips.items() for tag in sorted(tags)]
    first = content(read(tmp_path, "\n".join(["path;tag", *rows])))
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert content(read(tmp_path, "\n".join(["path;tag", *rows]))) == first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r":1: one column must be the path \(path, file, .*\); found \[\]$"),
        ("clip,rock\na,1\n", r":1: one column must be the path \(path, file, .*\); found \['clip', 'rock'\]$"),
        ("path,file,rock\na,b,1\n", r":1: two columns could be the path: path and file; keep one$"),
        ("path,artist,Artist,rock\n", r":1: two columns could be the artist: artist and artist; keep one$"),
        ("path,artist\na,b\n", r":1: there is no tag: neither a column `tag` nor one column per tag"),
        ("path,rock,rock\na,1,1\n", r":1: tags must be unique; two columns are called 'rock'$"),
        ("path,rock,\na,1,1\n", r":1: every tag column needs a name, and one has none; an index of rows is no tag$"),
        (",path,rock\n0,a,1\n", r":1: every tag column needs a name, and one has none; an index of rows is no tag$"),
        (
            "path,tag,title\na,b,c\n",
            r":1: a file with a column `tag` .* split, song, album, artist, clip_id; drop 'title'$",
        ),
        ("path,rock\na,1\nb\n", r":3: a row must have 2 cells, this one has 1$"),
        ("path,rock\na,1\nb,2\n", r":3: tag cells must be 0 or 1; the one of 'rock' is '2' \(columns known besides"),
        ("path,rock\na,\n", r":2: tag cells must be 0 or 1; the one of 'rock' is ''"),
        ("path,rock\na,1\nb,1\na,1\n", r":4: the path must be unique; 'a' occurs twice, first in line 2$"),
        ("path,rock\na,1\n./a,1\n", r":3: the path must be unique; 'a' occurs twice, first in line 2$"),
        ("path,rock,clip_id\na,1,x\n", r":2: clip_id must be a whole number, not 'x'$"),
        ("path,rock,clip_id\nb,1,4\na,1,4\n", r":3: clip_id must be unique; 4 occurs twice, first in line 2$"),
        (
            "path,tag,split\na,x,train\nb,x,test\na,y,test\n",
            r":4: the split of 'a' is 'test' here and 'train' in line 2",
        ),
        (
            "path,tag,artist\na,x,Al\na,y,Bo\n",
            r":3: the artist of 'a' is 'Bo' here and 'Al' in line 2; all rows .* agree$",
        ),
        ("path,tag,clip_id\na,x,1\na,y,2\n", r":3: the clip_id of 'a' is '2' here and '1' in line 2"),
        ("path,tag,clip_id\na,x,1\nb,y,1\n", r":3: clip_id must be unique; 1 occurs twice, first in line 2$"),
        ("path,tag\na,\n", r"labels\.csv: no row names a tag$"),
        ("path,tag\n", r"labels\.csv: no row names a tag$"),
        ("path,rock\n", r"labels\.csv lists no clip$"),
        ('path,rock\n"a,1\n', r":2: this is no table: unexpected end of data$"),
        (b"path,rock\n\xff,1\n", r"labels\.csv must be UTF-8 text: invalid start byte at byte 10$"),
        (b"x" * 200_000, r":1: this is no table: field larger than field limit"),
    ],
)
def test_a_mistake_is_refused_with_its_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../a.mp3", "paths cannot escape the corpus folder; write them relative to it, without .., not '../a.mp3'"),
        ("x/../../a.mp3", "paths cannot escape the corpus folder"),
        ("/etc/passwd", "paths cannot escape the corpus folder"),
        ("C:/music/a.mp3", "paths cannot escape the corpus folder"),
        ("x\\a.mp3", "folders are separated by /, not \\, in"),
        ("..\\a.mp3", "folders are separated by /, not \\, in"),
        ("a\x00.mp3", "a path holds no control characters"),
        ("", "the path is empty; every row must name an audio file"),
    ],
)
@pytest.mark.parametrize("header", ["path,rock", "path,tag"])
def test_a_path_that_cannot_be_meant_is_refused_with_its_line(
    tmp_path: Path, header: str, path: str, message: str
) -> None:
    with pytest.raises(CorpusError) as caught:
        read(tmp_path, f"{header}\ngood.mp3,1\n{path},1\n")
    assert f"labels.csv:3: {message}" in str(caught.value)


def test_dots_inside_a_name_are_no_escape(tmp_path: Path) -> None:
    assert read(tmp_path, "path,rock\na../..b.mp3,1\n").paths == ("a../..b.mp3",)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"none\.csv cannot be read: No such file or directory$"):
        read_label_file(tmp_path / "none.csv")

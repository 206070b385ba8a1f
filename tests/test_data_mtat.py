"""MagnaTagATune's splits, tag sets and merges; the annotation file and the table have their own tests."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tagsearch.data import mtat
from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.tags import TOP_50
from tagsearch.errors import CorpusError
from tests.fake_mtat import ROWS, Row, touch, write_annotations, write_mtat

WIDE = [*TOP_50, "india", "duet"]  # two tags beyond the usual 50, one of them a synonym of indian
ONE_A_FOLDER: list[Row] = [
    (number, ("rock",) if folder in "08cdf" else ("duet",), f"{folder}/band_{folder}-record-01-song-0-29.mp3")
    for number, folder in enumerate("0123456789abcdef")
]


def load(root: Path, *, split: str = "12:1:3", tags: str = "top50", merge: str = "none") -> OpenCorpus:
    return mtat.load(cache=root, progress=lambda *_: None, path=str(root), split=split, tags=tags, merge=merge)


def folders(corpus: OpenCorpus) -> list[str]:
    """The folders of each split's clips."""
    table = corpus.table
    return ["".join(sorted(path[0] for path in table.paths[table.splits == split])) for split in range(3)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_mtat(tmp_path, ROWS)


@pytest.fixture
def sixteen(tmp_path: Path) -> Path:
    return write_mtat(tmp_path, ONE_A_FOLDER, columns=WIDE)


def test_clips_are_sorted_by_id_and_keep_their_own_labels(root: Path) -> None:
    table = load(root).table
    assert table.clip_ids.tolist() == [2, 7, 30, 31]
    tags = [[TOP_50[column] for column in np.flatnonzero(row)] for row in table.labels]
    assert tags == [["choral"], ["guitar", "no vocals"], [], ["guitar", "metal"]]


def test_songs_albums_and_artists_are_told_apart(root: Path) -> None:
    table = load(root).table
    assert table.songs.tolist() == [0, 0, 1, 2]
    assert table.albums.tolist() == [0, 0, 1, 2]
    assert table.artists.tolist() == [0, 0, 1, 0]  # some_band has albums in two folders


def test_tags_are_found_by_name_whatever_the_order_and_the_company_of_columns(root: Path) -> None:
    before = load(root).table
    write_annotations(root, ROWS, columns=["guitars", *reversed(TOP_50), "silence"])
    assert load(root).table.fingerprint == before.fingerprint


def test_the_order_of_the_rows_does_not_change_the_table(root: Path) -> None:
    before = load(root).table
    write_annotations(root, ROWS[::-1])
    assert load(root).table.fingerprint == before.fingerprint


# --- splits ----------------------------------------------------------------------------------------------------------


def test_the_usual_split_takes_every_clip(sixteen: Path) -> None:
    assert folders(load(sixteen)) == ["0123456789ab", "c", "def"]


def test_the_filtered_split_takes_clips_with_a_chosen_tag_that_are_long_enough(sixteen: Path) -> None:
    corpus = load(sixteen, split="filtered")
    assert folders(corpus) == ["08", "c", "df"]
    assert corpus.min_seconds == 29.1
    assert folders(load(sixteen, split="filtered", tags="all")) == ["0123456789ab", "c", "def"]


def test_the_homework_split_takes_seven_folders_and_looks_for_no_other(sixteen: Path) -> None:
    for folder in "3456789ef":
        (sixteen / folder / f"band_{folder}-record-01-song-0-29.mp3").unlink()
    corpus = load(sixteen, split="hw2")
    assert folders(corpus) == ["0", "c", "d"]
    assert corpus.bad == ()
    assert folders(load(sixteen, split="hw2", tags="all")) == ["012ab", "c", "d"]


def test_in_the_artist_disjoint_split_no_artist_is_in_two(tmp_path: Path) -> None:
    rows: list[Row] = [
        (16 * artist + number, ("rock",), f"{folder}/band{artist}-record-01-song-{number}-29.mp3")
        for artist in range(7)
        for number, folder in enumerate("09cdef")
    ]
    table = load(write_mtat(tmp_path, rows), split="artist_disjoint").table
    artists = [set(table.artists[table.rows(split)].tolist()) for split in ("train", "valid", "test")]
    assert sum(map(len, artists)) == len(set().union(*artists)) == 7


def test_in_the_artist_disjoint_split_a_performer_stays_together_with_her_songs_on_compilations(tmp_path: Path) -> None:
    names = [f"band{n}" for n in range(9)]
    rows: list[Row] = [(n, (), f"0/{name}-record-01-song-0-29.mp3") for n, name in enumerate(names)]
    rows += [(20 + n, (), f"f/various_artists-best-{n}-hit_{name}-0-29.mp3") for n, name in enumerate(names)]
    table = load(write_mtat(tmp_path, rows), split="artist_disjoint").table
    assert table.splits[:9].tolist() == table.splits[9:].tolist()
    assert table.artists[:9].tolist() == table.artists[9:].tolist()


def test_damaged_files_do_not_move_other_artists(tmp_path: Path) -> None:
    rows: list[Row] = [(n, ("rock",), f"0/band{n % 9}-record-01-song-{n}-29.mp3") for n in range(90)]
    write_mtat(tmp_path, rows)
    before = load(tmp_path, split="artist_disjoint").table
    (tmp_path / rows[0][2]).unlink()
    after = load(tmp_path, split="artist_disjoint").table
    assert after.splits.tolist() == before.splits[1:].tolist()


def test_a_split_without_clips_is_refused(root: Path) -> None:
    (root / ROWS[2][2]).unlink()
    with pytest.raises(CorpusError, match=r"the valid split needs clips with audio in folders c; .*0-29.mp3: missing"):
        load(root)


# --- tags and merges -------------------------------------------------------------------------------------------------


def test_the_most_frequent_tags_are_counted_on_training_clips_only(tmp_path: Path) -> None:
    rows: list[Row] = [(n, ("harp",), f"{folder}/a-b-01-c-0-{n}.mp3") for n, folder in enumerate("0cccdddd")]
    rows += [(n, ("duet",), f"1/a-b-01-c-0-{n}.mp3") for n in (20, 21)]
    table = load(write_mtat(tmp_path, rows, columns=WIDE), tags="top2").table
    assert table.tags == ("duet", "harp")


def test_all_takes_every_column(sixteen: Path) -> None:
    table = load(sixteen, tags="all").table
    assert table.tags == tuple(WIDE)
    assert table.labels[:, WIDE.index("duet")].sum() == 11


def test_a_missing_tag_is_named(root: Path) -> None:
    write_annotations(root, ROWS, columns=[tag for tag in TOP_50 if tag not in ("harp", "sitar")])
    with pytest.raises(CorpusError, match=r"annotations_final.csv:1: 2 of 50 tags have no column: sitar, harp$"):
        load(root)


def test_synonyms_are_merged_before_the_fifty_most_frequent_are_taken(tmp_path: Path) -> None:
    columns = [*TOP_50, *(f"other {n}" for n in range(20)), "india"]
    rows: list[Row] = [(1, ("india", "man"), "0/a-b-01-c-0-1.mp3"), (2, (), "c/x.mp3"), (3, ("vocals",), "d/x.mp3")]
    table = load(write_mtat(tmp_path, rows, columns=columns), merge="synonyms").table
    assert len(set(table.tags)) == 50
    assert table.tags[:2] == ("indian", "male")
    assert not {"india", "man", "vocals", "beats"} & set(table.tags)
    assert table.labels[0].sum() == 2
    assert table.notes[0].startswith("Synonyms are merged (14 tags folded into 8)")


def test_the_homeworks_merge_keeps_the_usual_fifty(tmp_path: Path) -> None:
    rows: list[Row] = [(1, ("soprano",), "0/x.mp3"), (2, (), "c/x.mp3"), (3, (), "d/x.mp3")]
    table = load(write_mtat(tmp_path, rows, columns=[*TOP_50, "soprano"]), merge="homework").table
    assert table.tags == TOP_50
    assert [TOP_50[column] for column in np.flatnonzero(table.labels[0])] == ["female"]


def test_what_is_published_needs_no_note(sixteen: Path) -> None:
    assert load(sixteen).table.notes == ()
    assert load(sixteen, split="filtered").table.notes == ()


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        ({"split": "hw2"}, "The split is the homework's"),
        (
            {"split": "artist_disjoint"},
            "Every artist is in one split only (artist_disjoint)",
        ),
        ({"tags": "top20"}, "The tags are not the usual 50 but top20"),
        ({"tags": "all"}, "The tags are not the usual 50 but all"),
        ({"merge": "homework"}, "Synonyms are merged (0 tags folded into 0)"),
    ],
)
def test_what_cannot_be_compared_with_publications_says_so(sixteen: Path, settings: dict[str, str], note: str) -> None:
    (said,) = load(sixteen, **settings).table.notes
    assert said.startswith(note)
    assert "scores are not comparable with" in said


# --- the folder ------------------------------------------------------------------------------------------------------


def test_no_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"corpus mtat needs `path`, the folder that holds annotations_final.csv"):
        mtat.load(cache=tmp_path, progress=lambda *_: None, path="", split="hw2", tags="all", merge="none")


def test_a_folder_without_annotations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"annotations_final.csv cannot be read: No such file"):
        load(tmp_path)


def test_mp3_and_flac_are_both_read_by_the_path_in_the_table(root: Path) -> None:
    tone = 0.5 * np.sin(np.arange(16_000) * 0.2)
    paths = ["3/a-b-01-c-0-1.mp3", "3/a-b-01-c-1-2.flac"]
    write_annotations(root, [*ROWS, (50, (), paths[0]), (51, (), paths[1])])
    touch(root, *paths)
    for path in paths:
        soundfile.write(root / path, tone, 16_000)
    corpus = load(root)
    for path in corpus.table.paths[-2:]:
        audio, rate = soundfile.read(corpus.root / path)
        assert rate == corpus.sample_rate
        assert len(audio) >= 16_000
        assert np.abs(audio).max() == pytest.approx(0.5, abs=0.1)

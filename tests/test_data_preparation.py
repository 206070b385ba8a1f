"""A corpus made ready: what cannot be used is left out of everything alike, and too much of it is an error."""

import csv
import dataclasses
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tagsearch.data.corpus import BadFile, OpenCorpus, counts_by_reason, leave_out, write_bad_files
from tagsearch.data.frontend import LOG_MEL, WAVEFORM
from tagsearch.data.preparation import disk_need, needed_bytes, prepare_corpus
from tagsearch.data.store import find_sources
from tagsearch.errors import CorpusError
from tests.fake_corpus import SAMPLE_RATE, make_table, silent, write_corpus

SECOND = 63 * 96 * 2  # bytes of a second's log-mel


@pytest.fixture
def corpus(tmp_path: Path) -> OpenCorpus:
    """Twelve clips of a second: eight to train with, two to validate, two to test."""
    return write_corpus(tmp_path / "audio", make_table(n_train=8, n_valid=2, n_test=2), seconds=(1.0,))


def bad(path: str, reason: str = "missing", detail: str = "") -> BadFile:
    return BadFile(path=path, reason=reason, detail=detail)


# --- leaving out -----------------------------------------------------------------------------------------------------


def test_nothing_bad_changes_nothing(corpus: OpenCorpus) -> None:
    assert leave_out(corpus, []) is corpus


def test_rows_of_bad_clips_leave_every_array(corpus: OpenCorpus) -> None:
    before, after = corpus.table, leave_out(corpus, [bad("003.flac"), bad("011.flac")]).table
    kept = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]
    assert after.paths.tolist() == [f"{row:03d}.flac" for row in kept]
    for name in ("clip_ids", "songs", "albums", "artists", "splits", "labels"):
        assert np.array_equal(getattr(after, name), getattr(before, name)[kept]), name
    assert after.tags == before.tags


def test_the_fingerprint_follows_from_the_old_one_and_the_clips_that_are_left(corpus: OpenCorpus) -> None:
    other = dataclasses.replace(corpus, table=dataclasses.replace(corpus.table, fingerprint="other"))
    cases = [(corpus, "003.flac"), (corpus, "004.flac"), (other, "003.flac")]
    fingerprints = [leave_out(each, [bad(path)]).table.fingerprint for each, path in cases]
    assert len({corpus.table.fingerprint, *fingerprints}) == 4
    assert leave_out(corpus, [bad("003.flac", "empty")]).table.fingerprint == fingerprints[0]


def test_the_table_notes_how_many_were_left_out_and_why_and_counts_on(corpus: OpenCorpus) -> None:
    noted = dataclasses.replace(corpus, table=dataclasses.replace(corpus.table, notes=("Tags are merged.",)))
    once = leave_out(noted, [bad("003.flac", "truncated", "7 of 9 samples decode"), bad("005.flac")])
    assert once.table.notes == (
        "Tags are merged.",
        "2 of 12 clips are left out (1 truncated, 1 missing): see bad_files.csv",
    )
    twice = leave_out(once, [bad("001.flac")])
    assert twice.table.notes[1:] == ("3 of 12 clips are left out (2 missing, 1 truncated): see bad_files.csv",)
    assert [file.path for file in twice.bad] == ["003.flac", "005.flac", "001.flac"]
    assert leave_out(twice, []) is twice


def test_what_the_corpuss_reader_left_out_is_noted_too(corpus: OpenCorpus) -> None:
    read = dataclasses.replace(corpus, bad=(bad("elsewhere.flac"),))
    after = leave_out(read, [])
    assert after.table.notes == ("1 of 13 clips are left out (1 missing): see bad_files.csv",)
    assert after.table.fingerprint == read.table.fingerprint


def test_bad_files_are_listed_in_csv(tmp_path: Path) -> None:
    files = [bad('a, "b".mp3', "truncated", "1 of 2 samples decode"), bad("Stück.mp3")]
    with write_bad_files(tmp_path, files).open(newline="", encoding="utf-8") as text:
        rows = list(csv.reader(text))
    assert rows == [["path", "reason"], ['a, "b".mp3', "truncated (1 of 2 samples decode)"], ["Stück.mp3", "missing"]]


def test_reasons_are_counted_the_most_frequent_first() -> None:
    files = [bad("a"), bad("b", "truncated", "1 of 2"), bad("c", "truncated", "2 of 3")]
    assert counts_by_reason(files) == "2 truncated, 1 missing"


# --- preparing -------------------------------------------------------------------------------------------------------


def test_all_front_ends_lose_the_clips_that_are_bad_for_any(corpus: OpenCorpus, tmp_path: Path) -> None:
    (corpus.root / "001.flac").write_bytes(b"")
    soundfile.write(corpus.root / "002.flac", np.zeros(256, np.float32), SAMPLE_RATE)  # will do for waveforms
    rest, prepared = prepare_corpus(corpus, [LOG_MEL, WAVEFORM], cache=tmp_path, progress=silent)
    assert [each.front_end for each in prepared] == [LOG_MEL, WAVEFORM]
    assert [(file.path, file.reason) for file in rest.bad] == [("001.flac", "empty"), ("002.flac", "too short")]
    assert rest.table.paths.tolist() == [f"{row:03d}.flac" for row in (0, *range(3, 12))]
    assert all(set(rest.table.paths.tolist()) <= each.places.keys() for each in prepared)


def test_clips_shorter_than_the_longest_chunk_are_left_out(corpus: OpenCorpus, tmp_path: Path) -> None:
    soundfile.write(corpus.root / "004.flac", np.zeros(12_000, np.float32), SAMPLE_RATE)
    rest, _ = prepare_corpus(corpus, [WAVEFORM], cache=tmp_path, progress=silent, chunk_seconds=1.0)
    assert [(file.path, file.text) for file in rest.bad] == [("004.flac", "too short (0.75 s, needed are 1 s)")]
    rest, _ = prepare_corpus(corpus, [WAVEFORM], cache=tmp_path, progress=silent, chunk_seconds=0.75)
    assert rest is corpus


def test_clips_shorter_than_the_corpus_wants_are_left_out(corpus: OpenCorpus, tmp_path: Path) -> None:
    soundfile.write(corpus.root / "004.flac", np.zeros(12_000, np.float32), SAMPLE_RATE)
    strict = dataclasses.replace(corpus, min_seconds=0.9)
    rest, _ = prepare_corpus(strict, [LOG_MEL], cache=tmp_path, progress=silent, chunk_seconds=0.5)
    assert [file.path for file in rest.bad] == ["004.flac"]


def test_clips_that_are_repeated_stay_and_are_counted_in_a_note(corpus: OpenCorpus, tmp_path: Path) -> None:
    for row, seconds in ((2, 1.4), (4, 1.5), (5, 1.6)):
        soundfile.write(corpus.root / f"{row:03d}.flac", np.zeros(int(16_000 * seconds), np.float32), SAMPLE_RATE)
    (corpus.root / "006.flac").write_bytes(b"")
    rest, _ = prepare_corpus(
        corpus, [LOG_MEL, WAVEFORM], cache=tmp_path, progress=silent, chunk_seconds=1.5, repeat_short=True
    )
    assert [file.path for file in rest.bad] == ["006.flac"]
    assert rest.table.notes == (
        "1 of 12 clips are left out (1 empty): see bad_files.csv",
        "9 of 11 clips are shorter than the longest chunk, 1.5 s, and are repeated to fill it.",
    )


def test_nothing_is_noted_where_nothing_has_to_be_repeated(corpus: OpenCorpus, tmp_path: Path) -> None:
    rest, _ = prepare_corpus(corpus, [LOG_MEL], cache=tmp_path, progress=silent, chunk_seconds=1.0, repeat_short=True)
    assert rest is corpus


def test_a_splits_own_rule_about_lengths_holds_where_short_clips_are_repeated(
    corpus: OpenCorpus, tmp_path: Path
) -> None:
    soundfile.write(corpus.root / "004.flac", np.zeros(12_000, np.float32), SAMPLE_RATE)
    strict = dataclasses.replace(corpus, min_seconds=0.9)
    rest, _ = prepare_corpus(strict, [LOG_MEL], cache=tmp_path, progress=silent, chunk_seconds=2.0, repeat_short=True)
    assert [file.path for file in rest.bad] == ["004.flac"]
    assert rest.table.notes[-1].startswith("11 of 11 clips are shorter than the longest chunk, 2 s,")


def test_a_corpus_of_clips_that_are_mostly_too_short_is_refused_with_the_setting_that_repeats_them(
    corpus: OpenCorpus, tmp_path: Path
) -> None:
    with pytest.raises(CorpusError, match=r"12 of 12 .* too short \(1.01 s, needed are 2 s\); .*data.pad: repeat$"):
        prepare_corpus(corpus, [LOG_MEL], cache=tmp_path, progress=silent, chunk_seconds=2.0)


def test_repeating_is_not_proposed_where_the_splits_own_rule_refuses(corpus: OpenCorpus, tmp_path: Path) -> None:
    strict = dataclasses.replace(corpus, min_seconds=2.0)
    with pytest.raises(CorpusError, match=r"12 of 12 .* too short .*; is .* the right folder\?$"):
        prepare_corpus(strict, [LOG_MEL], cache=tmp_path, progress=silent, chunk_seconds=1.5)


def test_a_corpus_that_is_mostly_bad_is_refused_with_the_first_reason(corpus: OpenCorpus, tmp_path: Path) -> None:
    for row in range(7):
        (corpus.root / f"{row:03d}.flac").write_bytes(b"no audio")
    message = r"7 of 12 of corpus fake are not, the first is 000.flac: cannot be decoded \(not a known audio format\)"
    with pytest.raises(CorpusError, match=message):
        prepare_corpus(corpus, [LOG_MEL], cache=tmp_path, progress=silent)


def test_a_split_without_usable_clips_is_refused(corpus: OpenCorpus, tmp_path: Path) -> None:
    for row in (8, 9):
        (corpus.root / f"{row:03d}.flac").unlink()
    with pytest.raises(
        CorpusError, match="valid split of corpus fake is empty without its 2 bad files; the first is 008"
    ):
        prepare_corpus(corpus, [LOG_MEL], cache=tmp_path, progress=silent)


def test_a_corpus_that_tagsearch_made_has_no_bad_files(corpus: OpenCorpus, tmp_path: Path) -> None:
    (corpus.root / "003.flac").write_bytes(b"")
    made = dataclasses.replace(corpus, made=True)
    with pytest.raises(CorpusError, match=r"audio is damaged \(003.flac: empty\); delete it and it is made again"):
        prepare_corpus(made, [LOG_MEL], cache=tmp_path, progress=silent)


# --- disk ------------------------------------------------------------------------------------------------------------


def test_the_bytes_needed_are_estimated_from_headers(corpus: OpenCorpus, tmp_path: Path) -> None:
    sources, _ = find_sources(corpus)
    assert needed_bytes(corpus, LOG_MEL, sources) == 12 * SECOND
    assert needed_bytes(corpus, WAVEFORM, sources) == 12 * 16_000 * 2
    assert needed_bytes(corpus, LOG_MEL, []) == 0


def test_at_most_64_headers_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = write_corpus(tmp_path, make_table(n_train=200, n_valid=1, n_test=1), seconds=(0.1,))
    looked_at: list[str] = []

    def seconds(path: Path, **_: int) -> float:
        looked_at.append(path.name)
        return 1.0 if path.name < "101" else 3.0

    monkeypatch.setattr("tagsearch.data.preparation.audio_seconds", seconds)
    estimate = needed_bytes(corpus, LOG_MEL, find_sources(corpus)[0])
    assert len(set(looked_at)) == len(looked_at) == 64
    assert estimate == pytest.approx(202 * 2 * SECOND, rel=0.05)  # of short and long clips alike


def test_bad_files_do_not_hinder_the_estimate(corpus: OpenCorpus) -> None:
    (corpus.root / "003.flac").write_bytes(b"no audio")
    assert needed_bytes(corpus, LOG_MEL, find_sources(corpus)[0]) == 12 * SECOND


def test_only_what_is_missing_is_needed_and_the_need_is_said_beforehand(corpus: OpenCorpus, tmp_path: Path) -> None:
    said: list[str] = []
    steps: list[str] = []

    def progress(what: str, done: int, total: int) -> None:
        assert said
        steps.append(what)

    prepare_corpus(corpus, [LOG_MEL, WAVEFORM], cache=tmp_path / "new", progress=progress, say=said.append)
    assert len(said) == 1
    assert said[0].startswith("features: about 529 kB for 12 clips, ")
    assert said[0].endswith("GB free")
    assert set(steps) == {"log_mel96 features", "waveform features"}
    prepare_corpus(corpus, [LOG_MEL, WAVEFORM], cache=tmp_path / "new", progress=progress, say=said.append)
    assert len(said) == 1
    assert disk_need(corpus, [LOG_MEL], cache=tmp_path / "new").n_bytes == 0


def test_a_disk_that_is_too_small_is_refused_with_both_figures(
    corpus: OpenCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 100_000, 100_000))
    message = r"about 145 kB for 12 clips, 100 kB free; free space or choose another cache"
    with pytest.raises(CorpusError, match=message):
        prepare_corpus(corpus, [LOG_MEL], cache=tmp_path / "cache", progress=silent)
    assert not (tmp_path / "cache").exists()

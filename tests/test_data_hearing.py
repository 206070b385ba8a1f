"""Excerpts cut from real files."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tagsearch.data.hearing import SECONDS, cut_excerpts
from tagsearch.excerpts import clips_to_hear, read_excerpts
from tagsearch.search.excerpt_writer import ExcerptWriter
from tests.fake_corpus import make_table, write_corpus


@pytest.fixture
def corpus(tmp_path: Path):
    table = make_table(n_train=2, n_valid=2, n_test=8)
    return write_corpus(tmp_path / "audio", table, seconds=(10.0, 3.5))


def refuse(line: str) -> None:
    raise AssertionError(line)


def test_an_excerpt_is_the_middle_of_its_clip_as_mp3(corpus):
    excerpts = cut_excerpts(corpus, say=refuse)
    assert [(one.tag, one.row) for one in excerpts] == clips_to_hear(corpus.table)
    for one in excerpts:
        length = 10.0 if one.row % 2 == 0 else 3.5
        assert one.seconds == min(SECONDS, length)
        assert one.start == pytest.approx((length - one.seconds) / 2)
        heard, rate = soundfile.read(io.BytesIO(one.audio))
        assert len(heard) / rate == pytest.approx(one.seconds, abs=0.15)  # an encoder pads


def test_the_picture_shows_the_clips_tones(corpus):
    (excerpt,) = [one for one in cut_excerpts(corpus, say=refuse) if one.tag == "low"]
    labels = corpus.table.labels[excerpt.row].astype(bool)
    assert labels[0]
    brightness = excerpt.log_mel.mean(axis=1)
    assert excerpt.log_mel.dtype == np.uint8
    assert excerpt.log_mel.max() == 255
    htk = [2595 * np.log10(1 + hertz / 700) for hertz in (300, 8000)]
    assert abs(int(brightness[:20].argmax()) - 64 * htk[0] / htk[1]) < 2  # the tone of "low" has 300 Hz


def test_a_file_that_is_gone_is_told_and_the_others_are_cut(corpus):
    tag, row = clips_to_hear(corpus.table)[0]
    (corpus.root / corpus.table.paths[row]).unlink()
    told: list[str] = []
    excerpts = cut_excerpts(corpus, say=told.append)
    assert tag not in [one.tag for one in excerpts]
    assert len(excerpts) == len(clips_to_hear(corpus.table)) - 1
    assert len(told) == 1
    assert corpus.table.paths[row] in told[0]


def test_a_clip_too_short_for_a_picture_is_told_and_the_others_are_cut(corpus):
    tag, row = clips_to_hear(corpus.table)[0]
    soundfile.write(corpus.root / corpus.table.paths[row], np.zeros(200), 16_000)  # a frame needs 257 samples
    told: list[str] = []
    excerpts = cut_excerpts(corpus, say=told.append)
    assert tag not in [one.tag for one in excerpts]
    assert len(excerpts) == len(clips_to_hear(corpus.table)) - 1
    assert "too short" in told[0]


def test_a_library_without_an_mp3_encoder_costs_the_excerpts_and_not_the_run(corpus, monkeypatch):
    def refuse_mp3(*_: object, **__: object) -> None:
        raise soundfile.LibsndfileError(3, "no MP3: ")

    monkeypatch.setattr(soundfile, "write", refuse_mp3)
    told: list[str] = []
    assert cut_excerpts(corpus, say=told.append) == []
    assert len(told) == len(clips_to_hear(corpus.table))


def test_the_writer_waits_for_the_confirm_phase_and_writes_once(corpus, tmp_path):
    run = tmp_path / "run"
    writer = ExcerptWriter(run, corpus, say=refuse)
    facts = {"arms": ["a"], "n_trials": 1, "n_slots": 1, "before": []}
    writer.phase_started("tune", **facts)
    assert read_excerpts(run) == ()
    writer.phase_started("confirm", **facts)
    assert len(read_excerpts(run)) == len(clips_to_hear(corpus.table))
    (corpus.root / corpus.table.paths[-1]).unlink()
    writer.phase_started("confirm", **facts)  # resumed: nothing is cut again


def test_a_full_disk_does_not_end_the_run(corpus, tmp_path):
    (tmp_path / "run").write_text("a file where a folder should be")
    told: list[str] = []
    ExcerptWriter(tmp_path / "run", corpus, say=told.append).phase_started(
        "confirm", arms=["a"], n_trials=1, n_slots=1, before=[]
    )
    assert told[0].startswith("no excerpts of test clips: ")

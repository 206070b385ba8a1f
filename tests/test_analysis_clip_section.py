import base64
import dataclasses
import io
import re

import numpy as np
import pytest
from matplotlib import image

from analysis.report import report
from analysis.report.page import html
from analysis.rundata import gather
from analysis.summary import summarize
from analysis.tags.clip_section import clips_section, log_mel_picture
from analysis.tags.inspection import TagPairs
from tagsearch.excerpts import Excerpt, clips_to_hear, write_excerpts
from tagsearch.records import State
from tests.fake_run import FakeRun

PAIRS = TagPairs(contradictions=(("tag 0", "tag 1"),), synonyms=(("tag 2", "tag 3"),))
FAKE = FakeRun(signals={"bce": 1.0, "focal": 1.5}, seeds=2)
MODELS = tuple(f"{arm}, seed {FAKE.study().confirm_seeds[0]}" for arm in FAKE.signals)


def summarized(folder, fake=FAKE):
    return summarize(gather(folder, fake.write(folder)))


def add_excerpts(summary):
    rng = np.random.default_rng(0)
    write_excerpts(
        summary.run.folder,
        [
            Excerpt(
                tag=tag,
                row=row,
                start=1.0,
                seconds=3.0,
                audio=b"sound of row %d" % row,
                log_mel=rng.integers(0, 256, (96, 188), dtype=np.uint8),
            )
            for tag, row in clips_to_hear(summary.run.corpus)
        ],
    )


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    summary = summarized(tmp_path_factory.mktemp("run"))
    add_excerpts(summary)
    return summary, clips_section(summary.run, summary.evidence, PAIRS)


def page_of(section):
    return html(title="t", header=(), sections=[section])


def test_every_clip_has_a_player_and_a_picture_inside_the_page(heard):
    page = page_of(heard[1])
    audio = re.findall(r'<audio controls preload="none" src="data:audio/mpeg;base64,([^"]*)"', page)
    rows = [row for _, row in clips_to_hear(heard[0].run.corpus)]
    assert [base64.b64decode(one) for one in audio] == [b"sound of row %d" % row for row in rows]
    assert len(re.findall(r'<img alt="[^"]*" src="data:image/png;base64,', page)) == len(rows)
    assert not re.search(r"https?:|url\(|<script|@import", page)


def test_marks_tell_hits_extra_and_missed_tags_without_colour(heard):
    for text in (page_of(heard[1]), heard[1].markdown()):
        plain = re.sub(r"<[^>]*>", "", text)
        assert all(re.search(rf"[{sign}] tag \d 0\.\d\d", plain) for sign in "✓+−")


def test_both_models_listen_to_every_clip(heard):
    _, section = heard
    clips = section.parts[-1].clips
    assert all([one.model for one in clip.opinions] == list(MODELS) for clip in clips)


def test_flags_are_counted_for_annotations_and_models(heard):
    summary, section = heard
    frame = section.tables["pairs"]
    assert list(frame["by"].unique()) == ["annotations", *MODELS]
    labels = summary.run.corpus.labels[summary.run.corpus.rows("test")]
    both = int((labels[:, 0] & labels[:, 1]).sum())
    contradiction, synonym, *_ = section.parts
    either = int((labels[:, 0] | labels[:, 1]).sum())
    assert contradiction.rows[0][:2] == ("tag 0 / tag 1", f"{both} of {either} ({both / either:.1%})")
    alone = int((labels[:, 2] ^ labels[:, 3]).sum())
    assert synonym.rows[-1][:2] == ("any synonym alone", f"{alone} of 600 ({alone / 600:.1%})")


def test_a_corpus_without_pairs_says_so_and_has_no_table_of_them(heard):
    section = clips_section(heard[0].run, heard[0].evidence, TagPairs())
    assert "No tags of this corpus are known to be synonyms" in section.markdown()
    assert not section.tables


def test_a_run_without_excerpts_tells_its_clips_without_audio(tmp_path):
    summary = summarized(tmp_path)
    section = clips_section(summary.run, summary.evidence, PAIRS)
    page = page_of(section)
    assert "This run holds no audio" in page
    assert "<audio" not in page
    assert "<img" not in page
    assert len(section.parts[-1].clips) == len(clips_to_hear(summary.run.corpus))


def test_tags_without_a_clip_are_told(heard):
    summary, section = heard
    assert "have no clip of their own" not in section.markdown()
    labels = summary.run.corpus.labels.copy()
    labels[summary.run.corpus.rows("test"), 1] = 0
    run = dataclasses.replace(
        summary.run, folder=summary.run.folder / "none", corpus=dataclasses.replace(summary.run.corpus, labels=labels)
    )
    text = clips_section(run, summary.evidence, PAIRS).markdown()
    assert "1 of 6 tags have no clip of their own: tag 1." in text


def test_damaged_excerpts_are_told_and_the_clips_shown_without_them(tmp_path):
    summary = summarized(tmp_path)
    add_excerpts(summary)
    next((tmp_path / "excerpts").glob("*.mp3")).unlink()
    text = clips_section(summary.run, summary.evidence, PAIRS).markdown()
    assert re.search(r"The clips cannot be heard: .*\.mp3 cannot be read", text)


def test_a_run_without_a_completed_trial_says_so(tmp_path):
    lost = {(arm, k): State.PENDING for arm in FAKE.signals for k in range(2)}
    summary = summarized(tmp_path, dataclasses.replace(FAKE, lost=lost))
    assert "No completed confirm trial listens yet." in clips_section(summary.run, summary.evidence, PAIRS).markdown()


def test_names_of_tags_and_paths_cannot_inject_html(heard):
    summary, _ = heard
    tags = ('<i>"x"</i>', *summary.run.corpus.tags[1:])
    paths = np.array(["<u>.mp3"] * len(summary.run.corpus.paths))
    run = dataclasses.replace(summary.run, corpus=dataclasses.replace(summary.run.corpus, tags=tags, paths=paths))
    section = clips_section(run, summary.evidence, TagPairs(synonyms=((tags[0], "tag 1"),)))
    for text in (page_of(section), section.markdown()):
        assert "<i>" not in text
        assert "<u>" not in text
        assert "&lt;i&gt;" in text


def test_the_picture_has_low_bands_at_the_bottom_and_loud_ones_bright():
    table = np.zeros((96, 251), dtype=np.uint8)
    table[:48] = 255
    pixels = image.imread(io.BytesIO(log_mel_picture(table)))[..., :3].mean(axis=2)
    assert pixels[-1].min() > 0.8
    assert pixels[0].max() < 0.1


def test_the_picture_of_noise_stays_small_whatever_its_size():
    noise = np.random.default_rng(0).integers(0, 256, (128, 5000), dtype=np.uint8)
    assert len(log_mel_picture(noise)) < 10_000


def test_a_tiny_table_is_shown_as_it_is():
    assert image.imread(io.BytesIO(log_mel_picture(np.zeros((3, 2), dtype=np.uint8)))).shape[:2] == (3, 2)


def test_the_report_holds_both_sections(heard, tmp_path):
    page = report.write_report(heard[0], tmp_path).read_text()
    assert 'id="tags"' in page
    assert 'id="clips"' in page

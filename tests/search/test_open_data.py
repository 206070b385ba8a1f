"""What a study's trials will read: the same clips for every arm, whatever front end its model has."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tagsearch.data.corpus import OpenCorpus
from tagsearch.data.features import open_features
from tagsearch.data.frontend import LOG_MEL, WAVEFORM
from tagsearch.errors import CorpusError, StudyError
from tagsearch.models.cnn2d import CNN2D
from tagsearch.registry import MODELS
from tagsearch.search import run_data
from tagsearch.search.run_data import open_data
from tagsearch.study.parse import read_study
from tagsearch.study.schema import Arm, Study
from tests.fake_corpus import SAMPLE_RATE, make_table, silent, write_corpus
from tests.fake_trial import BASE, tiny_study


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenCorpus:
    """Ten clips of 3.5 s, what every study here finds."""
    corpus = write_corpus(tmp_path / "audio", make_table(n_train=6, n_valid=2, n_test=2))
    monkeypatch.setattr(run_data, "open_corpus", lambda data, **_: corpus)
    return corpus


@pytest.fixture
def read_claims(tmp_path: Path) -> Callable[[str], Study]:
    """A study of two losses with this hypothesis."""

    def read(hypothesis: str) -> Study:
        file = tmp_path / "s.yaml"
        file.write_text(f"study: x\nfactors: {{loss: [bce, focal]}}\nhypotheses: [{hypothesis}]\n")
        return read_study(file)

    return read


def study_of(*models: str) -> Study:
    arms = tuple(Arm(name=name, levels={"model": name}, config={**BASE, "model": name}) for name in models)
    return dataclasses.replace(tiny_study(), arms=arms)


def test_models_with_one_front_end_share_its_view(corpus: OpenCorpus, tmp_path: Path) -> None:
    opened, views = open_data(study_of("cnn1d", "cnn2d"), cache=tmp_path / "cache", progress=silent)
    assert opened is corpus
    assert views["cnn1d"] == views["cnn2d"]
    assert len(list((tmp_path / "cache" / "features").iterdir())) == 1


def test_arms_of_several_front_ends_and_chunks_have_the_same_clips(
    corpus: OpenCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CNN2D, "front_end", WAVEFORM)
    monkeypatch.setitem(MODELS, "cnn2d", dataclasses.replace(MODELS["cnn2d"], chunk_seconds=3.4))
    soundfile.write(corpus.root / "002.flac", np.zeros(52_000, np.float32), SAMPLE_RATE)  # 3.25 s: enough for cnn1d
    (corpus.root / "003.flac").write_bytes(b"no audio")
    opened, views = open_data(study_of("cnn1d", "cnn2d"), cache=tmp_path / "cache", progress=silent)
    assert [(file.path, file.reason) for file in opened.bad] == [
        ("002.flac", "too short"),
        ("003.flac", "cannot be decoded"),
    ]
    assert opened.table.paths.tolist() == [f"{row:03d}.flac" for row in (0, 1, 4, 5, 6, 7, 8, 9)]
    features = {model: open_features(view) for model, view in views.items()}
    assert {model: f.front_end for model, f in features.items()} == {"cnn1d": LOG_MEL, "cnn2d": WAVEFORM}
    assert features["cnn1d"].n_frames.tolist() == [LOG_MEL.frames(3.5)] * 8
    assert features["cnn2d"].n_frames.tolist() == [56_000] * 8


def test_a_model_that_hears_more_than_any_clip_has_them_all_if_the_study_repeats_them(
    corpus: OpenCorpus, tmp_path: Path
) -> None:
    study = study_of("fcn", "cnn1d")
    with pytest.raises(CorpusError, match=r"10 of 10 .* are not, .*; .*data\.pad: repeat$"):
        open_data(study, cache=tmp_path / "cache", progress=silent)
    repeating = dataclasses.replace(study, data={**study.data, "pad": "repeat"})
    opened, views = open_data(repeating, cache=tmp_path / "cache", progress=silent)
    assert opened.table.notes == (
        "10 of 10 clips are shorter than the longest chunk, 29 s, and are repeated to fill it.",
    )
    assert opened.table.fingerprint == corpus.table.fingerprint
    assert open_features(views["fcn"]).n_frames.tolist() == [LOG_MEL.frames(3.5)] * 10


def test_a_short_clip_stays_where_no_model_needs_more(corpus: OpenCorpus, tmp_path: Path) -> None:
    soundfile.write(corpus.root / "002.flac", np.zeros(52_000, np.float32), SAMPLE_RATE)
    opened, _ = open_data(study_of("cnn1d", "cnn2d"), cache=tmp_path / "cache", progress=silent)
    assert opened is corpus


def test_a_claim_about_a_tag_that_the_corpus_lacks_is_refused_before_any_audio_is_decoded(
    corpus: OpenCorpus, tmp_path: Path, read_claims: Callable[[str], Study]
) -> None:
    study = read_claims("{id: H, text: t, arm: focal, tags: [kazoo]}")
    with pytest.raises(StudyError, match=r"^hypothesis H is about the tag 'kazoo', which corpus \w+ does not have"):
        open_data(study, cache=tmp_path / "cache", progress=silent)
    assert not (tmp_path / "cache").exists()

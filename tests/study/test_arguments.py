"""Settings on the command line."""

from pathlib import Path

import pytest

from tagsearch.errors import StudyError
from tagsearch.registry import CORPORA, DATA
from tagsearch.study.arguments import data_from_arguments, knobs_from_arguments
from tagsearch.study.data import repeats_short_clips


def test_arguments_mean_what_the_study_file_would() -> None:
    data = data_from_arguments("mtat", ["split=filtered", "tags=top20"], path="/data/mtat")
    written = {"corpus": "mtat", "path": "/data/mtat", "split": "filtered", "tags": "top20"}
    assert data == {**written, "merge": "none", "pad": "refuse"}


def test_numbers_are_numbers() -> None:
    assert data_from_arguments("builtin", ["seed=3"])["seed"] == 3


@pytest.mark.parametrize("corpus", CORPORA)
def test_every_corpus_can_repeat_short_clips_and_does_not_by_itself(corpus: str) -> None:
    assert not repeats_short_clips(data_from_arguments(corpus, []))
    assert repeats_short_clips(data_from_arguments(corpus, ["pad=repeat"]))


def test_no_corpus_has_a_knob_called_as_a_setting_of_all_of_them() -> None:
    assert not [name for entry in CORPORA.values() for name in entry.knobs if name in {"corpus", *DATA}]


@pytest.mark.parametrize(
    ("corpus", "settings", "message"),
    [
        ("mtatt", [], r"corpus 'mtatt': .*did you mean 'mtat'"),
        ("mtat", ["splits=hw2"], r"setting 'splits=hw2': .*did you mean 'split'"),
        ("mtat", ["split=hw3"], r"setting 'split=hw3': data.split must be one of 12:1:3, filtered"),
        ("folder", ["pads=repeat"], r"setting 'pads=repeat': .*did you mean 'pad'"),
        ("mtat", ["pad=zeros"], r"setting 'pad=zeros': data.pad must be one of refuse, repeat, not 'zeros'"),
        ("mtat", ["split"], r"setting 'split': a setting is written key=value"),
        ("mtat", ["path=/other"], r"setting 'path=/other': path is given twice"),
        ("builtin", [], r"--path '/data/mtat': corpus 'builtin' has no knob 'path'"),
    ],
)
def test_a_wrong_argument_is_named(corpus: str, settings: list[str], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        data_from_arguments(corpus, settings, path="/data/mtat")


def test_knobs_are_those_given() -> None:
    assert knobs_from_arguments("model", "cnn2d", ["width=16"]) == {"width": 16}
    assert knobs_from_arguments("model", "cnn2d", []) == {}


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("cnn3d", [], r"model 'cnn3d': no model is called 'cnn3d'; did you mean"),
        ("cnn2d", ["widht=16"], r"setting 'widht=16': model 'cnn2d' has no knob 'widht'; did you mean 'width'"),
        ("cnn2d", ["width=0"], r"setting 'width=0': model.width must lie in \[1, 512\], not 0"),
    ],
)
def test_a_wrong_knob_is_named(name: str, settings: list[str], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        knobs_from_arguments("model", name, settings)


def test_a_path_is_kept_absolute_so_that_a_run_goes_on_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert data_from_arguments("mtat", [], path="music")["path"] == str(tmp_path / "music")
    assert data_from_arguments("mtat", ["path=~/music"])["path"] == "/home/somebody/music"
    assert data_from_arguments("mtat", [])["path"] == ""

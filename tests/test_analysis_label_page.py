import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib import image

import analysis
from analysis.labels import label_figures
from analysis.labels.labels import CorpusLabels
from analysis.report.canvas import DARK, LIGHT
from tests.fake_labels import PLANTED, planted, table_of

PICTURES = ["data_siblings.png", "data_tag_counts.png", "data_tag_pairs.png", "data_tags_per_clip.png"]


@pytest.fixture(scope="module")
def inspected(tmp_path_factory):
    table = planted(np.random.default_rng(0))
    folder = tmp_path_factory.mktemp("page")
    assert analysis.inspect(table, folder) == folder / "index.html"
    return table, folder


def test_the_page_has_its_tables_and_pictures_beside_it(inspected):
    names = sorted(path.name for path in inspected[1].iterdir())
    assert names == sorted(
        [*PICTURES, "files.json", "index.html", "label_counts.csv", "labels.json", "rare_tags.csv", "tag_pairs.csv"]
    )


def test_the_page_names_the_synonyms_and_the_contradictions(inspected):
    page = (inspected[1] / "index.html").read_text()
    assert "word = other word" in page or "other word = word" in page
    assert "Likely synonyms: all 1" in page
    assert "Contradictory pairs: all 1" in page
    assert page.count("<img") == 4


def test_every_pair_and_tag_can_be_traced_in_the_csv_files(inspected):
    table, folder = inspected
    assert len(pd.read_csv(folder / "tag_pairs.csv")) == 14 * 13 / 2
    counts = pd.read_csv(folder / "label_counts.csv")
    assert counts["tag"].tolist() == list(PLANTED)
    assert (counts["n_train"] + counts["n_valid"] + counts["n_test"]).tolist() == table.labels.sum(axis=0).tolist()
    assert json.loads((folder / "labels.json").read_text())["corpus"] == "small"


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_are_not_blank(inspected, name):
    pixels = image.imread(inspected[1] / name)[..., :3]
    assert pixels.shape[1] > 300
    assert 0.01 < (pixels < 0.9).any(axis=2).mean() < 0.95


def test_the_text_tells_the_same_within_its_width(inspected):
    text = analysis.labels_text(inspected[0], 90)
    assert "Likely synonyms: all 1" in text
    assert re.search(r"^alternative +(up +down|down +up) ", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= 90


def test_the_notes_of_the_corpus_come_first():
    note = "Synonyms were merged: not comparable with published scores."
    labels = CorpusLabels(table=table_of([[1, 0], [0, 1]], notes=(note,)))
    text = analysis.labels_text(labels, 200)
    assert text.index(note) < text.index("2 clips and 2 tags")


def test_names_of_tags_cannot_inject_html_nor_formulas(tmp_path):
    tags = ["<b>bold</b>", "$x^2$ & $", "a very long name of a tag that nobody would ever want to read in a figure"]
    rows = [[1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1]] * 5
    analysis.inspect(table_of(rows, tags=tags, songs=np.arange(20) // 4), tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert "<b>" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page


def test_a_letter_that_the_font_lacks_is_no_reason_to_warn(tmp_path):
    rows = [[1, 0], [0, 1], [1, 1]]
    page = analysis.inspect(table_of(rows, tags=["日本語", "é"]), tmp_path).read_text()
    assert "日本語" in page


@pytest.mark.parametrize(
    ("rows", "extra", "said"),
    [
        ([[1], [0], [1]], {"splits": [0, 1, 2]}, "1 tag;"),
        ([[1, 1], [1, 0], [1, 1]], {"splits": [0, 1, 2]}, "no ROC AUC, as all or none of the clips have them"),
        ([[1, 0], [0, 1]], {}, "No song has two clips with tags: how well listeners agree cannot be measured, and"),
        ([[1, 0], [0, 1]], {}, "likely synonyms cannot be found."),
        ([[1, 0], [0, 1]], {"splits": [0, 2]}, "Every clip counts as an artist of its own: whether music of the test"),
        ([[1, 0], [0, 1], [1, 0]], {}, "Likely synonyms: none found."),
        ([[0, 0], [0, 0]], {}, "2 clips have no tag."),
        ([[1, 0], [1, 0]], {"splits": [0, 2]}, "1 tag without a training clip"),
        ([[1, 0], [1, 0]], {"splits": [2, 2]}, "2 tags without a training clip"),
    ],
    ids=[
        "one tag",
        "one clip a split",
        "no siblings",
        "no siblings and no company",
        "no artists",
        "no synonyms",
        "no labels",
        "a tag never seen",
        "no training clips",
    ],
)
def test_a_poor_corpus_is_shown_and_says_what_is_missing(tmp_path, rows, extra, said):
    table = table_of(rows, **extra)
    assert said in analysis.inspect(table, tmp_path).read_text()
    assert said in analysis.labels_text(CorpusLabels(table=table), 500)


@pytest.mark.parametrize(("songs", "known"), [([0, 1, 0, 1], "known songs."), ([0, 1, 2, 3], "known artists.")])
def test_only_a_shared_song_makes_test_music_known(songs, known):
    rows = [[1, 0], [0, 1], [1, 0], [0, 1]]
    table = table_of(rows, songs=songs, artists=[0, 1, 0, 1], splits=[0, 0, 2, 2])
    assert f"test scores are scores on {known}" in analysis.labels_text(table, 500)


def test_a_single_song_is_shown(tmp_path):
    rows = [[1, 0, 1], [1, 1, 0], [1, 0, 0]]
    assert analysis.inspect(table_of(rows, songs=[4, 4, 4], splits=[0, 1, 2]), tmp_path).exists()


@pytest.mark.parametrize("n_tags", [2, 5, 130])
def test_every_tag_has_its_name_in_the_pictures(n_tags):
    rows = np.random.default_rng(0).random((200, n_tags)) < 0.3
    labels = CorpusLabels(table=table_of(rows, songs=np.arange(200) // 4))
    for figure in (label_figures.counts(labels, DARK), label_figures.siblings(labels, LIGHT)):
        named = [text.get_text() for axes in figure.axes for text in axes.texts]
        assert sorted(named) == sorted(labels.table.tags)
    heat_map = label_figures.together(labels, DARK).axes[0]
    assert {text.get_text() for text in heat_map.get_xticklabels()} == set(labels.table.tags)


def test_a_heat_map_of_very_many_tags_shows_the_most_frequent(monkeypatch):
    monkeypatch.setattr("analysis.labels.labels.MAX_ORDERED", 3)
    rows = np.random.default_rng(0).random((200, 5)) < [0.1, 0.2, 0.3, 0.4, 0.5]
    axes = label_figures.together(CorpusLabels(table=table_of(rows)), LIGHT).axes[0]
    assert {text.get_text() for text in axes.get_xticklabels()} == {"tag 2", "tag 3", "tag 4"}
    assert axes.get_title() == "the 3 most frequent of 5 tags"


def test_the_bars_are_the_counts_of_the_training_split(inspected):
    labels = CorpusLabels(table=inspected[0])
    axes = label_figures.counts(labels, LIGHT).axes[0]
    named = [text.get_text() for text in axes.texts]
    drawn = dict(zip(named, (bar.get_width() for bar in axes.patches), strict=True))
    assert drawn == dict(zip(labels.table.tags, labels.table.train_counts.tolist(), strict=True))


def test_a_corpus_is_inspected_without_torch_ray_or_pyplot(tmp_path):
    table = planted(np.random.default_rng(0), n_songs=20)
    table.save(tmp_path / "corpus.npz")
    code = (
        "import sys, analysis; from pathlib import Path; from tagsearch.records import CorpusTable; "
        f"folder = Path({str(tmp_path)!r}); table = CorpusTable.load(folder / 'corpus.npz'); "
        "analysis.inspect(table, folder / 'page'); "
        "print(*{'torch', 'ray', 'matplotlib.pyplot', 'sklearn'} & set(sys.modules))"
    )
    root = Path(analysis.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

import re

import numpy as np
import pytest

from analysis.labels.labels import CorpusLabels
from analysis.report.sections import Picture
from analysis.search import search_alt_texts
from analysis.search.best_of_n import best_of_n
from analysis.tags import tag_alt_texts
from tests.fake_labels import planted
from tests.fake_run import FakeRun, summary_of


@pytest.fixture(scope="module")
def summary(tmp_path_factory):
    return summary_of(FakeRun(signals={"bce": 1.0, "focal": 1.5}, n_clips=150), tmp_path_factory.mktemp("run"))


def test_a_title_that_asks_keeps_its_question_mark():
    picture = Picture(name="p", title="Do they agree?", light=b"", dark=b"", told="Yes.")
    assert picture.alt == "Do they agree? Yes."


def test_a_picture_of_two_arms_tells_on_how_many_tags_one_is_better(summary):
    one, other = (summary.models.arms[arm] for arm in ("focal", "bce"))
    deltas = one.frame["pr_auc"] - other.frame["pr_auc"]
    told = tag_alt_texts.beside(one, other, ("focal", "bce"))
    assert told.startswith(f"focal lies above bce on {int((deltas > 0).sum())} of 6 tags, from ")
    assert told.endswith(f"{other.frame['tag'][deltas.idxmax()]} {deltas.max():+.2f}")


def test_pictures_of_all_tags_tell_the_totals_of_each_arm(summary):
    models = list(summary.models.arms.values())
    told = tag_alt_texts.precision_recall(models)
    assert f"focal: precision {models[1].totals.precision:.2f}, recall {models[1].totals.recall:.2f}" in told
    assert f"bce: divergence {models[0].totals.jsd:.2f} bits" in tag_alt_texts.tag_counts(models)


def test_pictures_of_the_labels_tell_their_numbers():
    labels = CorpusLabels(table=planted(np.random.default_rng(0)))
    assert tag_alt_texts.pairs(labels) == "1 pairs are likely synonyms, 1 contradict each other"
    told = tag_alt_texts.clip_sizes(labels)
    assert re.fullmatch(r"Mean number of tags: train \d\.\d\d, valid \d\.\d\d, test \d\.\d\d", told)


def test_pictures_of_the_search_tell_its_best_and_what_was_chosen(summary):
    told = search_alt_texts.chosen(summary.run)
    assert told == "Chosen, with its valid/pr_auc: bce lr 0.01, 0.400; focal lr 0.01, 0.400"
    told = search_alt_texts.best_of_n(best_of_n(summary.run))
    assert told == "bce: 0.400 with one, 0.400 with 3; focal: 0.400 with one, 0.400 with 3"


def test_a_study_that_tunes_nothing_has_nothing_chosen(tmp_path):
    fake = FakeRun(signals={"bce": 1.0, "focal": 1.5}, n_clips=150, tuned=False)
    assert search_alt_texts.chosen(summary_of(fake, tmp_path).run) == ""

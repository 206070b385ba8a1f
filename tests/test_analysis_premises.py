import numpy as np
import pytest

from analysis import premises
from analysis.labels import CorpusLabels
from tests.fake_labels import planted, table_of


def test_tags_of_like_frequency_are_not_imbalanced():
    premise = premises.imbalance(CorpusLabels(table=table_of([[1, 0], [0, 1]] * 20)))
    assert premise.holds is False
    assert premise.figures["mean_ir"] == 1


def test_a_long_tail_is_imbalanced_and_the_sentence_has_the_figures():
    rows = np.column_stack([np.arange(100) < n for n in (100, 50, 10)])
    premise = premises.imbalance(CorpusLabels(table=table_of(rows)))
    assert premise.holds is True
    assert premise.figures["max_ir"] == 10
    assert premise.figures["mean_ir"] == pytest.approx((1 + 2 + 10) / 3)
    assert "10.0 times" in premise.sentence
    assert "MeanIR 4.33" in premise.sentence


def test_one_tag_cannot_be_imbalanced_or_entangled():
    labels = CorpusLabels(table=table_of([[1], [0]]))
    assert premises.imbalance(labels).holds is None
    assert premises.entanglement(labels).holds is None


def test_planted_synonyms_make_a_corpus_entangled():
    premise = premises.entanglement(CorpusLabels(table=planted(np.random.default_rng(0))))
    assert premise.holds is True
    assert premise.figures["with_synonym"] == pytest.approx(2 / 14)
    assert premise.figures["one_word"] == pytest.approx(2 * 0.6 * 0.4 / (1 - 0.4**2), abs=0.05)  # each said by 60 %


def test_without_synonyms_nothing_is_said_of_the_choice_between_them():
    rows = np.random.default_rng(1).random((400, 8)) < 0.3
    premise = premises.entanglement(CorpusLabels(table=table_of(rows)))
    assert premise.holds is False
    assert np.isnan(premise.figures["one_word"])
    assert "nan" not in premise.sentence


def test_the_surest_companion_counted_by_hand():
    # b is with a on 2 of its 2 clips, a with b on 2 of its 4; c is with a on its only clip
    labels = CorpusLabels(table=table_of([[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 0]]))
    assert premises.surest_companion(labels) == pytest.approx((2 / 4 + 1 + 1) / 3)

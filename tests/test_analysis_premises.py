import dataclasses

import numpy as np
import pytest

from analysis.labels.labels import CorpusLabels
from analysis.verdict import premises
from tests.fake_labels import planted, table_of
from tests.fake_run import FakeRun, summary_of
from tests.test_analysis_underfit import run_of


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


def test_without_songs_and_with_few_tags_entanglement_is_open():
    thing = np.random.default_rng(2).random(400) < 0.5
    premise = premises.entanglement(CorpusLabels(table=table_of(np.column_stack([thing, thing, ~thing]))))
    assert premise.holds is None
    assert "Too few tags, or clips of one song, to look for synonyms" in premise.sentence


def test_the_separation_of_the_trained_baseline_is_told_and_judges_nothing():
    labels = CorpusLabels(table=planted(np.random.default_rng(0)))
    plain, told = premises.entanglement(labels), premises.entanglement(labels, separation=0.0214)
    added = "In the trained baseline's embeddings the tags have a mean silhouette of +0.021."
    assert told.sentence == f"{plain.sentence} {added}"
    assert told.figures["silhouette"] == 0.0214
    assert told.holds == plain.holds


def test_the_surest_companion_counted_by_hand():
    # b is with a on 2 of its 2 clips, a with b on 2 of its 4; c is with a on its only clip
    labels = CorpusLabels(table=table_of([[1, 1, 0], [1, 1, 0], [1, 0, 1], [1, 0, 0]]))
    assert premises.surest_companion(labels) == pytest.approx((2 / 4 + 1 + 1) / 3)


def test_a_rising_curve_is_an_under_fit_and_a_flat_one_is_not():
    rising = [[0.1] * 6 + end for end in ([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.41])]
    falling = [[0.4] * 6 + end for end in ([0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.11])]
    unsure = [rising[0], falling[0]]
    assert [premises.underfit(run_of(*curves)).holds for curves in (rising, falling, unsure)] == [True, False, None]
    assert "improves by +0.0810 [" in premises.underfit(run_of(*rising)).sentence


def test_the_rise_at_the_start_of_a_short_run_is_no_under_fit():
    premise = premises.underfit(run_of([0.1, 0.3, 0.3, 0.3], [0.1, 0.3, 0.31, 0.3]))
    assert premise.figures["lower"] > 0
    assert premise.holds is None
    assert "In the last 4 of 4 epochs" in premise.sentence
    assert "That is no end yet: it takes 10 epochs to judge one." in premise.sentence


def test_without_a_slope_under_fitting_is_open():
    assert premises.underfit(run_of([0.1, 0.2])).holds is None
    assert "one seed: no interval" in premises.underfit(run_of([0.1, 0.2, 0.3])).sentence


def test_a_premise_stands_beside_the_verdict_and_changes_nothing(tmp_path):
    plain = FakeRun(signals={"bce": 1.0, "focal": 1.5})
    (bare,) = plain.study().hypotheses
    (tmp_path / "run").mkdir()
    with_premise = dataclasses.replace(
        plain, hypotheses=(dataclasses.replace(bare, premises=("underfit", "imbalance")),)
    )
    summary, other = summary_of(with_premise, tmp_path / "run"), summary_of(plain, tmp_path / "other")
    assert [one.name for one in summary.premises["h1"]] == ["underfit", "imbalance"]
    assert "Premise (imbalance)" in summary.render("table", width=500)
    assert "Premise (underfit)" in summary.render("md")
    assert "Premise" not in other.render("table", width=500)
    assert summary.verdicts[0].verdict is other.verdicts[0].verdict
    assert summary.verdicts[0].reason == other.verdicts[0].reason

import numpy as np
import pytest

from analysis.labels import label_measures
from analysis.labels.label_measures import auc_error, gini, imbalance_of, irlbl, scumble

# tag 0 on four clips, tag 1 on two, tag 2 on one: IRLbl 1, 2, 4
LABELS = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 0, 0], [0, 0, 0]], dtype=np.uint8)


def test_the_imbalance_ratio_is_that_of_the_largest_tag_to_each():
    assert irlbl(np.array([4, 2, 1])).tolist() == [1, 2, 4]


def test_a_tag_without_a_positive_has_no_imbalance_ratio():
    assert np.isnan(irlbl(np.array([4, 0]))).tolist() == [False, True]


def test_the_imbalance_of_a_small_table_counted_by_hand():
    found = imbalance_of(LABELS)
    assert (found.largest, found.smallest, found.n_tags) == (4, 1, 3)
    assert found.mean_ir == pytest.approx(7 / 3)
    assert found.max_ir == 4
    assert found.cvir == pytest.approx(np.sqrt(7 / 3) / (7 / 3))  # squares around 7/3: 16/9 + 1/9 + 25/9, over 2


def test_scumble_counted_by_hand():
    two_tags = 1 - np.sqrt(2) / 1.5  # IRLbl 1 and 2
    three_tags = 1 - 2 / (7 / 3)  # 1, 2 and 4: geometric mean 2
    assert scumble(LABELS) == pytest.approx((two_tags + three_tags) / 5)  # one tag or none: 0


def test_scumble_is_none_where_all_tags_are_as_frequent():
    assert scumble(np.ones((3, 4), dtype=np.uint8)) == pytest.approx(0)


def test_the_gini_coefficient_counted_by_hand():
    assert gini(np.array([1, 2, 4])) == pytest.approx(6 / 21)  # (-2 * 1 + 0 * 2 + 2 * 4) / (3 * 7)
    assert gini(np.array([5, 5])) == 0
    assert gini(np.array([0, 0, 0, 8])) == pytest.approx(3 / 4)


def test_labels_without_a_positive_have_no_figures():
    found = imbalance_of(np.zeros((3, 2), dtype=np.uint8))
    assert (found.largest, found.smallest, found.n_tags) == (0, 0, 0)
    assert np.isnan([found.mean_ir, found.max_ir, found.cvir, found.scumble, found.gini]).all()


def test_the_standard_error_of_an_auc_counted_by_hand():
    # one pair is right with probability 0.8; two positives are both above one negative with 0.8 / 1.2 = 2/3
    errors = auc_error(np.array([1, 2]), np.array([1, 1]), auc=0.8)
    assert errors == pytest.approx([0.4, np.sqrt((0.16 + 2 / 3 - 0.64) / 2)])


def test_the_standard_error_is_the_spread_of_the_auc_of_exponential_scores():
    rng = np.random.default_rng(0)
    scores, labels = rng.exponential(size=(4000, 60)), np.arange(60) < 12
    scores[:, labels] *= 4  # their model, with an AUC of 4 / (4 + 1)
    above = (scores[:, labels][:, :, None] > scores[:, ~labels][:, None, :]).mean(axis=(1, 2))
    assert above.mean() == pytest.approx(0.8, abs=0.005)
    assert float(auc_error(np.array([12]), np.array([48]))[0]) == pytest.approx(above.std(), rel=0.05)


def test_an_auc_without_positives_or_negatives_has_no_standard_error():
    assert np.isnan(auc_error(np.array([0, 9]), np.array([9, 0]))).all()


def test_ten_positives_are_too_few_by_the_rule_and_thirty_are_not():
    errors = auc_error(np.array([10, 30]), np.array([2000, 2000]))
    assert (errors > label_measures.MAX_ERROR).tolist() == [True, False]

import pytest

from analysis.verdict.outcomes import (
    Outcome,
    Verdict,
    claim_flags,
    claim_outcome,
    hypothesis_verdict,
    ladder_outcome,
    member_outcome,
    part_outcome,
    split_alpha,
)

GAIN, NONE, OPEN, HARM = Outcome.GAIN, Outcome.NO_GAIN, Outcome.OPEN, Outcome.HARM
RHO = 0.005


@pytest.mark.parametrize(
    ("value", "lower", "upper", "expected", "flags"),
    [
        (0.010, 0.006, 0.014, GAIN, ("strong",)),
        (0.010, 0.001, 0.019, GAIN, ()),
        (0.005, 0.001, 0.009, GAIN, ()),  # the margin itself is reached
        (0.004, 0.001, 0.007, OPEN, ()),  # above zero, but the margin is neither reached nor excluded
        (0.010, -0.001, 0.021, OPEN, ()),
        (0.010, 0.000, 0.020, OPEN, ()),  # the limit must lie above zero
        (0.000, -0.020, 0.020, OPEN, ()),
        (0.002, 0.001, 0.003, NONE, ("equivalent", "trivial gain")),
        (0.000, -0.004, 0.004, NONE, ("equivalent",)),
        (-0.003, -0.010, 0.004, NONE, ()),
        (0.000, -0.005, 0.005, OPEN, ()),  # the margin itself is not excluded
        (-0.010, -0.019, -0.001, HARM, ()),
        (-0.010, -0.014, -0.006, HARM, ("strong",)),
        (-0.004, -0.007, -0.001, NONE, ()),  # worse, but by less than the margin
    ],
)
def test_a_claim_is_decided_by_its_interval_and_its_margin(value, lower, upper, expected, flags):
    outcome = claim_outcome(value, lower, upper, margin=RHO)
    assert outcome is expected
    assert claim_flags(outcome, lower, upper, margin=RHO) == flags


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ([GAIN, GAIN], GAIN),
        ([GAIN, OPEN], OPEN),
        ([GAIN, NONE], NONE),
        ([OPEN, NONE], NONE),
        ([OPEN, HARM], HARM),
        ([NONE, HARM], HARM),
        ([HARM, HARM], HARM),
    ],
)
def test_a_member_is_as_good_as_its_worst_metric(claims, expected):
    assert member_outcome(claims) == (expected, ())
    assert member_outcome(claims[::-1]) == (expected, ())


def test_a_gain_on_one_metric_and_harm_on_the_other_is_no_gain_and_said_so():
    assert member_outcome([GAIN, HARM]) == (NONE, ("metrics disagree",))


@pytest.mark.parametrize(
    ("members", "any_of", "all_of"),
    [
        ([GAIN, HARM], GAIN, HARM),
        ([GAIN, OPEN], GAIN, OPEN),
        ([OPEN, NONE], OPEN, NONE),
        ([NONE, HARM], NONE, HARM),
    ],
)
def test_any_is_the_best_member_and_all_the_worst(members, any_of, all_of):
    assert part_outcome(members, 1) is any_of
    assert part_outcome(members, len(members)) is all_of


def test_any_of_four_arms_in_two_parts_splits_the_gains_level_only():
    levels = split_alpha(0.05, n_parts=2, n_members=4, at_least=1)
    assert levels.lower == pytest.approx(0.00625)
    assert levels.upper == 0.05


def test_all_of_four_arms_splits_the_no_gain_level_only():
    levels = split_alpha(0.05, n_parts=1, n_members=4, at_least=4)
    assert levels.lower == 0.05
    assert levels.upper == pytest.approx(0.0125)


def test_two_of_four_arms_split_both_levels():
    levels = split_alpha(0.06, n_parts=1, n_members=4, at_least=2)
    assert (levels.lower, levels.upper) == (pytest.approx(0.02), pytest.approx(0.03))


def test_the_second_best_member_decides_where_two_must_gain():
    assert part_outcome([HARM, GAIN, OPEN], 2) is OPEN
    assert part_outcome([GAIN, HARM, GAIN], 2) is GAIN


def test_a_ladder_with_a_step_down_is_no_gain_and_without_one_is_its_line():
    assert ladder_outcome(GAIN, [GAIN, HARM, OPEN]) is NONE
    assert ladder_outcome(HARM, [HARM, OPEN]) is HARM
    assert ladder_outcome(GAIN, [OPEN, NONE]) is GAIN


@pytest.mark.parametrize(
    ("parts", "gates_pass", "grade", "expected"),
    [
        ([GAIN, GAIN], True, "A", Verdict.CONFIRMED),
        ([GAIN], False, "B", Verdict.CONFIRMED),
        ([GAIN], True, "C", Verdict.INCONCLUSIVE),
        ([HARM], True, "C", Verdict.INCONCLUSIVE),
        ([GAIN, HARM], True, "A", Verdict.PARTIALLY),
        ([GAIN, OPEN], True, "A", Verdict.PARTIALLY),
        ([OPEN, HARM], True, "A", Verdict.INCONCLUSIVE),
        ([NONE, HARM], True, "A", Verdict.REFUTED),
        ([NONE], True, "B", Verdict.NOT_SUPPORTED),
        ([HARM], False, "A", Verdict.NOT_SUPPORTED),
    ],
)
def test_parts_gates_and_grade_make_the_verdict(parts, gates_pass, grade, expected):
    assert hypothesis_verdict(parts, gates_pass=gates_pass, grade=grade) is expected

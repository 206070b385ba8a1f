import pytest

from analysis.outcomes import (
    Outcome,
    Verdict,
    claim_flags,
    claim_outcome,
    hypothesis_verdict,
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
    assert part_outcome(members, "any") is any_of
    assert part_outcome(members, "all") is all_of


def test_any_of_four_arms_in_two_parts_splits_the_gains_level_only():
    levels = split_alpha(0.05, n_parts=2, n_members=4, quantifier="any")
    assert levels.lower == pytest.approx(0.00625)
    assert levels.upper == 0.05


def test_all_of_four_arms_splits_the_no_gain_level_only():
    levels = split_alpha(0.05, n_parts=1, n_members=4, quantifier="all")
    assert levels.lower == 0.05
    assert levels.upper == pytest.approx(0.0125)


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


def point(roc: float, pr: float) -> Outcome:
    """A member known by point estimates only, one run an arm, no predictions."""
    claims = [claim_outcome(x, x, x, margin=rho) for x, rho in ((roc, 0.005), (pr, 0.010))]
    return member_outcome(claims)[0]


@pytest.mark.parametrize(
    ("quantifier", "differences", "expected"),
    [
        ("all", [(0.046, 0.052), (0.071, 0.100), (0.059, 0.075), (0.037, 0.043)], GAIN),  # more complex networks
        ("any", [(-0.024, -0.022), (-0.010, -0.014)], HARM),  # focal loss, uniform sampling
        ("all", [(-0.304, -0.190)], HARM),  # triplet loss
    ],
)
def test_point_estimates_of_three_known_hypotheses_give_the_known_outcomes(quantifier, differences, expected):
    assert part_outcome([point(*difference) for difference in differences], quantifier) is expected

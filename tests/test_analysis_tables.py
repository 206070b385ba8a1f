import dataclasses

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from analysis.arms import tables
from analysis.report.grids import Grid
from analysis.verdict import words
from tagsearch.records import State
from tests.fake_run import FakeRun, summary_of

THREE = {"bce": 1.0, "focal": 1.5, "triplet": 0.7}


def test_means_are_scikit_learn_s_macro_scores_of_the_stored_predictions(tmp_path):
    summary = summary_of(FakeRun(signals={"bce": 1.0, "focal": 1.5}), tmp_path)
    run = summary.run
    labels = run.corpus.labels[run.corpus.rows("test")]
    scores = [trial.scores("test") for trial in run.confirm if trial.spec.arm == "focal"]
    row = summary.comparison.set_index("arm").loc["focal"]
    roc = [roc_auc_score(labels, one, average="macro") for one in scores]
    pr = [average_precision_score(labels, one, average="macro") for one in scores]
    assert row["roc_mean"] == pytest.approx(np.mean(roc))
    assert row["pr_mean"] == pytest.approx(np.mean(pr))
    assert row["pr_sd"] == pytest.approx(np.std(pr, ddof=1))


def test_arms_keep_the_declared_order_and_only_rivals_have_a_difference(tmp_path):
    frame = summary_of(FakeRun(signals=THREE), tmp_path).comparison
    assert list(frame["arm"]) == ["bce", "focal", "triplet"]
    assert frame["roc_delta"].isna().tolist() == [True, False, False]
    assert list(frame["outcome"]) == ["", "+", "-"]


def test_an_arm_that_no_hypothesis_names_is_judged_as_exploratory(tmp_path):
    frame = summary_of(FakeRun(signals=THREE, hypotheses=()), tmp_path).comparison
    assert list(frame["judged_by"]) == ["baseline", "exploratory", "exploratory"]
    assert list(frame["outcome"]) == ["", "+", "-"]


def test_lost_trials_are_counted_beside_the_scores(tmp_path):
    lost = {("focal", 0): State.DIVERGED, ("focal", 1): State.FAILED}
    summary = summary_of(FakeRun(signals=THREE, lost=lost), tmp_path)
    row = summary.comparison.set_index("arm").loc["focal"]
    assert (row["seeds_done"], row["seeds_planned"], row["n_diverged"], row["n_failed"]) == (3, 5, 1, 1)
    assert "1 diverged, 1 failed" in summary.text()


def test_the_tune_table_counts_states_and_names_the_chosen_configuration(tmp_path):
    summary = summary_of(FakeRun(signals=THREE), tmp_path)
    row = summary.tuning.set_index("arm").loc["focal"]
    assert (row["proposed"], row["stopped"], row["finished"], row["epochs"]) == (3, 2, 1, 6)
    assert (row["chosen"], row["best"]) == ("lr=0.01", 0.4)
    assert "selection, optimistic - not evidence" in summary.text()


def test_a_study_without_a_tune_phase_has_no_tune_table(tmp_path):
    summary = summary_of(FakeRun(signals=THREE, tuned=False), tmp_path)
    assert summary.tuning.empty
    assert "optimistic" not in summary.text()


def test_a_pure_search_says_that_it_selects_and_does_not_prove(tmp_path):
    from analysis.rundata import gather
    from analysis.summary import summarize

    fake = FakeRun(signals={"bce": 1.0, "search-1": 1.5}, hypotheses=())
    study = fake.write(tmp_path)
    study = dataclasses.replace(study, design="search", arms=study.arms[:1])
    assert "selects, it does not prove" in summarize(gather(tmp_path, study)).text()


def test_the_tune_table_of_a_pure_search_has_a_row_for_each_winner(tmp_path):
    from analysis.rundata import gather
    from analysis.summary import summarize

    fake = FakeRun(signals={"bce": 1.0, "search-1": 1.5}, hypotheses=())
    study = fake.write(tmp_path)
    study = dataclasses.replace(study, design="search", arms=study.arms[:1])
    run = gather(tmp_path, study)
    searched = [t for t in run.tune if t.spec.arm == "bce"]
    renamed = [dataclasses.replace(t, spec=dataclasses.replace(t.spec, arm="search")) for t in searched]
    frame = summarize(dataclasses.replace(run, tune=tuple(renamed))).tuning
    assert list(frame["arm"]) == ["search", "search-1"]
    assert list(frame["chosen"]) == ["", "lr=0.01"]
    assert frame["proposed"].iloc[0] == 3


def test_an_unfinished_run_is_summarised_with_what_is_there(tmp_path):
    text = summary_of(FakeRun(signals=THREE, lost={("focal", 4): State.PENDING}), tmp_path).text()
    assert "The run is unfinished; seeds still to come: focal 1." in text


@pytest.mark.parametrize("width", [60, 120])
def test_the_text_fits_the_terminal(tmp_path, width):
    text = summary_of(FakeRun(signals=THREE), tmp_path / "run").text(width)
    assert max(len(line) for line in text.splitlines() if str(tmp_path) not in line) <= width


@pytest.mark.parametrize(("half", "digits"), [(0.012, 3), (0.0034, 4), (0.00009, 4), (0.3, 2), (np.inf, 3), (0.0, 3)])
def test_numbers_are_rounded_to_two_digits_of_their_interval(half, digits):
    assert words.decimals(half) == digits


def test_a_difference_that_rounds_to_nothing_has_no_minus_sign():
    assert words.signed(-0.0001, 3) == "+0.000"


@pytest.mark.parametrize(
    ("numbers", "margin", "told"),
    [
        ((0.0123, 0.0003, 0.0243), 0.0, "+0.0123 [+0.0003, +0.0243]"),  # not [+0.000: it is a gain
        ((0.0040, -0.0020, 0.00998), 0.01, "+0.00400 [-0.00200, +0.00998]"),  # 0.01 is excluded, and no 0.0100 says so
        ((0.00997, -0.0100, 0.0300), 0.01, "+0.00997 [-0.01000, +0.03000]"),
        ((0.0001, -0.0123, 0.0125), 0.0, "+0.000 [-0.012, +0.013]"),  # an estimate near 0 decides nothing
        ((0.0, 0.0, 0.0), 0.0, "+0.000 [+0.000, +0.000]"),
        ((0.5, 1e-12, 1.0), 0.1, "+0.50 [+0.00, +1.00]"),  # there is an end to it
    ],
)
def test_no_limit_is_told_on_the_other_side_of_what_decides(numbers, margin, told):
    assert words.with_interval(*numbers, margin=margin) == told


def test_a_published_number_short_of_the_margin_is_not_told_as_the_margin():
    assert words._exactly(0.00498, 0.005) == "+0.00498"
    assert words._exactly(0.005, 0.005) == "+0.005"


def confirmed(*, configs, **changes):
    study = FakeRun(signals=THREE, **changes).study()
    return tables.luck_of_tuning(
        dataclasses.replace(study, confirm=dataclasses.replace(study.confirm, configs=configs))
    )


def test_the_table_tells_how_much_of_the_luck_of_tuning_its_intervals_hold():
    assert "the luck of having found it is not in the intervals" in confirmed(configs=1)
    assert "2 best configurations in turn: some of the luck of tuning" in confirmed(configs=2)
    assert confirmed(configs=5).endswith("the luck of tuning is in the intervals.")
    assert confirmed(configs=1, tuned=False) == ""


def test_markdown_cells_cannot_break_out_of_their_table():
    grid = Grid(title="t", head=("a", "b"), rows=(("x|y", "1"),), right=(False, True))
    assert grid.markdown().splitlines()[-1] == "| x\\|y | 1 |"


def test_what_stands_in_markdown_is_neither_html_nor_a_link_and_keeps_its_line():
    grid = Grid(
        title="<b>", head=("a", "b"), rows=(("x\\|y", "p\nq"),), right=(False, False), notes=("[tag](http://a) <i>",)
    )
    title, _, _, _, row, _, note = grid.markdown().split("\n")
    assert title == "**&lt;b&gt;**"
    assert row == "| x&#92;\\|y | p q |"
    assert note == "[tag]&#40;http://a) &lt;i&gt;"


def test_the_margins_of_the_first_hypothesis_serve_the_exploratory_comparisons():
    fake = FakeRun(signals=THREE)
    assert tables.study_margins(fake.study()) == {"roc_auc": 0.005, "pr_auc": 0.010}


def test_a_wide_table_is_cut_into_panels_that_repeat_the_first_column():
    grid = Grid(title="t", head=("arm", "one", "two"), rows=(("bce", "1", "2"),), right=(False, True, True))
    assert grid.plain(10).splitlines() == [
        *("t", "arm  one", "---  ---", "bce    1"),
        *("", "arm  two", "---  ---", "bce    2"),
    ]


def test_a_column_wider_than_the_terminal_makes_blocks():
    grid = Grid(title="t", head=("arm", "chosen"), rows=(("bce", "lr=0.1, gamma=2"),), right=(False, False))
    assert grid.plain(17).splitlines() == ["t", "bce", "  chosen  lr=0.1,", "          gamma=2"]

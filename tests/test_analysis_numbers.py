import json
from pathlib import Path

import pytest

from analysis.verdict.numbers import read_numbers
from analysis.verdict.numbers_summary import judged
from analysis.verdict.outcomes import Verdict
from tagsearch.errors import UsageError
from tagsearch.study.schema import Tunable, Tune
from tests.fake_run import FakeRun, claim

STUDY = FakeRun(
    signals={"bce": 1.0, "focal": 1.5, "triplet": 1.0}, hypotheses=(claim("any", "focal", than="bce"),)
).study()
HEAD = "arm,roc_auc,pr_auc"


def table(folder: Path, *lines: str) -> Path:
    path = folder / "numbers.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_is_read_as_scores_by_arm_and_empty_cells_are_left_out(tmp_path):
    path = table(tmp_path, "arm,roc_auc,pr_auc,tail/pr_auc,jsd", "bce,0.86,0.31,0.12,0.04", "", "focal, 0.85,,0.14,")
    assert read_numbers(path, STUDY).values == {
        "bce": {"roc_auc": 0.86, "pr_auc": 0.31, "tail/pr_auc": 0.12, "jsd": 0.04},
        "focal": {"roc_auc": 0.85, "tail/pr_auc": 0.14},
    }


def test_a_table_from_a_spreadsheet_is_read(tmp_path):
    path = tmp_path / "numbers.csv"
    path.write_bytes(b"\xef\xbb\xbf" + f"{HEAD}\r\nbce,0.86,0.31\r\n".encode())
    assert read_numbers(path, STUDY).values == {"bce": {"roc_auc": 0.86, "pr_auc": 0.31}}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([HEAD, "focul,0.8,0.3"], r"numbers.csv:2: study fake has no arm 'focul', only bce, focal, triplet"),
        ([HEAD, "focal,0.8,0.3"], r"numbers.csv: the baseline bce has no row"),
        ([HEAD, "bce,86.1,0.3"], r"numbers.csv:2: roc_auc is a fraction of 1, not 86.1; divide percentages by 100"),
        ([HEAD, "bce,0.8,-0.1"], r"numbers.csv:2: pr_auc is a fraction of 1, not -0.1"),
        ([HEAD, "bce,0.8,0.3", "", "bce,0.8,0.3"], r"numbers.csv:4: arm bce has two rows"),
        ([HEAD, "bce,high,0.3"], r"numbers.csv:2: roc_auc is a number, not 'high'"),
        ([HEAD, "bce,nan,0.3"], r"numbers.csv:2: roc_auc is a number, not 'nan'"),
        ([HEAD, "bce,0.8"], r"numbers.csv:2: 2 cells under 3 columns"),
        ([HEAD, "bce,,"], r"numbers.csv:2: arm bce has no number; leave its row out"),
        (["arm,roc_auc", "bce,0.8"], r"numbers.csv:1: column pr_auc is missing"),
        (
            [f"{HEAD},tial/pr_auc", "bce,0.8,0.3,0.1"],
            r"there is no column 'tial/pr_auc', only arm, roc_auc, pr_auc, head/roc_auc",
        ),
        ([f"{HEAD},pr_auc", "bce,0.8,0.3,0.3"], r"numbers.csv:1: column pr_auc is there twice"),
        ([HEAD], r"numbers.csv holds no table"),
        ([f"{HEAD},epochs", "bce,0.8,0.3,9"], r"numbers.csv:2: bce was trained for 9 epochs, the study declares 4"),
    ],
)
def test_what_cannot_be_judged_is_refused_with_its_line(tmp_path, lines, message):
    with pytest.raises(UsageError, match=message) as refused:
        read_numbers(table(tmp_path, *lines), STUDY)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"none\.csv cannot be read"):
        read_numbers(tmp_path / "none.csv", STUDY)
    (tmp_path / "sheet.xlsx").write_bytes(b"PK\x03\x04\xff\xfe")
    with pytest.raises(UsageError, match=r"sheet\.xlsx is no text in UTF-8; save the table as CSV"):
        read_numbers(tmp_path / "sheet.xlsx", STUDY)


def test_epochs_that_a_study_tunes_may_be_any(tmp_path):
    from dataclasses import replace

    epochs = Tunable(name="epochs", kind="choice", choices=(4, 9))
    study = replace(STUDY, tune=Tune(trials_per_arm=3, search="random", tunables=(epochs,), asha=None))
    path = table(tmp_path, f"{HEAD},epochs", "bce,0.8,0.3,9")
    assert read_numbers(path, study).values == {"bce": {"roc_auc": 0.8, "pr_auc": 0.3}}


@pytest.mark.parametrize(
    ("focal", "verdict"),
    [("0.866,0.321", Verdict.CONFIRMED), ("0.861,0.311", Verdict.NOT_SUPPORTED), ("0.80,0.25", Verdict.NOT_SUPPORTED)],
)
def test_numbers_are_held_against_the_margins_and_never_refute(tmp_path, focal, verdict):
    """The margins are 0.005 ROC AUC and 0.010 PR AUC."""
    numbers = read_numbers(table(tmp_path, HEAD, "bce,0.86,0.31", f"focal,{focal}"), STUDY)
    (found,) = judged(STUDY, numbers).verdicts
    assert (found.verdict, found.grade) == (verdict, "D")


def test_an_arm_without_numbers_leaves_its_claim_open_and_is_told(tmp_path):
    summary = judged(STUDY, read_numbers(table(tmp_path, HEAD, "bce,0.86,0.31"), STUDY))
    assert summary.verdicts[0].verdict is Verdict.INCONCLUSIVE
    assert "Without numbers: focal, triplet." in summary.render("table")


def test_the_summary_of_numbers_is_strict_json(tmp_path):
    def refuse(constant):
        raise AssertionError(constant)

    numbers = read_numbers(table(tmp_path, HEAD, "bce,0.86,0.31", "focal,0.9,0.4"), STUDY)
    told = json.loads(judged(STUDY, numbers).render("json"), parse_constant=refuse)
    assert told["numbers"] == {"bce": {"roc_auc": 0.86, "pr_auc": 0.31}, "focal": {"roc_auc": 0.9, "pr_auc": 0.4}}
    assert [(one["hypothesis"], one["verdict"], one["grade"]) for one in told["verdicts"]] == [("h1", "Confirmed", "D")]


def test_scores_at_chance_are_told_where_the_prevalence_is_known(tmp_path):
    numbers = read_numbers(table(tmp_path, HEAD, "bce,0.86,0.31", "focal,0.51,0.07"), STUDY)
    (verdict,) = judged(STUDY, numbers, prevalence=0.065).verdicts
    assert "the PR AUC of focal, 0.070, is hardly above chance (0.065)" in verdict.qualifiers


def test_a_study_that_claims_nothing_has_nothing_to_judge(tmp_path):
    study = FakeRun(signals={"bce": 1.0, "focal": 1.0}, hypotheses=()).study()
    numbers = read_numbers(table(tmp_path, HEAD, "bce,0.86,0.31"), study)
    with pytest.raises(UsageError, match="study fake declares no hypothesis"):
        judged(study, numbers)

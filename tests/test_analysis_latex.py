import dataclasses
import re

import pytest

from analysis.report import latex
from analysis.report.grids import Grid
from analysis.report.paper import paper_grids
from tests.fake_run import FakeRun, summary_of

GRID = Grid(
    title="50 % of all",
    head=("a_b", "Δ"),
    rows=(("50 % & more", "-0.01 ± 2"), ("[x]", "")),
    right=(False, True),
    notes=("Costs $5.",),
)


@pytest.fixture(scope="module")
def tex(tmp_path_factory):
    return summary_of(
        FakeRun(n_clips=150, signals={"bce": 1.0, "focal_2": 1.5}), tmp_path_factory.mktemp("run")
    ).render("latex")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b & 5 % #1 $x$ {y}", r"a\_b \& 5 \% \#1 \$x\$ \{y\}"),
        ("C:\\x ~ ^", r"C:\textbackslash{}x \textasciitilde{} \textasciicircum{}"),
        ("1 ± 2 → 3", r"1 $\pm$ 2 $\to$ 3"),
        ("songs >= 1 < 2 | 3", r"songs $>$= 1 $<$ 2 $|$ 3"),
        ("“so” it's", "``so'' it's"),
        ('"x"', "''x''"),
        ("two\nlines", "two lines"),
    ],
)
def test_what_tex_would_read_as_a_command_is_escaped(text, expected):
    assert latex.escaped(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-0.01 [-0.02, -inf]", "$-$0.01 [$-$0.02, $-$inf]"),
        ("focal - bce", "focal - bce"),
        ("search-1", "search-1"),
        ("2026-11-22", "2026-11-22"),
    ],
)
def test_the_sign_of_a_number_is_a_minus_and_a_hyphen_stays_one(text, expected):
    assert latex.escaped(text) == expected


def test_a_table_has_its_caption_booktabs_rules_and_notes():
    assert latex.table(GRID).splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\caption{50 \% of all}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"a\_b & $\Delta$ \\",
        r"\midrule",
        r"50 \% \& more & $-$0.01 $\pm$ 2 \\",
        r"{[}x] &  \\",
        r"\bottomrule",
        r"\end{tabular}}",
        r"\par\smallskip\footnotesize Costs \$5.",
        r"\end{table}",
    ]


def test_a_table_wider_than_the_text_has_spreads_and_intervals_below_their_values():
    wide = Grid(title="", head=("x", "y"), rows=(("-0.01 ± 2 [-3, +3]", "b" * 85),) * 2, right=(True, False), notes=())
    assert "shortstack" not in latex.table(wide)  # little would be won
    narrower = dataclasses.replace(wide, rows=(("-0.01 ± 2 [-3, +3]", "1 ± " + "2" * 40 + " [" + "3" * 40 + "]"),) * 2)
    rows = latex.table(narrower).splitlines()[7:-3]
    row = r"\shortstack[r]{$-$0.01\\$\pm$ 2\\{[}$-$3, +3]} & "
    row += rf"\shortstack[r]{{1\\$\pm$ {'2' * 40}\\{{[}}{'3' * 40}]}} \\"
    assert rows == [r"\midrule", row, r"\addlinespace", row]


def test_all_that_belongs_in_a_paper_is_there(tmp_path):
    summary = summary_of(FakeRun(n_clips=150, signals={"bce": 1.0, "focal": 1.5}), tmp_path)
    titles = [grid.title for grid in paper_grids(summary)]
    assert titles == [
        "Comparison on the test split",
        "This test set, and groups of tags",
        "What the arms cost",
        "Verdicts and the contrasts they rest on",
        "Tune phase: trials and what they took",
        "Tune phase: selection, optimistic - not evidence",
        "Training: mean ± SD over the seeds",
        "How the predicted tags are spread",
        "All tags of bce, by ROC AUC",
    ]


def test_braces_and_environments_are_closed_and_every_row_has_its_columns(tex):
    plain = re.sub(r"\\\\|\\[{}]", "", tex)
    assert plain.count("{") == plain.count("}")
    begun, ended = (re.findall(rf"\\{word}{{(\w+)}}", tex) for word in ("begin", "end"))
    assert sorted(begun) == sorted(ended)
    for columns, body in re.findall(r"\\begin{tabular}{(\w+)}(.*?)\\end{tabular}", tex, re.DOTALL):
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len(rows) >= 2
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {len(columns) - 1}


def test_only_letters_that_tex_knows_are_left(tex):
    assert "focal\\_2" in tex
    assert tex.isascii()

import json
from pathlib import Path

import jsonschema
import pytest

import analysis
from analysis.report import summary_json
from analysis.rundata import gather
from analysis.summary import summarize
from tagsearch import files
from tagsearch.records import State
from tests.fake_run import FakeRun, claim, summary_of

SCHEMA = json.loads((Path(analysis.__file__).parent / "schema" / summary_json.SCHEMA).read_text())
TWO = {"bce": 1.0, "focal": 1.5}
LOST = {("focal", 0): State.DIVERGED, ("focal", 1): State.FAILED, ("focal", 2): State.PENDING}


def strict(text):
    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "fake",
    [
        FakeRun(n_clips=150, signals=TWO),
        FakeRun(n_clips=150, signals=TWO, tuned=False, seeds=1),
        FakeRun(n_clips=150, signals=TWO, lost=LOST),
        FakeRun(n_clips=150, signals=TWO, lost={(arm, k): State.PENDING for arm in TWO for k in range(5)}),
        FakeRun(n_clips=150, signals=TWO, hypotheses=()),
        FakeRun(
            n_clips=150, signals={**TWO, "triplet": 0.7}, hypotheses=(claim("any", "focal", "triplet", than="bce"),)
        ),
    ],
    ids=["tuned", "one seed as is", "lost trials", "only begun", "no hypothesis", "any"],
)
def test_every_summary_keeps_to_the_schema(tmp_path, fake):
    content = strict(summary_of(fake, tmp_path).render("json"))
    jsonschema.validate(content, SCHEMA, cls=jsonschema.Draft202012Validator)


def test_a_summary_that_lacks_a_table_or_has_an_unknown_outcome_breaks_it(tmp_path):
    content = strict(summary_of(FakeRun(n_clips=150, signals=TWO), tmp_path).render("json"))
    del content["tables"]["trials"]
    content["verdicts"][0]["parts"][0]["outcome"] = "better"
    validator = jsonschema.Draft202012Validator(SCHEMA)
    assert sorted(error.validator for error in validator.iter_errors(content)) == ["enum", "required"]


def test_it_tells_study_tables_deviations_and_environment(tmp_path):
    study = FakeRun(n_clips=150, signals=TWO).write(tmp_path)
    (tmp_path / "lock.json").unlink()
    summary = summarize(gather(tmp_path, study))
    files.write_json(tmp_path / "environment.json", {"started": "2026-01-02", "git": None})
    content = strict(summary.render("json"))
    assert content["study"]["arms"] == ["bce", "focal"]
    assert content["run"]["corpus"]["n_test_clips"] == 150
    assert content["tables"]["comparison"][1]["pr_mean"] == pytest.approx(summary.comparison["pr_mean"][1])
    assert len(content["tables"]["trials"]) == 2 * (3 + 5)
    assert content["deviations"][0].lower().startswith("nothing was registered")
    assert content["environment"] == {"started": "2026-01-02", "git": None}


def test_numbers_are_numbers_and_what_does_not_exist_is_null(tmp_path):
    content = strict(summary_of(FakeRun(n_clips=150, signals=TWO, seeds=1), tmp_path).render("json"))
    baseline, rival = content["tables"]["comparison"]
    assert (baseline["roc_delta"], baseline["roc_sd"]) == (None, None)
    assert rival["roc_lower"] is None  # minus infinity: one seed
    assert isinstance(rival["seeds_done"], int)

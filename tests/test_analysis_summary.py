import json
from dataclasses import replace
from pathlib import Path

import pytest

import analysis
from analysis.summary import FORMATS
from analysis.verdict.deviations import registration
from tagsearch import files, records
from tagsearch.study.lock import VERSION, content_sha256
from tagsearch.study.parse import read_study
from tests.fake_run import FakeRun, summary_of

SMOKE = Path(__file__).parents[1] / "search_spaces" / "smoke.yaml"


@pytest.fixture
def smoke_run(tmp_path):
    """The folder of a run of the shipped smoke study, locked, with trials made up."""
    study = read_study(SMOKE)
    signals = {arm: 1.0 + 0.5 * k for k, arm in enumerate(study.confirm_arms)}
    FakeRun(signals=signals, tuned=False, n_clips=150).write(tmp_path, study)
    return tmp_path


def test_a_run_folder_is_loaded_with_its_study(smoke_run):
    run = analysis.load(smoke_run)
    assert run.study.name == "smoke"
    assert len(run.trials) == len(run.study.confirm_arms) * run.study.confirm.seeds
    assert set(run.trials["state"]) == {"COMPLETED"}


def test_a_run_folder_is_summarised_with_its_study_corpus_and_registration(smoke_run):
    text = analysis.summarize(smoke_run).text()
    assert "Study smoke" in text
    assert "Corpus fake: 150 test clips by" in text
    assert "Registered before the run as" in text


def test_a_study_changed_after_it_was_registered_is_called_exploratory(smoke_run):
    resolved = (smoke_run / "resolved.yaml").read_text()
    files.write_text(smoke_run / "resolved.yaml", resolved.replace("0.005", "0.001"))
    assert "Changed since it was registered: hypotheses;" in analysis.summarize(smoke_run).text()


def test_settings_that_came_after_the_registration_are_told_and_are_no_change(smoke_run):
    content = json.loads((smoke_run / "lock.json").read_text())["content"]
    del content["pad"], content["hypotheses"][0]["premises"]
    older = {"version": VERSION, "sha256": content_sha256(content), "content": content}
    files.write_json(smoke_run / "lock.json", older)
    told = registration(analysis.load(smoke_run))
    assert told.endswith("unchanged; it does not name every setting there is now of: hypotheses, pad.")


def test_a_registered_setting_that_is_gone_is_a_change(smoke_run):
    content = json.loads((smoke_run / "lock.json").read_text())["content"] | {"margin": 1}
    older = {"version": VERSION, "sha256": content_sha256(content), "content": content}
    files.write_json(smoke_run / "lock.json", older)
    assert "Changed since it was registered: margin;" in registration(analysis.load(smoke_run))


@pytest.mark.parametrize("form", ["table", "md", "latex", "json"])
def test_every_table_says_what_its_readers_must_know_of_the_corpus(smoke_run, form):
    note = "Synonyms are merged: scores compare with nothing published."
    table = replace(records.read_corpus(smoke_run), notes=(note,))
    table.save(smoke_run / "corpus.npz")
    assert note in " ".join(analysis.summarize(smoke_run).render(form).split())


def test_a_lock_changed_by_hand_is_noticed(smoke_run):
    lock = json.loads((smoke_run / "lock.json").read_text())
    lock["content"]["question"] = "Another?"
    files.write_json(smoke_run / "lock.json", lock)
    assert "damaged or was changed by hand" in analysis.summarize(smoke_run).text()


def test_a_run_without_registration_says_so(smoke_run):
    (smoke_run / "lock.json").unlink()
    text = analysis.summarize(smoke_run).text()
    assert "Nothing was registered before this run" in text


def test_the_frames_hold_every_epoch_and_every_tag(tmp_path):
    run = summary_of(FakeRun(signals={"bce": 1.0, "focal": 1.5}, epochs=4), tmp_path).run
    assert (run.epochs["phase"] == "confirm").sum() == 2 * 5 * 4
    assert list(run.tags.columns) == ["tag", "n_train", "n_valid", "n_test"]
    assert run.tags["n_train"].tolist() == run.corpus.train_counts.tolist()
    confirmed = run.per_tag[run.per_tag["phase"] == "confirm"]
    assert len(confirmed) == 2 * 5 * 6


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_a_summary_tells_the_arms_and_their_scores(tmp_path, form):
    summary = summary_of(FakeRun(signals={"bce": 1.0, "focal": 1.5}), tmp_path)
    told = summary.render(form)
    assert "focal" in told
    assert str(summary.comparison["roc_mean"][1])[:4] in told

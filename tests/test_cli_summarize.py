"""The verbs summarize and judge as scripts use them: what goes where, and with which exit code."""

import errno
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tagsearch import files, records
from tagsearch.cli import main
from tagsearch.study.lock import make_lock
from tagsearch.study.parse import read_study
from tests.fake_run import FakeRun

SMOKE = Path(__file__).parents[1] / "search_spaces" / "smoke.yaml"
NUMBERS = "arm,roc_auc,pr_auc\n{}\n"


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of the smoke study with made-up trials: `better` and `again` gain, `same` does not; `else` is another
    corpus."""
    folder = tmp_path_factory.mktemp("runs")
    made = {"better": (1, 3.0, 0), "again": (2, 3.0, 0), "same": (3, 1.0, 0), "else": (4, 1.5, 9)}
    for name, (seed, signal, corpus) in made.items():
        study = read_study(SMOKE, overrides=[f"seed={seed}"])
        signals = dict.fromkeys(study.confirm_arms, signal) | {study.baseline.name: 1.0}
        fake = FakeRun(signals=signals, tuned=False, n_clips=150, random_seed=corpus, noise_seed=seed)
        fake.write(folder / name, study)
        files.write_json(folder / name / "lock.json", make_lock(study, records.read_corpus(folder / name)))
    return folder


@pytest.fixture
def tagsearch(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def call(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["tagsearch", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return call


def test_a_confirmed_hypothesis_lets_a_script_go_on(storage, tagsearch):
    assert tagsearch("summarize", storage / "better", "--no-report", "--fail-unless-confirmed", "H2") == 0


def test_a_hypothesis_that_is_not_confirmed_ends_a_script_with_5_and_one_line(storage, tagsearch, capsys):
    arguments = ("--no-report", "-f", "json", "--fail-unless-confirmed", "H2")
    assert tagsearch("summarize", storage / "same", *arguments) == 5
    out, err = capsys.readouterr()
    assert json.loads(out)["verdicts"][0]["hypothesis"] == "H2"  # nothing but JSON on standard output
    assert err.startswith("error: not confirmed: H2: ")
    assert len(err.splitlines()) == 1


def test_an_unknown_hypothesis_is_refused_before_anything_is_printed(storage, tagsearch, capsys):
    assert tagsearch("summarize", storage / "better", "--fail-unless-confirmed", "H9") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "error: --fail-unless-confirmed H9: no such hypothesis; smoke declares H2\n"
    assert not (storage / "better" / "report").exists()


def test_no_report_is_written_where_none_is_wanted(storage, tagsearch, capsys):
    assert tagsearch("summarize", "better", "--storage-path", storage, "--no-report") == 0
    assert "report:" not in capsys.readouterr().out
    assert not (storage / "better" / "report").exists()


def test_a_report_that_does_not_fit_on_the_disk_is_one_line_after_the_table(storage, tagsearch, capsys, monkeypatch):
    import analysis

    def write_report(summary, folder):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(analysis, "write_report", write_report, raising=False)
    assert tagsearch("summarize", storage / "better") == 1
    out, err = capsys.readouterr()
    assert "Comparison on the test split" in out
    assert "No space left on device; what is done is kept; free space and run `tagsearch summarize` again" in err
    assert len(err.splitlines()) == 1


def test_a_report_goes_to_the_folder_that_is_named(storage, tagsearch, tmp_path, capsys, monkeypatch):
    import analysis

    asked = []
    monkeypatch.setattr(analysis, "write_report", lambda summary, folder: asked.append(folder) or folder, raising=False)
    assert tagsearch("summarize", storage / "better", "--output", tmp_path / "mine") == 0
    assert tagsearch("summarize", storage / "better", storage / "again") == 0
    assert asked == [tmp_path / "mine", storage / "combined-better+again" / "report"]
    assert f"report: {tmp_path / 'mine'}" in capsys.readouterr().out


def test_a_folder_for_a_report_that_is_not_wanted_is_refused(storage, tagsearch, tmp_path, capsys):
    assert tagsearch("summarize", storage / "better", "--output", tmp_path, "--no-report") == 2
    assert "leave one out" in capsys.readouterr().err


def test_runs_of_one_study_are_summarised_together(storage, tagsearch, capsys):
    runs = ("better", "again", "--storage-path", storage)
    assert tagsearch("summarize", *runs, "--no-report", "-f", "json", "--fail-unless-confirmed", "H2") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["combined"]["runs"] == {"better": str(storage / "better"), "again": str(storage / "again")}
    assert {row["seeds_planned"] for row in told["tables"]["comparison"]} == {2 * len_of_seeds()}
    assert set(told["combined"]["verdicts_by_run"]) == {"better", "again"}


def len_of_seeds() -> int:
    return read_study(SMOKE).confirm.seeds


def test_runs_of_different_corpora_are_refused_in_one_line(storage, tagsearch, capsys):
    assert tagsearch("summarize", storage / "better", storage / "else", "--no-report") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: better and else cannot be combined: their ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("gain", "verdict"), [(0.1, "Confirmed"), (0.0, "Not supported")])
def test_published_numbers_are_judged_without_a_run(tagsearch, tmp_path, capsys, gain, verdict):
    study = read_study(SMOKE)
    rows = [f"{arm},{0.8 + gain * (k > 0)},{0.3 + gain * (k > 0)}" for k, arm in enumerate(study.confirm_arms)]
    (tmp_path / "numbers.csv").write_text(NUMBERS.format("\n".join(rows)))
    assert tagsearch("judge", SMOKE, tmp_path / "numbers.csv", "-f", "json") == 0
    (found,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert (found["verdict"], found["grade"]) == (verdict, "D")


def test_a_wrong_table_of_numbers_is_one_line_and_exit_code_2(tagsearch, tmp_path, capsys):
    (tmp_path / "numbers.csv").write_text(NUMBERS.format("bce,93,0.3"))
    assert tagsearch("judge", SMOKE, tmp_path / "numbers.csv") == 2
    err = capsys.readouterr().err
    assert "numbers.csv:2: roc_auc is a fraction of 1, not 93" in err
    assert len(err.splitlines()) == 1

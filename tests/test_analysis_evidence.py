"""What confirm trials may be evidence: those whose folder, record and scores belong together."""

import dataclasses
import hashlib
import shutil

import pytest

from analysis.rundata import gather
from analysis.summary import summarize
from analysis.verdict.outcomes import Verdict
from tagsearch import files, records
from tagsearch.errors import RecordError
from tests.fake_run import FakeRun


def gathered_after(folder, change):
    """A run with a clear gain, after `change` of its first confirm trial."""
    study = FakeRun(signals={"bce": 1.0, "focal": 1.5}, n_clips=200).write(folder)
    change(gather(folder, study).confirm[0])
    return gather(folder, study)


def empty(trial):
    (trial.folder / "scores.npz").write_bytes(b"")


def flip_a_bit(trial):
    path = trial.folder / "scores.npz"
    content = bytearray(path.read_bytes())
    content[-len(content) // 3] ^= 1  # in the test scores, which come last
    path.write_bytes(content)


def put_other_scores_in(trial):
    result = dataclasses.replace(trial.result, scores_sha256=sha256((trial.folder / "scores.npz").read_bytes()))
    records.write_result(trial.folder, result)
    scores = files.read_npz(trial.folder / "scores.npz")
    files.write_npz(trial.folder / "scores.npz", {name: 2 * array for name, array in scores.items()})


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("change", "words"),
    [(empty, "is damaged"), (flip_a_bit, "is damaged"), (put_other_scores_in, "was changed after the trial's record")],
)
def test_scores_that_are_not_the_recorded_ones_count_as_a_failed_trial(tmp_path, change, words):
    summary = summarize(gathered_after(tmp_path, change))
    assert summary.verdicts[0].verdict is Verdict.INCONCLUSIVE
    assert any(words in note for note in summary.evidence.notes)


def test_a_seed_with_two_trials_of_other_settings_counts_as_failed(tmp_path):
    def confirm_again(trial):
        spec = dataclasses.replace(trial.spec, config={**trial.spec.config, "lr": 0.5})
        home = trial.folder.with_name(spec.name)
        shutil.copytree(trial.folder, home)
        records.write_spec(home, spec)

    summary = summarize(gathered_after(tmp_path, confirm_again))
    assert [len(arm.failed) for arm in summary.evidence.arms.values()] == [1, 0]
    assert summary.verdicts[0].verdict is Verdict.INCONCLUSIVE
    assert any("has 2 trials with seed" in note for note in summary.evidence.notes)


def test_a_copied_trial_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(RecordError, match="it was copied, renamed or changed; give it back its name and content, or"):
        gathered_after(tmp_path, lambda trial: shutil.copytree(trial.folder, f"{trial.folder}-backup"))


def test_a_trial_that_was_given_to_another_arm_is_refused(tmp_path):
    def rename(trial):
        records.write_spec(trial.folder, dataclasses.replace(trial.spec, arm="focal"))

    with pytest.raises(RecordError, match="holds the trial focal-"):
        gathered_after(tmp_path, rename)

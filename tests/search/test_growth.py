"""A study that grows trains what is missing and nothing else: by an arm, by trials an arm, by seeds, by epochs."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tagsearch.records import Phase, State, read_trials
from tagsearch.search.asha import read_log
from tagsearch.study.adopted import read_adopted
from tests.fake_source import STUDY
from tests.fake_trial import TRAINED_FILE
from tests.faults.driver import ROOT

pytestmark = pytest.mark.slow
ARMS = "{bce: {loss: bce}, focal: {loss: focal}}"
MORE_ARMS = "{bce: {loss: bce}, focal: {loss: focal, epochs: 12}, more: {loss: asymmetric}}"
RUNS = [
    {"name": "base"},
    {
        "name": "grown",  # by an arm, by a seed, and focal by epochs
        "set": [f"arms={MORE_ARMS}", "confirm.seeds=3"],
        "reuse": "base",
    },
    {"name": "trials", "set": ["tune.trials_per_arm=6"], "reuse": "base"},
]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    """The storage with all of the runs, and what each has said."""
    storage = tmp_path_factory.mktemp("runs")
    (storage / "mine.yaml").write_text(STUDY.replace("factors: {loss: [bce, focal]}", f"arms: {ARMS}"))
    command = [sys.executable, "-W", "ignore", "-m", "tests.grow_driver", str(storage), json.dumps(RUNS)]
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=500)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"run"')]
    assert [line["run"] for line in lines] == [run["name"] for run in RUNS], done.stdout + done.stderr
    return storage, {line["run"]: line["said"] for line in lines}


def trained(run: Path, phase: Phase) -> Counter[str]:
    """Trials by arm that were trained in this run."""
    return Counter(t.spec.arm for t in read_trials(run, phase) if read_adopted(t.folder) is None)


def there(run: Path, phase: Phase) -> Counter[str]:
    return Counter(trial.spec.arm for trial in read_trials(run, phase))


def test_an_arm_that_is_new_or_trains_longer_is_all_that_is_tuned(grown: tuple[Path, dict[str, list[str]]]) -> None:
    run = grown[0] / "grown"
    assert there(run, "tune") == {"bce": 3, "focal": 3, "more": 3}
    assert trained(run, "tune") == {"focal": 3, "more": 3}


def test_seeds_that_are_new_are_all_that_is_confirmed_of_an_arm_that_stays(
    grown: tuple[Path, dict[str, list[str]]],
) -> None:
    run = grown[0] / "grown"
    assert there(run, "confirm") == {"bce": 3, "focal": 3, "more": 3}
    assert trained(run, "confirm") == {"bce": 1, "focal": 3, "more": 3}
    new = {t.spec.seed for t in read_trials(run, "confirm") if t.spec.arm == "bce" and not read_adopted(t.folder)}
    assert new == {3}


def test_more_trials_an_arm_train_those_and_what_they_make_tuning_choose(
    grown: tuple[Path, dict[str, list[str]]],
) -> None:
    run, base = grown[0] / "trials", grown[0] / "base"
    assert trained(run, "tune") == {"bce": 3, "focal": 3}
    assert {t.spec.index for t in read_trials(run, "tune") if read_adopted(t.folder) is None} == {3, 4, 5}
    choices = [json.loads((each / "tune" / "chosen.json").read_text()) for each in (base, run)]
    changed = [arm for arm in choices[0] if choices[0][arm] != choices[1][arm]]
    assert trained(run, "confirm") == dict.fromkeys(changed, 2)
    assert grown[1]["trials"][1] == f"reuse of base: {4 - 2 * len(changed)} of 4 confirm trials"


def test_no_epoch_of_a_trial_that_was_taken_over_is_trained_again(grown: tuple[Path, dict[str, list[str]]]) -> None:
    n_taken = 0
    for name in ("grown", "trials"):
        for path in (grown[0] / name).glob(f"*/*/{TRAINED_FILE}"):
            if read_adopted(path.parent) is not None:
                theirs = grown[0] / "base" / path.relative_to(grown[0] / name)
                assert path.read_bytes() == theirs.read_bytes()
                n_taken += 1
    assert n_taken >= (3 + 2) + 6


def test_new_trials_meet_at_their_rungs_those_that_were_taken_over(grown: tuple[Path, dict[str, list[str]]]) -> None:
    run = grown[0] / "trials"
    at_first = Counter(value.arm for value in read_log(run / "tune" / "rungs.jsonl") if value.epoch == 1)
    assert at_first == {"bce": 6, "focal": 6}
    ended = {trial.state for trial in read_trials(run, "tune")}
    assert ended <= {State.COMPLETED, State.STOPPED}

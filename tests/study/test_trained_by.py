"""By what a trial was trained: which files count, and what is told of a change."""

from pathlib import Path

import pytest

from tagsearch.errors import RecordError
from tagsearch.study import trained_by as module
from tagsearch.study.settings import changed, defaults
from tagsearch.study.trained_by import (
    TRAINED_BY_FILE,
    difference,
    differing,
    note_trained_by,
    read_trained_by,
    trained_by,
)


def files_of(**components: str) -> set[str]:
    return {name for name in trained_by(changed(defaults(), components), device="cpu") if name.endswith(".py")}


def test_the_loop_the_data_and_the_configurations_own_components_count() -> None:
    files = files_of(loss="bce", model="cnn1d")
    assert {"training/loop.py", "training/evaluate.py", "data/batches.py", "records/trials.py"} <= files
    assert {"losses/bce.py", "models/cnn1d.py", "samplers/shuffle.py", "augment/none.py"} <= files


def test_components_of_other_arms_and_what_reads_studies_do_not_count() -> None:
    files = files_of(loss="bce", model="cnn1d")
    assert not files & {"losses/focal.py", "models/cnn2d.py", "registry/losses.py", "study/parse.py", "search/run.py"}


def test_what_a_component_imports_counts() -> None:
    assert "losses/similarity.py" in files_of(loss="bce_triplet")
    assert "losses/similarity.py" not in files_of(loss="bce")


def test_python_torch_and_device_count() -> None:
    cpu, cuda = (trained_by(defaults(), device=device) for device in ("cpu", "cuda"))
    assert differing(cpu, cuda) == ("device",)
    assert {"python", "torch"} < set(cpu)


CODE = 'import os\n\n\ndef double(x):\n    """Twice."""\n    return 2 * x\n'


@pytest.mark.parametrize(
    ("text", "is_same"),
    [
        (CODE.replace("Twice", "Two times"), True),
        (CODE.replace("return 2 * x", "return 2 * x  # why not"), True),
        ('"""Doubles."""\n\n' + CODE, True),
        (CODE.replace("2 * x", "3 * x"), False),
        (CODE.replace("import os", "import sys"), False),
    ],
)
def test_a_hash_is_of_what_a_file_does(tmp_path: Path, text: str, is_same: bool) -> None:
    hashes = []
    for name, content in (("one.py", CODE), ("two.py", text)):
        (tmp_path / name).write_text(content)
        hashes.append(module._read(tmp_path / name)[0])
    assert (hashes[0] == hashes[1]) is is_same


# --- in a trial's folder ---------------------------------------------------------------------------------------------


def test_it_is_noted_once_for_as_long_as_it_stays_the_same(tmp_path: Path) -> None:
    for loop in ("1", "1", "2"):
        note_trained_by(tmp_path, {"loop.py": loop})
    assert read_trained_by(tmp_path) == ({"loop.py": "1"}, {"loop.py": "2"})


def test_a_trial_of_an_older_tagsearch_has_none(tmp_path: Path) -> None:
    assert read_trained_by(tmp_path) == ()


def test_a_torn_last_line_began_nothing(tmp_path: Path) -> None:
    (tmp_path / TRAINED_BY_FILE).write_text('{"a.py": "1"}\n{"a.py": "2')
    assert read_trained_by(tmp_path) == ({"a.py": "1"},)
    note_trained_by(tmp_path, {"a.py": "2"})
    assert read_trained_by(tmp_path) == ({"a.py": "1"}, {"a.py": "2"})


@pytest.mark.parametrize("content", ["nonsense\n", "[1]\n"])
def test_a_damaged_file_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / TRAINED_BY_FILE).write_text(content)
    with pytest.raises(RecordError, match=r"trained_by\.jsonl is damaged"):
        read_trained_by(tmp_path)


# --- differences -----------------------------------------------------------------------------------------------------

THEN = {"device": "cpu", "torch": "2.10", "a.py": "1", "b.py": "1", "c.py": "1", "d.py": "1"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, ""),
        ({"b.py": "2"}, "the code that trains it has changed: b.py"),
        ({"e.py": "1"}, "the code that trains it has changed: e.py"),
        (dict.fromkeys(("a.py", "b.py", "c.py", "d.py"), "2"), "it has changed: a.py, b.py, c.py and 1 more"),
        ({"device": "cuda", "a.py": "2"}, "trained by cpu, and this is cuda"),
        ({"torch": "2.11"}, "trained by torch 2.10, and this is torch 2.11"),
    ],
)
def test_a_difference_names_what_differs_the_machine_first(changes: dict[str, str], text: str) -> None:
    told = difference({**THEN, **changes}, THEN)
    assert told == text or (bool(text) and told.endswith(text))


def test_a_file_that_only_some_trials_need_is_no_difference_between_them() -> None:
    assert differing({"a.py": "1", "focal.py": "1"}, {"a.py": "1"}, {"a.py": "2"}) == ("a.py",)

"""The README's tables name what there is."""

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from analysis import frames, plots
from tagsearch.cli import cli
from tagsearch.registry import COMPONENTS, CORPORA, TRAINING
from tagsearch.study.parse import read_study
from tagsearch.study.shipped import shipped_studies
from tests.fake_run import FakeRun

README = (Path(__file__).parent.parent / "README.md").read_text()
NAMES = {name for entries in COMPONENTS.values() for name in entries} | {*CORPORA, *TRAINING, *shipped_studies()}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_everything_that_can_be_chosen_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("verb", sorted(cli.commands))
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert re.search(rf"^\|.*`{verb}\b", README, re.MULTILINE)


def test_the_readme_names_no_component_that_does_not_exist() -> None:
    table = README.split("## What can be compared")[1].split("and `lr`")[0]
    named = set(re.findall(r"`([a-z0-9_]+)`", table)) - set(COMPONENTS)
    assert named <= NAMES


def test_the_notebook_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = read_study(Path(__file__).parent.parent / "search_spaces" / "losses.yaml", profile="cpu")
    signals = {arm: 1.0 + k for k, arm in enumerate(study.confirm_arms)}
    FakeRun(signals=signals, tuned=False, n_clips=90, n_artists=20).write(tmp_path / "runs" / "losses", study)
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    *statements, last = code.strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(statements), names)
    assert [one for one, _ in eval(last, names)] == [one.id for one in study.hypotheses]
    assert (tmp_path / "forest.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("module", [frames, plots])
def test_every_table_and_figure_is_in_the_readme(module: ModuleType) -> None:
    table = README.split("## In a notebook")[1].split("\n## ")[0]
    own = {name for name, one in inspect.getmembers(module, inspect.isfunction) if one.__module__ == module.__name__}
    offered = {name for name in own if not name.startswith("_")} - {"run_of", "summary_of"}
    assert offered <= set(re.findall(r"`(\w+)", table))

"""The README's tables name what there is."""

import re
from pathlib import Path

import pytest

from tagsearch.cli import cli
from tagsearch.registry import COMPONENTS, CORPORA, TRAINING
from tagsearch.study.shipped import shipped_studies

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

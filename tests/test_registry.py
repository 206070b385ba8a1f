"""Knobs and sizes in the registry."""

import inspect

import pytest

from tagsearch import registry
from tagsearch.registry import Knob

N_MOST = Knob(default="top50", reason="", pattern=r"all|top[1-9][0-9]*", form="all or top<N>")
CORPORA = sorted(registry.CORPORA)


@pytest.mark.parametrize("value", ["all", "top1", "top50", "top188"])
def test_a_name_of_the_pattern_is_fine(value: str) -> None:
    assert N_MOST.complaint(value) is None


@pytest.mark.parametrize("value", ["topp", "top", "top0", "top05", "top-1", "top50 ", "All", "", "50"])
def test_a_name_outside_the_pattern_is_refused_in_words(value: str) -> None:
    assert N_MOST.complaint(value) == f"must be all or top<N>, not {value!r}"


def test_a_pattern_does_not_excuse_another_type() -> None:
    assert N_MOST.complaint(50) == "must be a name, not 50"


@pytest.mark.parametrize("name", CORPORA)
def test_every_default_of_a_corpus_is_a_value_that_its_knob_allows(name: str) -> None:
    assert [knob.complaint(knob.default) for knob in registry.CORPORA[name].knobs.values()] == [
        None for _ in registry.CORPORA[name].knobs
    ]


@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_is_loaded_by_its_knobs_and_nothing_else(name: str) -> None:
    entry = registry.CORPORA[name]
    parameters = inspect.signature(entry.load()).parameters
    assert set(parameters) == {"cache", "progress", *entry.knobs}


@pytest.mark.parametrize("name", [name for name in CORPORA if not registry.CORPORA[name].measure])
def test_the_size_of_every_corpus_is_known_for_every_choice_it_depends_on(name: str) -> None:
    entry = registry.CORPORA[name]
    defaults = {knob: spec.default for knob, spec in entry.knobs.items()}
    choices = entry.knobs[entry.size_knob].choices if entry.size_knob else ("",)
    sizes = [entry.size(defaults | ({entry.size_knob: choice} if entry.size_knob else {})) for choice in choices or ()]
    assert len(sizes) == len(entry.sizes) > 0
    assert all(size.train > size.test > 0 < size.valid for size in sizes)

"""Every component by name: where its class lives, its knobs, and where it comes from.

This package is the one place of a knob's default, range and reason, and it needs neither torch nor ray: the study
checker and the planner read it in milliseconds. A class is imported when `load` is asked for it. To add a component,
write one file and one entry in its family's module here; the contract tests run over every entry by themselves.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Literal, TypeVar

from tagsearch.errors import UnknownNameError
from tagsearch.registry.corpora import CORPORA, DATA
from tagsearch.registry.entries import CorpusEntry, CorpusSize, Entry, Knob, ModelEntry, Scalar, most_frequent
from tagsearch.registry.front_ends import FrontEndFacts
from tagsearch.registry.losses import LOSSES
from tagsearch.registry.models import MODELS
from tagsearch.registry.samplers import AUGMENTATIONS, SAMPLERS
from tagsearch.registry.training import OPTIMIZERS, SCHEDULES, TRAINING

__all__ = [
    "AUGMENTATIONS",
    "COMPONENTS",
    "CORPORA",
    "DATA",
    "DEFAULT_COMPONENTS",
    "LOSSES",
    "MODELS",
    "OBJECTIVES",
    "OPTIMIZERS",
    "SAMPLERS",
    "SCHEDULES",
    "TRAINING",
    "CorpusEntry",
    "CorpusSize",
    "Direction",
    "Entry",
    "FrontEndFacts",
    "Knob",
    "ModelEntry",
    "Scalar",
    "corpus_entry",
    "did_you_mean",
    "entry",
    "model_entry",
    "most_frequent",
]

COMPONENTS: dict[str, Mapping[str, Entry]] = {
    "model": MODELS,
    "loss": LOSSES,
    "sampler": SAMPLERS,
    "augment": AUGMENTATIONS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
}
DEFAULT_COMPONENTS = {
    "model": "cnn1d",
    "loss": "bce",
    "sampler": "shuffle",
    "augment": "none",
    "optimizer": "sgd",
    "schedule": "constant",
}

Direction = Literal["max", "min"]
OBJECTIVES: dict[str, Direction] = {"valid/pr_auc": "max", "valid/roc_auc": "max", "valid/loss": "min"}


E = TypeVar("E", bound=Entry)


def entry(kind: str, name: str) -> Entry:
    """The entry of component `name`; `kind` is a key of COMPONENTS or "corpus".

    Raises UnknownNameError with the nearest names."""
    return _found(kind, name, CORPORA if kind == "corpus" else COMPONENTS[kind])


def model_entry(name: str) -> ModelEntry:
    """Raises UnknownNameError with the nearest names."""
    return _found("model", name, MODELS)


def corpus_entry(name: str) -> CorpusEntry:
    """Raises UnknownNameError with the nearest names."""
    return _found("corpus", name, CORPORA)


def _found(kind: str, name: str, entries: Mapping[str, E]) -> E:
    if name not in entries:
        raise UnknownNameError(f"no {kind} is called {name!r}{did_you_mean(name, entries)}")
    return entries[name]


def did_you_mean(name: str, known: Mapping[str, object] | list[str] | tuple[str, ...]) -> str:
    """The tail of an error message: the nearest known name, then all of them."""
    nearest = get_close_matches(str(name), list(known), n=1, cutoff=0.5)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ";"
    return f"{hint} known: {', '.join(sorted(map(str, known)))}"

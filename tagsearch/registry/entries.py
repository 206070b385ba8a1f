"""What is known of a component without importing it: its knobs, where its class lives, where it comes from."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

from tagsearch.registry.front_ends import FrontEndFacts

Scalar = bool | int | float | str


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One setting of a component. `low` and `high` are inclusive; `choices` replaces them for names, or `pattern`, a
    regular expression for the whole name, with `form`, the same in words."""

    default: Scalar
    reason: str  # why this default
    low: float | None = None
    high: float | None = None
    choices: tuple[Scalar, ...] | None = None
    pattern: str | None = None
    form: str = ""
    is_path: bool = False  # a file or folder: kept absolute, so that a run goes on from any folder

    @property
    def type(self) -> type:
        return type(self.default)

    def complaint(self, value: object) -> str | None:
        """What is wrong with `value`, in words that follow the knob's name; None if nothing is."""
        wanted = self.type
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not wanted:
            return f"must be {_TYPE_WORDS[wanted]}, not {value!r}"
        if "\0" in str(value):
            return f"must hold no null byte, as {value!r} does"
        if self.choices is not None and value not in self.choices:
            return f"must be one of {', '.join(map(str, self.choices))}, not {value!r}"
        if self.pattern is not None and not re.fullmatch(self.pattern, str(value)):
            return f"must be {self.form}, not {value!r}"
        if wanted in (int, float) and not _within(value, self.low, self.high):
            return f"must lie in {self.range_text()}, not {value!r}"
        return None

    def range_text(self) -> str:
        low = "-inf" if self.low is None else f"{self.low:g}"
        high = "inf" if self.high is None else f"{self.high:g}"
        return f"[{low}, {high}]"


def _within(value: Any, low: float | None, high: float | None) -> bool:
    return math.isfinite(value) and (low is None or value >= low) and (high is None or value <= high)


_TYPE_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a name"}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One component. `corrects_frequency` (losses, samplers): it makes up for rare tags, so that a loss and a sampler
    that both do so do it twice. `needs_front_end` (augmentations): the kinds it works on, empty if any.
    `needs_optimizer` (schedules): the optimizers it goes with, empty if any."""

    target: str  # "module:attribute"
    summary: str
    source: str
    knobs: Mapping[str, Knob] = field(default_factory=dict)
    corrects_frequency: bool = False
    needs_front_end: tuple[str, ...] = ()
    needs_optimizer: tuple[str, ...] = ()

    def load(self) -> Any:
        return _imported(self.target)


@dataclass(frozen=True, kw_only=True)
class ModelEntry(Entry):
    """`front_end`: what it hears. `mega_macs`: multiply-accumulates of one chunk at the default knobs, in millions;
    `macs_knob`: the width knob whose square it grows with. `chunk_seconds`: how much it hears at once, where that is no
    knob (of that name) of its own. `core_ms`: milliseconds that one core takes to train on one chunk at the default
    knobs, measured (`tagsearch models list --measure`), for predictions. `min_batch`: clips that a training batch needs
    at least: 2 where a batch norm has one value a clip, and the variance of a single value would make all outputs the
    same."""

    front_end: FrontEndFacts
    mega_macs: float
    core_ms: float
    macs_knob: str
    chunk_seconds: float = 0.0
    min_batch: int = 1

    @property
    def default_chunk_seconds(self) -> float:
        """How much it hears at once at its default knobs."""
        knob = self.knobs.get("chunk_seconds")
        return float(knob.default) if knob else self.chunk_seconds


@dataclass(frozen=True, kw_only=True)
class CorpusSize:
    """Clips by split, the length of one, and tags, for predictions; what there is is counted when it is opened.
    `test_artists`: of the test split, None if unknown."""

    train: int
    valid: int
    test: int
    clip_seconds: float
    n_tags: int
    test_artists: int | None = None


@dataclass(frozen=True, kw_only=True)
class CorpusEntry(Entry):
    """`sizes`: by the value of the knob that `size_knob` names ("" without one); or `measure`: a "module:attribute"
    that tells the size from all knobs. Both with all tags, of which a knob called `tags` may choose some."""

    sizes: Mapping[str, CorpusSize] = field(default_factory=dict)
    size_knob: str | None = None
    measure: str = ""

    def size(self, knobs: Mapping[str, Scalar]) -> CorpusSize:
        """With every knob in `knobs`. Raises CorpusError if it has to be measured and cannot be."""
        size: CorpusSize
        if self.measure:
            size = _imported(self.measure)(**knobs)
        else:
            size = self.sizes[str(knobs[self.size_knob]) if self.size_knob else ""]
        wanted = most_frequent(str(knobs["tags"])) if "tags" in knobs else None
        return size if wanted is None else replace(size, n_tags=min(wanted, size.n_tags))


def most_frequent(tags: str) -> int | None:
    """The N of the setting `top<N>`; None for `all`."""
    return None if tags == "all" else int(tags.removeprefix("top"))


def _imported(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)

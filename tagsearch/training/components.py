"""From a configuration to the components it names."""

from typing import Any

from tagsearch import registry
from tagsearch.records import Config


def component(kind: str, config: Config, *arguments: Any, **named: Any) -> Any:
    """The component that `config` chooses for `kind`, built with its knobs."""
    entry = registry.entry(kind, str(config[kind]))
    knobs = {knob: config[f"{kind}.{knob}"] for knob in entry.knobs}
    return entry.load()(*arguments, **named, **knobs)

"""Trial configurations: flat mappings that hold exactly the knobs of their components (see tagsearch.registry)."""

from tagsearch.records import Config, Scalar
from tagsearch.registry import COMPONENTS, entry


def with_value(config: Config, name: str, value: Scalar) -> Config:
    """`config` with one setting changed. A new component brings its knobs' defaults and takes the old one's away."""
    if name not in COMPONENTS:
        return {**config, name: value}
    kept = {key: old for key, old in config.items() if not key.startswith(f"{name}.")}
    knobs = {f"{name}.{knob}": declared.default for knob, declared in entry(name, str(value)).knobs.items()}
    return {**kept, name: value, **knobs}

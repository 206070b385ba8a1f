"""Which arms' seeds belong together: those of one architecture, where a seed draws the same initial weights and crops.

Decided by the configurations, never by the scores."""

from collections.abc import Sequence

from tagsearch.records import Config


def are_paired(configs: Sequence[Config]) -> bool:
    """Whether arms of these configurations share their seeds by design."""
    architectures = [_architecture(config) for config in configs]
    return all(one == architectures[0] for one in architectures)


def _architecture(config: Config) -> Config:
    return {name: value for name, value in config.items() if name.split(".")[0] == "model"}

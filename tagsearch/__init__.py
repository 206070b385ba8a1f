"""tagsearch: does it really make music auto-tagging better? Studies on Ray Tune, verdicts one can trust."""

__version__ = "0.1.0"

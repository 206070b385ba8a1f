"""Models tag by tag, and clip by clip."""

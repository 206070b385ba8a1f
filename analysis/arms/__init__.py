"""The arms beside each other: tables, forest, learning curves, how they were trained."""

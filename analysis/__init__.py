"""Comparison tables and verdicts from the run folders that tagsearch leaves. Needs neither ray nor torch."""

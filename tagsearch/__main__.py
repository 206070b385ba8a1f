"""`python -m tagsearch`."""

from tagsearch.cli import main

main()

"""Joining a cluster."""

import pytest

from tagsearch.errors import UsageError
from tagsearch.search.ray_session import ray_session


def test_an_address_that_is_none_is_one_line_whose_way_on_overrules_ray_address_too() -> None:
    refusal = r"^no Ray cluster .* --address rubbish: .*, or run on this machine with --address local$"
    with pytest.raises(UsageError, match=refusal), ray_session(address="rubbish"):
        raise AssertionError("it was joined")

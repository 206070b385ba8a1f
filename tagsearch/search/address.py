"""What --address and RAY_ADDRESS may say of a run, and what follows for its messages. Needs no ray."""

import platform
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tagsearch.errors import MissingCorpusError, UsageError

_TIMEOUT_S = 5.0


def check_address(address: str, *, typed: str) -> None:
    """Raises UsageError unless a run can join the cluster at `address` from here, as far as can be seen at once; Ray
    itself would try for minutes. `typed`: what the user said, for the message."""
    if "://" in address:
        raise UsageError(
            f"{typed}: a run joins a cluster from one of its machines (auto, or HOST:PORT); from elsewhere "
            "`tagsearch submit` hands it over, and --address local runs it here"
        )
    host, colon, port = address.rpartition(":")
    if not colon:  # auto, or a name that Ray will refuse
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT_S).close()
    except (OSError, ValueError, OverflowError) as error:
        raise UsageError(
            f"{typed}: no Ray cluster answers there ({error}); give auto or HOST:PORT of its head, or --address local"
        ) from error


@contextmanager
def machine_named(address: str | None) -> Iterator[None]:
    """On a cluster, whose machines have disks of their own, a corpus that is missing is missing on this one."""
    try:
        yield
    except MissingCorpusError as error:
        if address in (None, "local"):
            raise
        raise MissingCorpusError(f"machine {platform.node()}: {error}") from error

"""What --address and RAY_ADDRESS may say of a run, looked at before anything starts. Needs no ray."""

import socket

from tagsearch.errors import UsageError

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

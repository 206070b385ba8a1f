"""What others on this machine, or who reaches its ports, could do with a run's storage and with Ray."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

TOKEN = "~/.ray/auth_token"  # where Ray makes it, with the rights that the umask leaves


def exposures(storage: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """One sentence each, with the way on. `environment`: variables of the process."""
    token = Path(environment.get("RAY_AUTH_TOKEN_PATH") or TOKEN).expanduser()
    if _others_may(stat.S_IROTH, token):
        yield f"every user of this machine can read {token}, and whoever has it runs code on the cluster; chmod 600 it"
    if _others_may(stat.S_IWOTH, storage):
        yield f"every user of this machine can write to {storage}, and so change results; chmod o-w it"
    if environment.get("RAY_AUTH_MODE", "token").lower() != "token":
        yield "RAY_AUTH_MODE asks for no token: whoever reaches Ray's ports runs code as you; unset it"


def _others_may(right: int, path: Path) -> bool:
    """Whether users who are neither the owner nor in the group have that right, and get there."""
    path = path.absolute()
    try:
        return bool(path.stat().st_mode & right) and all(one.stat().st_mode & stat.S_IXOTH for one in path.parents)
    except OSError:  # not there, or nowhere that we get ourselves
        return False

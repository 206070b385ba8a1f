"""The files that come with tagsearch: studies, how one named on the command line is found, and the pinned versions."""

from pathlib import Path

from tagsearch.errors import UsageError
from tagsearch.registry import did_you_mean

_PACKAGE = (
    Path(__file__).resolve().parents[1]
)  # holds such files in an installed wheel; in a checkout they are beside it


def shipped_folder() -> Path:
    """`search_spaces/`: inside the package in an installed wheel, beside it in a checkout."""
    inside = _PACKAGE / "search_spaces"
    return inside if inside.is_dir() else _PACKAGE.parent / "search_spaces"


def shipped_studies() -> dict[str, Path]:
    """Name without `.yaml` -> file."""
    return {path.stem: path for path in sorted(shipped_folder().glob("*.yaml"))}


def pinned_versions() -> dict[str, str]:
    """Package -> the version that tagsearch is tested with, from constraints.txt."""
    inside = _PACKAGE / "constraints.txt"
    lines = (inside if inside.is_file() else _PACKAGE.parent / "constraints.txt").read_text().splitlines()
    pins = (line.partition("#")[0].strip().partition("==") for line in lines)
    return {name: pinned for name, equals, pinned in pins if equals}


def find_study(argument: str) -> tuple[Path, str | None]:
    """The study file that `argument` means, and the line to print if it is not the path that was typed.

    A path that exists is taken; else a shipped study of that file name. Raises UsageError if there is neither."""
    path, shipped = Path(argument), shipped_studies()
    if _exists(path) and not (path.is_dir() and argument in shipped):  # a folder `losses/` hides no study
        return path, None
    if path.suffix not in ("", ".yaml", ".yml") or path.stem not in shipped:
        raise UsageError(
            f"{argument!r} does not exist, and no shipped study has that name{did_you_mean(path.stem, shipped)}"
        )
    return shipped[path.stem], f"{argument} not found; using the shipped {path.stem}.yaml"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long for the file system, or with a null byte
        return False

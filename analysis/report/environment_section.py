"""Section "Environment": on what, with what and by which command the run was made, from its environment.json."""

from collections.abc import Iterator, Mapping
from typing import Any

from analysis.report.grids import Grid
from analysis.report.sections import Part, Section, Text
from analysis.rundata import RunData
from tagsearch.errors import RecordError
from tagsearch.files import read_json

DIRTY = "with changes that were not committed: this code is nowhere but on the machine it ran on"


def environment(run: RunData) -> Mapping[str, Any] | None:
    """environment.json as it is; None without one. Raises RecordError if it is damaged."""
    path = run.folder / "environment.json"
    if not path.exists():
        return None
    content = read_json(path)
    if not isinstance(content, dict):
        raise RecordError(f"{path} is damaged: it holds {content!r}, not a mapping")
    return content


def started(run: RunData) -> str:
    """When the run began; empty if that is not known."""
    try:
        return str((environment(run) or {}).get("started") or "")
    except RecordError:
        return ""


def environment_section(run: RunData) -> Section:
    """Anchor "environment"."""
    try:
        found = environment(run)
    except RecordError as error:
        return _section(Text(lines=(str(error),)))
    if found is None:
        return _section(Text(lines=("This run has no environment.json: where it was made is not known.",)))
    rows = tuple((name, value) for name, value in _lines(found) if value)
    return _section(Grid(title="Where and with what", head=("what", "value"), rows=rows, right=(False, False)))


def _section(part: Part) -> Section:
    return Section(anchor="environment", title="Environment", parts=[part])


def _lines(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    corpus = found.get("corpus") or {}
    yield "started", _told(found.get("started"))
    yield "command", " ".join(map(str, found.get("command") or ()))
    yield "tagsearch", _told(found.get("tagsearch"))
    yield "git commit", _commit(found.get("git"))
    yield "device", _told(found.get("device"))
    yield "processors", _told(found.get("n_cpus"))
    yield "platform", _told(found.get("platform"))
    yield "corpus", _told(corpus.get("name"))
    yield "corpus fingerprint", _told(corpus.get("fingerprint"))
    yield "Python", _told(found.get("python"))
    yield from ((str(name), _told(version)) for name, version in (found.get("packages") or {}).items())


def _commit(git: Mapping[str, Any] | None) -> str:
    if not git:
        return "not known: the code was not in a git repository"
    return f"{git.get('commit')}, {DIRTY}" if git.get("dirty") else f"{git.get('commit')}, nothing uncommitted"


def _told(value: object) -> str:
    return "" if value is None else str(value)

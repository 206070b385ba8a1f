"""By what a trial was trained: the code that its configuration runs, and what runs that code.

`trained_by.jsonl` in the trial's folder is written by the trial's own process, a JSON object for each time that it
began with something else than before:

    {"device": "cpu", "python": "3.11", "torch": "2.11.0", "losses/bce.py": "3f0c51aa", "training/loop.py": ...}

The files are those of the package that the training of this configuration imports, its own components' among them: a
loss that is added or changed leaves the trials of all other losses what they are. Hashes are of what a file does:
comments and docstrings don't count.
"""

import ast
import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path

from tagsearch.errors import RecordError
from tagsearch.files import append_line
from tagsearch.records import Config
from tagsearch.registry import COMPONENTS

TRAINED_BY_FILE = "trained_by.jsonl"
TrainedBy = Mapping[str, str]
_PACKAGE = Path(__file__).parent.parent
_LOOP = "tagsearch.training.loop"
_NO_TRAINING = ("__init__", "errors", "excerpts", "files", "readings", "registry", "study")  # how files and studies are
_SHOWN = 3  # files named in a sentence


def trained_by(config: Config, *, device: str) -> TrainedBy:
    """What this process would train `config` by. `device`: "cpu" or "cuda"."""
    targets = {COMPONENTS[kind][str(config[kind])].target.partition(":")[0] for kind in COMPONENTS if kind in config}
    return {"device": device, **_machine(), **_files(frozenset({_LOOP, *targets}))}


@cache
def _machine() -> TrainedBy:
    return {"python": ".".join(platform.python_version_tuple()[:2]), "torch": version("torch")}


def note_trained_by(folder: Path, now: TrainedBy) -> None:
    """To be called before a trial's first epoch, also of one that goes on from its checkpoint."""
    if read_trained_by(folder)[-1:] != (now,):
        append_line(folder / TRAINED_BY_FILE, json.dumps(now, sort_keys=True))


def read_trained_by(folder: Path) -> tuple[TrainedBy, ...]:
    """Of a trial, in the order of time; empty where an older tagsearch noted none. A torn last line began nothing.

    Raises RecordError if the file is damaged."""
    path = folder / TRAINED_BY_FILE
    if not path.exists():
        return ()
    try:
        found = tuple(json.loads(line) for line in path.read_bytes().split(b"\n")[:-1])
    except ValueError as error:
        raise RecordError(f"{path} is damaged: {error}") from error
    if not all(isinstance(one, dict) for one in found):
        raise RecordError(f"{path} is damaged: a line is no mapping")
    return found


def differing(*all_of_them: TrainedBy) -> tuple[str, ...]:
    """Names of what is not the same in all of them; a file that one of them did without is no difference."""
    names = dict.fromkeys(name for one in all_of_them for name in one)
    return tuple(name for name in names if len({one[name] for one in all_of_them if name in one}) > 1)


def difference(now: TrainedBy, then: TrainedBy) -> str:
    """Why `then` does not stand for `now`, as a clause; empty if it does."""
    odd = [name for name in {**now, **then} if now.get(name) != then.get(name)]
    if facts := [name for name in odd if not name.endswith(".py")]:
        return "; ".join(f"trained by {_fact(name, then)}, and this is {_fact(name, now)}" for name in facts)
    return f"the code that trains it has changed: {named(odd)}" if odd else ""


def named(names: list[str]) -> str:
    """The first few, and how many more."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _fact(name: str, of: TrainedBy) -> str:
    value = of.get(name, "something unknown")
    return value if name == "device" else f"{name} {value}"


# --- code ------------------------------------------------------------------------------------------------------------


@cache
def _files(modules: frozenset[str]) -> Mapping[str, str]:
    """Hashes of the files of `modules` and of all that they import of the package, by name within it."""
    found: dict[str, str] = {}
    waiting = sorted(modules)
    while waiting:
        path = _file(waiting.pop())
        if path is None or (name := path.relative_to(_PACKAGE).as_posix()) in found:
            continue
        found[name], imports = _read(path)
        waiting += imports
    return dict(sorted(found.items()))


def _file(module: str) -> Path | None:
    """None for what is no module of the package, or none that trains."""
    package, *parts = module.split(".")
    if package != "tagsearch" or not parts or parts[0] in _NO_TRAINING:
        return None
    path = _PACKAGE.joinpath(*parts)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    """A file's hash, and what it imports."""
    tree = ast.parse(path.read_bytes())
    imports = tuple(_imports(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:8], imports


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)

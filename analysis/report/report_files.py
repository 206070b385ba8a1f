"""The files of a report: all of them replaced, and those of an earlier report that this one has no more taken away.

The new ones are all on the disk before the first is put in its place: a disk that fills up leaves the old report whole.

files.json lists what tagsearch wrote into the folder. A file that is not in it is somebody else's and stays.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tagsearch.errors import RecordError
from tagsearch.files import read_json, write_bytes, write_json

MANIFEST = "files.json"
_NEW = ".new"  # folder of files on their way


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` into `folder`, made when missing. Until all are written the list names the old and the new ones:
    whenever this is cut off, the next report knows what is left over."""
    earlier = written(folder)
    shutil.rmtree(folder / _NEW, ignore_errors=True)
    try:
        for name, content in files.items():
            write_bytes(folder / _NEW / name, content)
        write_json(folder / MANIFEST, sorted({*earlier, *files}))
        for name in files:
            (folder / _NEW / name).replace(folder / name)
    finally:
        shutil.rmtree(folder / _NEW, ignore_errors=True)
    for name in earlier - set(files):
        (folder / name).unlink(missing_ok=True)
    write_json(folder / MANIFEST, sorted(files))


def written(folder: Path) -> set[str]:
    """Names of the files that an earlier report wrote; a damaged list names none."""
    try:
        listed: Any = read_json(folder / MANIFEST)
    except RecordError:
        return set()
    return {name for name in listed if _is_plain(name)} if isinstance(listed, list) else set()


def _is_plain(name: object) -> bool:
    """Of a file in the folder itself: nothing outside it is ever taken away."""
    return isinstance(name, str) and name not in ("", ".", "..", MANIFEST) and Path(name).name == name

"""What lies in a cache and no run needs any more: found, told and removed.

Nothing is lost with it but time: what a study needs again is composed or computed again. Only files that tagsearch
makes, by their places and names, are ever waste; what a process has locked is not, nor what is younger than an hour,
as a run that is being started is not yet there to say what it needs.

Conventions: `n_bytes` are those of the files; a Waste's files are removed in their order, so that a removal cut off
leaves what the next one, or the next build, takes for a leftover.
"""

import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from tagsearch.data.audio import Source, source_of
from tagsearch.data.building import holder_file
from tagsearch.data.builtin.make import DESCRIPTION
from tagsearch.data.corpus import BAD_FILES
from tagsearch.data.features import VIEWS, files_of, view_name
from tagsearch.data.mtat import ANNOTATIONS
from tagsearch.data.shards import sources_of
from tagsearch.data.store import AUDIO_FOLDER, leftovers
from tagsearch.errors import BadAudioError, CorpusError, RecordError

_FRESH_S = 3600.0
_HASH = re.compile(r"[0-9a-f]{16}")  # the name of a shard or a view
_PART = re.compile(r"\.?[0-9a-f]{16}\.")
_STORE = re.compile(r".+-[0-9a-f]{8}-(log_mel|waveform)\d+-[0-9a-f]{8}")
_CORPUS = re.compile(r"(builtin-([a-z]+)-s(\d+)-v\d+-)[0-9a-f]{8}")
_DRAFT = re.compile(r"\.(builtin-[a-z]+-s\d+-v\d+-)draft")
_CLIP = re.compile(r"[0-9a-f]/[^/]+\.flac")


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Of the runs of a storage. `fingerprints`: of the tables of those that may go on; `corpora`: size and seed of the
    built-in corpora of all; `unknown`: names of runs that cannot be read, whose needs may be anything."""

    fingerprints: frozenset[str] = frozenset()
    corpora: frozenset[tuple[str, int]] = frozenset()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Waste:
    """`lock`: who has it may use the files; `folders`: removed, too, where they are empty then."""

    what: str
    files: tuple[Path, ...]
    lock: Path
    folders: tuple[Path, ...] = ()
    n_bytes: int = 0


@dataclass(kw_only=True)
class _Found:
    waste: list[Waste] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def add(self, what: str, files: Iterable[Path], *, lock: Path, folders: Iterable[Path] = ()) -> None:
        present = tuple(files)
        if present:
            n_bytes = sum(path.stat().st_size for path in present)
            self.waste.append(Waste(what=what, files=present, lock=lock, folders=tuple(folders), n_bytes=n_bytes))


def find_waste(cache: Path, needs: Needs) -> tuple[list[Waste], list[str]]:
    """And a line about whatever is kept because nobody knows, or somebody uses it."""
    found = _Found()
    if needs.unknown:
        found.kept.append(f"what {', '.join(needs.unknown)} needs: it cannot be read; mend or remove it")
    gone = set(_corpora(cache / "corpora", needs, found))
    for folder in _folders(cache / "features", _STORE):
        if _locked(folder / ".lock"):
            found.kept.append(f"{folder}: it is being written")
        else:
            _store(folder, needs, gone, found)
    return found.waste, found.kept


def remove(waste: Waste) -> bool:
    """False if somebody has begun to use it. Raises CorpusError if it cannot be removed."""
    try:
        with FileLock(waste.lock, timeout=0):
            for path in waste.files:
                path.unlink(missing_ok=True)
    except Timeout:
        return False
    except OSError as error:
        raise CorpusError(f"cannot remove {waste.what}: {error.strerror or error}; see to its permissions") from error
    for folder in waste.folders:
        with suppress(OSError):  # somebody put something there
            folder.rmdir()
    return True


# --- the corpora that tagsearch makes --------------------------------------------------------------------------------


def _corpora(folder: Path, needs: Needs, found: _Found) -> Iterator[Path]:
    """Those that are waste."""
    for draft in _folders(folder, _DRAFT):
        lock = folder / f".{_match(_DRAFT, draft)[1]}lock"
        if not _locked(lock):
            _corpus(draft, f"a part of a corpus, left by a process that was killed: {draft}", lock, found)
    for corpus in _folders(folder, _CORPUS):
        stem, size, seed = _match(_CORPUS, corpus).groups()
        lock = folder / f".{stem}lock"
        needed = needs.unknown or (size, int(seed)) in needs.corpora or _fresh(corpus)
        if (needed and (corpus / DESCRIPTION).exists()) or _locked(lock):
            continue
        if _corpus(corpus, f"corpus {corpus.name}, which no run uses", lock, found):
            yield corpus.resolve()


def _corpus(folder: Path, what: str, lock: Path, found: _Found) -> bool:
    """Whether its files are waste: not if anything else lies among them."""
    files = [path for path in sorted(folder.rglob("*")) if not path.is_dir()]
    names = [path.relative_to(folder).as_posix() for path in files]
    if foreign := [name for name in names if name not in (DESCRIPTION, ANNOTATIONS) and not _CLIP.fullmatch(name)]:
        found.kept.append(f"{folder}: {foreign[0]} is not tagsearch's")
        return False
    files.sort(key=lambda path: path.name != DESCRIPTION)  # without it, the folder is no corpus any more
    found.add(what, files, lock=lock, folders=[*{path.parent for path in files} - {folder}, folder])
    return True


# --- stores of features ----------------------------------------------------------------------------------------------


def _store(folder: Path, needs: Needs, gone: set[Path], found: _Found) -> None:
    root, lock = _audio_folder(folder), folder / ".lock"
    parts = [path for path in leftovers(folder) if _PART.match(path.name)]
    found.add(f"parts of features, left by processes that were killed: {folder}", parts, lock=lock)
    views = [path for path in sorted((folder / VIEWS).glob("*.npz")) if _HASH.fullmatch(path.stem)]
    needed = {view_name(fingerprint) for fingerprint in needs.fingerprints}
    kept = [path for path in views if needs.unknown or path.name in needed or _fresh(path)]
    found.add(
        f"views that no unfinished run has: {folder / VIEWS}", [path for path in views if path not in kept], lock=lock
    )
    if root is None:
        found.kept.append(f"{folder}: whose audio it is of is not known; `tagsearch data prepare` notes it")
        return
    lost = root in gone or not root.is_dir()
    why = "which is not there" if lost else "whose files are gone or were changed"
    shards = [path for path in sorted(folder.glob("*.json")) if _HASH.fullmatch(path.stem)]
    in_use = {path.stem for view in kept for path in _shards(view)}
    stale = [path for path in shards if path.stem not in in_use and (lost or _is_stale(path, root))]
    files = [part for path in stale for part in (path, path.with_suffix(".bin")) if part.exists()]
    if lost and len(stale) == len(shards) and not kept:
        files += [
            path for path in (folder / BAD_FILES, folder / AUDIO_FOLDER, holder_file(lock), lock) if path.exists()
        ]
    found.add(
        f"features of audio in {root}, {why}: {folder}",
        files,
        lock=lock,
        folders=[folder / VIEWS, folder] if lost else (),
    )


def _audio_folder(folder: Path) -> Path | None:
    try:
        return Path(os.fsdecode((folder / AUDIO_FOLDER).read_bytes()))
    except OSError:
        return None


def _shards(view: Path) -> list[Path]:
    try:
        return files_of(view)[1:]
    except RecordError:
        return []


def _is_stale(shard: Path, root: Path) -> bool:
    """Whether not one of its files is as it was."""
    sources = sources_of(shard)
    return sources is None or not any(_is_there(source, root) for source in sources)


def _is_there(source: Source, root: Path) -> bool:
    try:
        return source_of(root, source.path) == source
    except BadAudioError as error:
        return error.reason != "missing"  # a disk that does not answer, or a permission, may pass


# --- ------------------------------------------------------------------------------------------------------------------


def _folders(folder: Path, name: re.Pattern[str]) -> list[Path]:
    return [path for path in sorted(folder.glob("*")) if name.fullmatch(path.name) and path.is_dir()]


def _match(name: re.Pattern[str], folder: Path) -> re.Match[str]:
    matched = name.fullmatch(folder.name)
    assert matched is not None
    return matched


def _fresh(path: Path) -> bool:
    return time.time() - path.stat().st_mtime < _FRESH_S


def _locked(lock: Path) -> bool:
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True

"""The store of a corpus's features for one front end: it grows shard by shard and is shared by all studies.

Layout: `cache/features/<audio folder>-<key>-<front end>/` holds shards (see tagsearch.data.shards) and `views/` (see
tagsearch.data.features). The key stands for the place of the audio and for what else decides a block beside file and
front end; labels, splits and tags are not in it. A clip is known by its path, size and time of change: another tag set
or split takes what is there and adds what is missing, and a changed file is computed anew.

Processes write whole shards and rename them into place, so a kill loses the shards under work and no others; the next
`prepare` goes on. A lock lets one process build at a time.
"""

import hashlib
import json
import logging
import os
import re
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tagsearch.data.audio import Source, source_of
from tagsearch.data.building import building
from tagsearch.data.corpus import BadFile, OpenCorpus, Progress
from tagsearch.data.frontend import FrontEnd
from tagsearch.data.processes import n_cores, obey_parent, refuse_unguarded_script, worker_pool
from tagsearch.data.shards import FORMAT, Place, Shard, ShardTask, complaint, read_shard, remove_shard, write_shard
from tagsearch.errors import BadAudioError, CorpusError
from tagsearch.files import write_bytes

log = logging.getLogger(__name__)

AUDIO_FOLDER = "audio_folder.txt"  # in a store: the path of the corpus folder, of which its name holds a hash
_CLIPS_PER_SHARD = 64  # a second of work: what a kill loses; 22 MB of log-mels of 29 s clips
_IN_PROCESS = 64  # up to so many clips, starting processes would take longer than the work


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A corpus's features are in `folder`, but for the `bad` files. places: by path."""

    folder: Path
    front_end: FrontEnd
    bad: tuple[BadFile, ...]
    places: Mapping[str, Place]

    @property
    def n_frames(self) -> Mapping[str, int]:
        return {path: place.n_frames for path, place in self.places.items()}


def store_folder(cache: Path, corpus: OpenCorpus, front_end: FrontEnd) -> Path:
    root = corpus.root.resolve()
    key = hashlib.sha256(json.dumps([FORMAT, str(root), corpus.sample_rate]).encode()).hexdigest()
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", root.name)[:40]  # for people
    return cache / "features" / f"{name}-{key[:8]}-{front_end.key()}"


def prepare(corpus: OpenCorpus, front_end: FrontEnd, *, cache: Path, progress: Progress) -> Prepared:
    """Compute what is missing or damaged. Files that cannot be used are in `bad`, and stop nothing.

    Raises CorpusError if the store cannot be written; what is done is kept."""
    refuse_unguarded_script("features are computed")
    folder = store_folder(cache, corpus, front_end)
    sources, bad = find_sources(corpus)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with building(folder / ".lock", f"the store of {front_end.label} features"):
            if not (folder / AUDIO_FOLDER).exists():
                write_bytes(folder / AUDIO_FOLDER, os.fsencode(corpus.root.resolve()))
            _remove_leftovers(folder)
            shards = _sound_shards(folder, front_end, sources)
            known = {source for shard in shards for source in (*shard.places, *shard.bad)}
            missing = [source for source in sources if source not in known]
            bad |= _build(corpus, front_end, folder, missing, partial(_report, progress, front_end, len(sources)))
            return _prepared(folder, front_end, corpus, sources, bad)
    except OSError as error:
        raise CorpusError(
            f"cannot write features to {folder}: {error.strerror or error}; free space or choose another cache; "
            "what is done is kept"
        ) from error
    except BrokenProcessPool as error:
        raise CorpusError(
            "a process computing features ended early (killed? no memory?); start again: it goes on where it was"
        ) from error


def missing_sources(corpus: OpenCorpus, front_end: FrontEnd, *, cache: Path) -> list[Source]:
    """Files that `prepare` would have to read, as far as a look at the store tells."""
    shards = read_shards(store_folder(cache, corpus, front_end), front_end)
    known = {source for shard in shards.values() if shard for source in (*shard.places, *shard.bad)}
    return [source for source in find_sources(corpus)[0] if source not in known]


def find_sources(corpus: OpenCorpus) -> tuple[list[Source], dict[str, BadFile]]:
    """The corpus's files in order of its table, and those that are none, by path."""
    sources, bad = list[Source](), dict[str, BadFile]()
    for path in corpus.table.paths.tolist():
        try:
            sources.append(source_of(corpus.root, path))
        except BadAudioError as error:
            bad[path] = BadFile(path=path, reason=error.reason, detail=error.detail)
    return sources, bad


def read_shards(folder: Path, front_end: FrontEnd) -> dict[str, Shard | None]:
    """By name; None for one whose .json is damaged."""
    return {path.stem: read_shard(path, front_end) for path in sorted(folder.glob("*.json"))}


def leftovers(folder: Path) -> list[Path]:
    """What killed builds left, if nobody has the store's lock."""
    whole = {path.stem for path in folder.glob("*.json")}
    return [*folder.glob(".*.tmp"), *(path for path in folder.glob("*.bin") if path.stem not in whole)]


def _remove_leftovers(folder: Path) -> None:
    """The caller holds the lock."""
    for path in leftovers(folder):
        path.unlink()


def _sound_shards(folder: Path, front_end: FrontEnd, wanted: Sequence[Source]) -> list[Shard]:
    """Those that hold any of `wanted`, every byte checked; damaged ones are removed with a warning."""
    shards = read_shards(folder, front_end)
    names = set(wanted)
    used = [shard for shard in shards.values() if shard and not names.isdisjoint({*shard.places, *shard.bad})]
    complaints = {name: f"{name}.json is damaged" for name, shard in shards.items() if shard is None}
    with ThreadPoolExecutor(n_cores()) as threads:  # zlib lets others run
        for shard, reason in zip(used, threads.map(partial(complaint, folder), used), strict=True):
            if reason:
                complaints[shard.name] = reason
    for name, reason in complaints.items():
        log.warning("a part of the features in %s is computed anew: %s", folder, reason)
        remove_shard(folder, name)
    return [shard for shard in used if shard.name not in complaints]


def _report(progress: Progress, front_end: FrontEnd, total: int, n_left: int) -> None:
    progress(f"{front_end.label} features", total - n_left, total)


def _build(
    corpus: OpenCorpus, front_end: FrontEnd, folder: Path, missing: Sequence[Source], report: Callable[[int], None]
) -> dict[str, BadFile]:
    """Shards of the `missing` clips; those that could not be read this time, by path. `report`: clips left."""
    if not missing:
        return {}
    n_workers = 1 if len(missing) <= _IN_PROCESS else n_cores()
    size = min(_CLIPS_PER_SHARD, -(-len(missing) // n_workers))
    tasks = [
        ShardTask(
            folder=folder,
            name=uuid.uuid4().hex[:16],  # never one that was: an old view must not meet another shard's blocks
            front_end=front_end,
            root=corpus.root,
            npy_rate=corpus.sample_rate,
            sources=missing[i : i + size],
        )
        for i in range(0, len(missing), size)
    ]
    unread, n_left = dict[str, BadFile](), len(missing)
    report(n_left)
    with closing(_done(tasks, n_workers)) as finished:
        for task, files in finished:
            unread |= {file.path: file for file in files}
            n_left -= len(task.sources)
            report(n_left)
    return unread


def _done(tasks: Sequence[ShardTask], n_workers: int) -> Generator[tuple[ShardTask, tuple[BadFile, ...]]]:
    """Each task when it is done, and what could not be read."""
    if n_workers == 1:
        yield from ((task, write_shard(task)) for task in tasks)
        return
    with worker_pool(min(n_workers, len(tasks)), begin=_begin_worker) as pool:
        futures = {pool.submit(write_shard, task): task for task in tasks}
        yield from ((futures[future], future.result()) for future in as_completed(futures))


def _begin_worker() -> None:
    obey_parent()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libmpg123 remarks on damaged files there, without their names


def _prepared(
    folder: Path, front_end: FrontEnd, corpus: OpenCorpus, sources: Sequence[Source], bad: dict[str, BadFile]
) -> Prepared:
    shards = [shard for shard in read_shards(folder, front_end).values() if shard]
    places = {source: place for shard in shards for source, place in shard.places.items()}
    refused = {source: file for shard in shards for source, file in shard.bad.items()}
    bad = bad | {source.path: refused[source] for source in sources if source in refused}
    order = [path for path in corpus.table.paths.tolist() if path in bad]
    return Prepared(
        folder=folder,
        front_end=front_end,
        bad=tuple(bad[path] for path in order),
        places={source.path: places[source] for source in sources if source in places},
    )

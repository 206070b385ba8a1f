"""What has to hold before a run: one finding a check, each with the way on. Starts nothing.

Ray is asked only where a cluster is named; torch only where the machine has a GPU.
"""

import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from tagsearch.data.decoding import undecodable_formats
from tagsearch.errors import CorpusError, UsageError
from tagsearch.registry import CORPORA
from tagsearch.search.exposure import exposures
from tagsearch.search.placement import Machine, has_gpus, n_slots, room
from tagsearch.search.storage import check_writable
from tagsearch.study.machine import memory_bytes, n_cores
from tagsearch.study.measured import Measured, trials_that_fit
from tagsearch.study.overrides import has_gpu
from tagsearch.study.plan import predict
from tagsearch.study.plan_text import duration
from tagsearch.study.schema import Study
from tagsearch.study.shipped import pinned_versions

Level = Literal["ok", "warning", "problem"]
PYTHONS = ((3, 11), (3, 12))
_PACKAGES = ("torch", "torchaudio", "ray", "optuna")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`level`: "problem" if a run would fail, "warning" if it may."""

    level: Level
    check: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:8} {self.check:10} {self.text}"


def environment() -> Iterator[Finding]:
    """Python and the packages that decide results, against the versions that tagsearch is tested with."""
    known = sys.version_info[:2] in PYTHONS
    supported = " or ".join(f"{major}.{minor}" for major, minor in PYTHONS)
    way_on = "" if known else f"; tagsearch needs {supported}: make an environment with it"
    yield Finding(level="ok" if known else "problem", check="python", text=platform.python_version() + way_on)
    pins = pinned_versions()
    for name in _PACKAGES:
        yield _package(name, pins[name])


def _package(name: str, pinned: str) -> Finding:
    way_on = f"pip install '{name}=={pinned}'"
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding(level="problem", check=name, text=f"is not installed; {way_on}")
    if found.partition("+")[0] != pinned:  # "2.11.0+cpu" is a build of 2.11.0
        return Finding(level="warning", check=name, text=f"{found}, but tagsearch is tested with {pinned}; {way_on}")
    return Finding(level="ok", check=name, text=found)


def this_machine() -> tuple[Machine, list[Finding]]:
    """Its cores, memory and GPUs."""
    found: list[Finding] = []
    gpus: Sequence[tuple[str, int]] = ()
    if has_gpu():
        from tagsearch.training.devices import gpus_here

        gpus = gpus_here()
        if not gpus:
            text = "a GPU is there, but torch cannot use it; install torch's CUDA build and a driver that it knows"
            found.append(Finding(level="problem", check="gpu", text=text))
    machine = Machine(name="this machine", n_cpus=n_cores(), n_gpus=len(gpus), memory_bytes=memory_bytes())
    names = "".join(f"; {name}, {n_bytes / 1e9:.0f} GB" for name, n_bytes in gpus)
    return machine, [Finding(level="ok", check="devices", text=f"{machine}{names}"), *found]


def audio() -> Finding:
    bad = undecodable_formats()
    if bad:
        texts = "; ".join(f"{name}: {why}" for name, why in bad.items())
        way_on = "pip install --force-reinstall soundfile, whose wheel has its own libsndfile"
        return Finding(level="problem", check="audio", text=f"{texts}; {way_on}")
    return Finding(level="ok", check="audio", text="MP3, FLAC and WAV are read")


def storage(folder: Path) -> Finding:
    try:
        free = check_writable(folder)
    except UsageError as error:
        return Finding(level="problem", check="storage", text=str(error))
    return Finding(level="ok", check="storage", text=f"{folder}: written and read back, {free / 1e9:.0f} GB free")


def access(folder: Path) -> list[Finding]:
    """What others could do, if anything."""
    return [Finding(level="warning", check="access", text=text) for text in exposures(folder, os.environ)]


def cluster(address: str, folder: Path) -> tuple[list[Machine], list[Finding]]:
    """The machines of a cluster, each with the storage as it sees it."""
    from tagsearch.search.ray_session import machines, ray_session
    from tagsearch.search.storage_check import storage_complaints

    try:
        with ray_session(address=address):
            there = machines(address=address)
            complaints = storage_complaints(there, folder)
    except UsageError as error:
        return [], [Finding(level="problem", check="cluster", text=str(error))]
    return there, [_machine(machine, complaints.get(machine.node_id)) for machine in there]


def _machine(machine: Machine, complaint: str | None) -> Finding:
    """`complaint`: about the storage; None where nobody was asked."""
    if complaint:
        return Finding(level="problem", check="machine", text=f"{machine.name}: {machine}; storage: {complaint}")
    state = "storage written and read back" if complaint == "" else f"up to {machine.n}, started when trials wait"
    return Finding(level="ok", check="machine", text=f"{machine.name}: {machine}; {state}")


def placement(machines: Sequence[Machine], *, gpus_per_trial: float) -> Finding:
    try:
        n = n_slots(machines, gpus_per_trial=gpus_per_trial)
    except UsageError as error:
        return Finding(level="problem", check="placement", text=str(error))
    share = f" and {gpus_per_trial:g} of a GPU" if gpus_per_trial else ""
    trials = "1 trial" if n == 1 else f"{n} trials"
    return Finding(level="ok", check="placement", text=f"{trials} at a time, with 1 CPU{share} each")


def memory(machines: Sequence[Machine], costs: Sequence[Measured], *, gpus_per_trial: float) -> Iterator[Finding]:
    """Whether what was measured fits: on a CPU into each machine that may be given trials, else into a GPU's share."""
    largest = max(costs, key=lambda one: one.peak_bytes)
    need, smaller = f"{largest.peak_bytes / 1e9:.2f} GB", "lower batch_size or the model's width"
    if largest.on_gpu:
        n, wanted = trials_that_fit(costs), max(1, round(1 / gpus_per_trial)) if gpus_per_trial else 1
        yield _fits(largest.device, n, wanted, need, way_on=f"--gpus-per-trial {1 / max(1, n):g}" if n else smaller)
        return
    for machine in machines:
        wanted = machine.trials(gpus_per_trial)
        if wanted and machine.memory_bytes:
            n = machine.memory_bytes // largest.peak_bytes
            yield _fits(machine.name, n, wanted, need, way_on="lower --max-concurrent" if n else smaller)


def _fits(where: str, n: int, wanted: int, need: str, *, way_on: str) -> Finding:
    text = f"{where} holds {n} trials of {need}, the largest arm's"
    if n >= wanted:
        return Finding(level="ok", check="memory", text=f"{text}; {wanted} at a time are wanted")
    complaint = f"{text}, and would be given {wanted}; {way_on}" if n else f"{where} holds no trial of {need}; {way_on}"
    return Finding(level="warning" if n else "problem", check="memory", text=complaint)


def study(
    made: Study,
    folder: Path,
    machines: Sequence[Machine],
    *,
    gpus_per_trial: float,
    measure: Callable[[], Mapping[str, Measured]] = dict,
) -> Iterator[Finding]:
    """What the study needs of the machines: its corpus, time, the disk and, of what `measure` tells, memory."""
    lacking = list(_missing_corpus(made))
    yield from lacking
    try:
        measured = measure()
        plan = predict(
            made,
            n_slots=room(machines, gpus_per_trial=gpus_per_trial) or None,
            gpus_per_trial=gpus_per_trial,
            gpu_there=has_gpus(machines),
            storage=folder,
            measured=measured,
        )
    except CorpusError as error:
        if not lacking:
            yield Finding(level="problem", check="corpus", text=str(error))
        return
    text = f"{made.name}: {plan.n_trials} trials, about {duration(plan.seconds)} with {plan.n_slots} at a time"
    yield Finding(level="ok", check="study", text=text)
    try:
        check_writable(folder, n_bytes=plan.disk_bytes + plan.feature_bytes)
    except UsageError as error:
        yield Finding(level="problem", check="disk", text=str(error))
    if measured:
        yield from memory(machines, list(measured.values()), gpus_per_trial=gpus_per_trial)


def _missing_corpus(made: Study) -> Iterator[Finding]:
    corpus = CORPORA[str(made.data["corpus"])]
    for name in (name for name, knob in corpus.knobs.items() if knob.is_path):
        path = str(made.data[name])
        if path and not Path(path).exists():
            text = f"{path} does not exist; give the corpus's place with --data {made.data['corpus']}=PATH"
            yield Finding(level="problem", check="corpus", text=text)

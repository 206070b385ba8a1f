"""Runs as Ray jobs: handed to a cluster from anywhere, followed and stopped by the run's name.

A job's id is the name of its run; jobs that resume it are <run>-resumed, <run>-resumed-2, ... Their metadata say which
run it is and where it lies. Of the machine that submits nothing travels but the command and the study file, in a folder
of its own: no environment variable, no other file.

The only place that imports Ray's job client, when a cluster is asked and not before: it needs `ray[default]`.
"""

import asyncio
import logging
import os
import re
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tagsearch.errors import ClusterError, StoppedError, UsageError
from tagsearch.search.redaction import redacted, redacted_text
from tagsearch.search.run_folder import FOLDER_LINE, check_name

STOP_S = 120  # a stopped run gets this long to end its trials' writing; Ray's default of 3 s is less than that takes
_RUN_KEY, _STORAGE_KEY = "tagsearch_run", "tagsearch_storage"
_NEEDED = ("aiohttp", "pydantic", "requests")  # of ray[default], by Ray's client
_CHATTY = (
    "ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk", "ray._private.runtime_env.packaging",
)  # fmt: skip
_POLL_S = 0.5
_LAG_S = 30  # between the end of a job's log and Ray's knowing that the job has ended
_SCHEMES = ("http", "https", "ray")
_OUTCOMES = {
    0: "done", 1: "failed", 2: "refused", 3: "done, but some trials failed", 4: "stopped", 130: "interrupted",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Job:
    """`submitted`, `ended`: seconds since 1970. `state`: Ray's. `exit_code`: the run's own, see tagsearch.errors; None
    while it goes on."""

    id: str
    run: str
    storage: str
    state: str
    submitted: float | None
    ended: float | None
    exit_code: int | None

    @property
    def outcome(self) -> str:
        return self.state.lower() if self.exit_code is None else _OUTCOMES[self.exit_code]


def connect(address: str) -> Any:
    """Ray's client of the cluster whose dashboard is at `address`."""
    scheme, colon, _ = address.partition("://")
    if colon and scheme not in _SCHEMES:  # Ray would import a module of that name
        raise UsageError(f"--address {redacted_text(address)}: give the cluster's dashboard as http://HOST:PORT")
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise UsageError(
            f"jobs need ray[default] ({missing[0]} is missing); in the checkout: "
            "pip install -e '.[cluster]' -c constraints.txt"
        )
    os.environ["RAY_API_SERVER_ADDRESS"] = address  # else Ray prefers RAY_ADDRESS to what it is given
    from ray.job_submission import JobSubmissionClient

    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    return JobSubmissionClient(address)


class Cluster:
    """The jobs of one cluster. Raises UsageError where it cannot be reached, ClusterError where it fails later."""

    def __init__(self, address: str) -> None:
        self.address = redacted_text(address)  # for messages
        try:
            with self._translated():
                self._client = connect(address)
        except ClusterError as error:
            raise UsageError(
                f"no Ray cluster takes jobs at {self.address} ({_first_line(error.__cause__)}); "
                f"{_way_to(error.__cause__)}"
            ) from error

    def jobs(self) -> list[Job]:
        """Those that tagsearch submitted, oldest first."""
        with self._translated():
            found = self._client.list_jobs()
        jobs = [_job(info) for info in found if {_RUN_KEY, _STORAGE_KEY} <= set(info.metadata or ())]
        return sorted(jobs, key=lambda job: job.submitted or 0.0)

    def find(self, name: str | None) -> Job:
        """The last job of the run of that name, else the job of that id; without a name the last of all.

        Raises UsageError if there is none."""
        jobs = self.jobs()
        if name is not None:
            jobs = [job for job in jobs if job.run == name] or [job for job in jobs if job.id == name]
        if not jobs:
            what = f"no job {name!r}" if name is not None else "no job of tagsearch"
            raise UsageError(f"{what} at {self.address}; `tagsearch jobs` lists them")
        return jobs[-1]

    def submit(
        self, command: Sequence[str], *, job_id: str, run: str, storage: str, files: Mapping[str, str] | None = None
    ) -> Job:
        """Start `command` on the cluster's head, in a folder that holds `files` (name -> text) and nothing else.

        Raises UsageError if a job of that id exists, or if the command holds a secret."""
        _refuse_secrets(command)
        with self._translated():
            taken = {info.submission_id for info in self._client.list_jobs()}
        if job_id in taken:
            raise UsageError(f"a job {job_id!r} exists at {self.address}; choose another --name")
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (files or {}).items():
                (Path(folder) / name).write_text(text, encoding="utf-8", newline="")
            runtime_env: dict[str, Any] = {"env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_S)}}
            with self._translated():
                self._client.submit_job(
                    entrypoint=shlex.join(command),
                    submission_id=job_id,
                    runtime_env=runtime_env | ({"working_dir": folder} if files else {}),
                    metadata={_RUN_KEY: run, _STORAGE_KEY: storage},
                )
        return self._now(job_id)

    def log(self, job: Job) -> str:
        with self._translated():
            return str(self._client.get_job_logs(job.id))

    def left_a_run(self, job: Job) -> bool:
        """Whether there is a run folder to go on with."""
        return job.id != job.run or FOLDER_LINE in self.log(job)

    def follow(self, job: Job, write: Callable[[str], object]) -> Job:
        """Pass the log on as it grows, from its beginning to the job's end. The ended job."""
        with self._translated():
            asyncio.run(self._follow(job.id, write))
        return self._wait(job, _LAG_S, f"the log of {job.id} broke off, the job goes on; follow it again with -f")

    async def _follow(self, job_id: str, write: Callable[[str], object]) -> None:
        async for text in self._client.tail_job_logs(job_id):
            write(text)

    def stop(self, job: Job) -> Job:
        """End the run as SIGTERM does. The ended job. Raises UsageError if it has ended already."""
        if job.exit_code is None:
            with self._translated():
                self._client.stop_job(job.id)
            return self._wait(job, STOP_S + _LAG_S, f"{job.id} has not stopped after {STOP_S + _LAG_S} s; look again")
        raise UsageError(f"{job.id} is not running: {job.outcome}")

    def _now(self, job_id: str) -> Job:
        with self._translated():
            return _job(self._client.get_job_info(job_id))

    def _wait(self, job: Job, seconds: float, too_long: str) -> Job:
        deadline = time.monotonic() + seconds
        while (now := self._now(job.id)).exit_code is None:
            if time.monotonic() > deadline:
                raise ClusterError(f"{too_long} (`tagsearch jobs`)")
            time.sleep(_POLL_S)
        return now

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Ray's and its transports' errors in one line."""
        try:
            yield
        except _foreign() as error:
            raise ClusterError(f"the Ray cluster at {self.address}: {_first_line(error)}") from error


def _way_to(error: BaseException | None) -> str:
    from ray.exceptions import AuthenticationError

    if isinstance(error, AuthenticationError):
        return (
            "it asks for its token: with RAY_AUTH_MODE=token in the environment, the one of ~/.ray/auth_token or "
            "RAY_AUTH_TOKEN is shown"
        )
    return "`ray dashboard cluster.yaml` makes its port reachable from here"


def _first_line(error: BaseException | None) -> str:
    return redacted_text(str(error).strip().partition("\n")[0])


def _foreign() -> tuple[type[Exception], ...]:
    """What Ray's client raises: a refusal, a missing token, a broken connection."""
    from ray.exceptions import RayError

    if find_spec("aiohttp") is None:
        return OSError, RuntimeError, ValueError, RayError
    from aiohttp import ClientError

    return OSError, RuntimeError, ValueError, RayError, ClientError


def _job(info: Any) -> Job:
    state = str(getattr(info.status, "value", info.status))
    return Job(
        id=info.submission_id,
        run=info.metadata[_RUN_KEY],
        storage=info.metadata[_STORAGE_KEY],
        state=state,
        submitted=info.start_time / 1000 if info.start_time else None,
        ended=info.end_time / 1000 if info.end_time else None,
        exit_code=_exit_code(state, info.driver_exit_code),
    )


def _exit_code(state: str, of_process: int | None) -> int | None:
    """What the run itself exits with. Ray keeps no code of a job that was stopped; killed by a signal is failed."""
    if state in ("PENDING", "RUNNING"):
        return None
    if state == "STOPPED":
        return StoppedError.exit_code
    return of_process if state == "SUCCEEDED" or of_process in _OUTCOMES else 1


# --- what a job does -------------------------------------------------------------------------------------------------


def check_place(run: str, storage: str) -> None:
    """Raises UsageError if a job cannot be called `run`, or its storage means another place on another machine."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", run):
        raise UsageError(f"--name {run}: a job's name has letters, digits, dots, dashes and underscores")
    check_name(run)
    if not storage.startswith("/"):
        raise UsageError(
            f"--storage-path {storage}: give the absolute path of a folder that all machines of the cluster share"
        )


def run_command(
    file: str, changes: Sequence[str], *, profile: str | None, run: str, storage: str, python: str,
    options: Mapping[str, object],
) -> list[str]:  # fmt: skip
    """`tagsearch run` on the head, of a file in the job's folder."""
    chosen = [] if profile is None else ["--profile", profile]
    place = ["--name", run, "--storage-path", storage, "--address", "auto"]
    return [python, "-m", "tagsearch", "run", file, *changes, *chosen, *place, *_flags(options), "-y"]


def resume_command(run: str, *, storage: str, python: str, options: Mapping[str, object]) -> list[str]:
    place = ["--storage-path", storage, "--address", "auto"]
    return [python, "-m", "tagsearch", "resume", run, *place, *_flags(options)]


def resumed_id(run: str, jobs: Sequence[Job]) -> str:
    """The id of the next job of a run. Raises UsageError if one of its jobs is still at it."""
    for job in jobs:
        if job.run == run and job.exit_code is None:
            raise UsageError(f"{run} is {job.outcome} (job {job.id}); `tagsearch stop {run}` first, or let it end")
    n_resumed = sum(job.id.startswith(f"{run}-resumed") for job in jobs)
    return f"{run}-resumed" + f"-{n_resumed + 1}" * bool(n_resumed)


def _flags(options: Mapping[str, object]) -> Iterator[str]:
    """`options`: by their long names, as click gives their values."""
    for flag, value in sorted(options.items()):
        for one in value if isinstance(value, tuple) else (value,):
            if one is True:
                yield flag
            elif one is not None and one is not False:  # 0 is a value
                yield f"{flag}={one}"


def _refuse_secrets(command: Sequence[str]) -> None:
    for typed, shown in zip(command, redacted(command), strict=True):
        if typed != shown:
            raise UsageError(
                f"{shown} looks like a secret, and everybody on the cluster can read the command of a job; leave it out"
            )

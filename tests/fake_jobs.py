"""A cluster's job server, as Ray's client shows it: what was submitted, with its files; jobs end when told to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class FakeInfo:
    submission_id: str | None
    metadata: dict[str, str] | None
    entrypoint: str = ""
    runtime_env: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # of its working directory, when it was submitted
    status: str = "RUNNING"
    start_time: int = 1_764_000_000_000
    end_time: int | None = None
    driver_exit_code: int | None = None


class FakeClient:
    def __init__(self) -> None:
        self.infos: dict[str, FakeInfo] = {}
        self.text = "study mine\n"
        self.ends: tuple[str, int | None] = ("SUCCEEDED", 0)  # how a followed job ends

    def list_jobs(self) -> list[FakeInfo]:
        return [FakeInfo(None, None), *reversed(self.infos.values())]  # a script that joined the cluster is listed, too

    def get_job_info(self, job_id: str) -> FakeInfo:
        return self.infos[job_id]

    def submit_job(
        self, *, entrypoint: str, submission_id: str, runtime_env: dict[str, Any], metadata: dict[str, str]
    ) -> str:
        folder = runtime_env.get("working_dir")
        files = {path.name: path.read_text() for path in Path(folder).rglob("*")} if folder else {}
        info = FakeInfo(submission_id, metadata, entrypoint, runtime_env, files)
        info.start_time += len(self.infos)
        self.infos[submission_id] = info
        return submission_id

    def stop_job(self, job_id: str) -> bool:
        self.end(job_id, "STOPPED", None)
        return True

    def get_job_logs(self, job_id: str) -> str:
        return self.text

    async def tail_job_logs(self, job_id: str) -> AsyncIterator[str]:
        for line in self.text.splitlines(keepends=True):
            yield line
        self.end(job_id, *self.ends)

    def end(self, job_id: str, status: str, code: int | None) -> None:
        self.infos[job_id].status, self.infos[job_id].driver_exit_code = status, code

"""A disk of a few megabytes that can be filled, closed to writing and freed: a tmpfs in a mount namespace of its own,
which nobody else sees and which goes with the process that holds it.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.faults.driver import ROOT

_PRIVATE = ("unshare", "--user", "--map-root-user", "--mount")


def why_not() -> str | None:
    """Why there can be none here."""
    if not all(shutil.which(name) for name in ("unshare", "nsenter")):
        return "no private mounts here (unshare, nsenter)"
    tried = subprocess.run([*_PRIVATE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True)
    return None if tried.returncode == 0 else f"no private mounts here: {tried.stderr.strip()}"


class SmallDisk:
    """`at`: where processes started by `start` find it; `seen`: the same, for this process."""

    def __init__(self, at: Path, *, megabytes: int) -> None:
        self.at = at
        script = f"mount -t tmpfs -o size={megabytes}m tmpfs {at} && echo ready && exec sleep 1000"
        self._holder = subprocess.Popen([*_PRIVATE, "sh", "-c", script], stdout=subprocess.PIPE, text=True)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"
        self.seen = Path(f"/proc/{self._holder.pid}/root{at}")

    def start(self, run: str, **wanted: object) -> subprocess.Popen[str]:
        """The driver of a run on it, see tests.fake_driver."""
        driver = [sys.executable, "-W", "ignore", "-m", "tests.fake_driver", str(self.at / run), json.dumps(wanted)]
        return self._inside('cd "$0" && exec "$@"', str(ROOT), *driver)

    def fill(self) -> None:
        with (self.seen / "ballast").open("ab", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                return

    def free(self) -> None:
        (self.seen / "ballast").unlink()

    def close_to_writing(self, run: str) -> None:
        """For files opened from now on. In one step: a mount in which a file is open for writing cannot be closed."""
        closed = 'mkdir "$1" && mount --bind "$0" "$1" && mount -o remount,bind,ro "$1" && mount --move "$1" "$0"'
        self._do(closed, str(self.at / run), str(self.at / "closed"))

    def open_to_writing(self, run: str) -> None:
        self._do('umount --lazy "$0" && rmdir "$1"', str(self.at / run), str(self.at / "closed"))

    def end(self) -> None:
        self._holder.kill()
        self._holder.communicate()

    def _do(self, script: str, *arguments: str) -> None:
        process = self._inside(script, *arguments)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output

    def _inside(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        holder = f"--target={self._holder.pid}"
        command = ["nsenter", holder, "--user", "--preserve-credentials", "--mount", "sh", "-c", script, *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)

"""Two machines on one: private process, mount and network namespaces, joined by a virtual cable.

Neither sees the other's processes; each has its own home folder, /tmp/ray and copy-on-write view of the Python
environment, and both have /mnt/tagsearch. Nothing of it is seen outside, and it ends with the script (`ray up` and `ray
down` call `ray stop`, which ends every Ray that it can see).
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ADDRESSES = {"head": "10.77.0.1", "worker": "10.77.0.2"}
SSHD = "/usr/sbin/sshd"  # it starts itself anew for each session, so its whole path is asked for
_PRIVATE = ("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc")
_AS_CHILD_OF_BASH = ("bash", "-c", '"$@"; exit $?', "bash")  # process 1 has to reap the daemons that end
_SSHD_CONFIG = """\
Port 22
HostKey {scratch}/host_key
AuthorizedKeysFile {scratch}/key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
"""
# Everything is installed and nothing can be fetched. pip reads this setting the wrong way round: "false" is "no".
_PIP_CONFIG = "[global]\nno-index = true\nno-build-isolation = false\ndisable-pip-version-check = true\n"


def why_not() -> str | None:
    """Why machines cannot be had here, in one line; None if they can."""
    if os.geteuid() != 0 or Path("/proc/self/setgroups").read_text().strip() != "allow":
        return "needs root that may change users, for mounts and an SSH server"
    missing = [
        name for name in ("unshare", "nsenter", "ip", "rsync", "ssh", "ssh-keygen", SSHD) if not shutil.which(name)
    ]
    if missing:
        return f"needs {', '.join(missing)}"
    if not (find_spec("aiohttp_cors") and find_spec("editables")):
        return "needs pip install -e '.[cluster,test]' editables -c constraints.txt"
    trial = "mount -t tmpfs tmpfs /run && mkdir /run/u /run/w && mount -t overlay overlay -o {} /mnt && {}".format(
        "lowerdir=/usr,upperdir=/run/u,workdir=/run/w", "ip link add cable0 type veth peer name cable1"
    )
    tried = subprocess.run([*_PRIVATE, "sh", "-c", trial], capture_output=True, text=True, check=False)
    why = tried.stderr.strip().splitlines()[-1:] or ["unshare fails"]
    return f"no private namespaces here: {why[0]}" if tried.returncode else None


@contextmanager
def running(*scripts: Sequence[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two machines, each running one Python script with its arguments, joined by a cable; both end with the block."""
    processes = [subprocess.Popen([*_PRIVATE, *_AS_CHILD_OF_BASH, sys.executable, *each], cwd=ROOT) for each in scripts]
    try:
        networks = [Path("/proc", str(each), "ns/net") for each in ("self", *(each.pid for each in processes))]
        while networks[0].readlink() in [each.readlink() for each in networks[1:]]:
            time.sleep(0.1)
        one, other = (str(each.pid) for each in processes)
        link = ("ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", other)
        _do("nsenter", "--target", one, "--net", *link)
        yield processes
    finally:
        for each in processes:
            each.kill()  # and with it all that runs in its namespaces
            each.wait()


def make_keys(scratch: Path) -> None:
    for name in ("key", "host_key"):
        _do("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(scratch / name))
    (scratch / "sshd.conf").write_text(_SSHD_CONFIG.format(scratch=scratch))


def become(name: str, scratch: Path) -> None:
    """Make the namespaces that this process is in the machine `name`."""
    home = scratch / name
    (home / ".config/pip").mkdir(parents=True)
    (home / ".config/pip/pip.conf").write_text(_PIP_CONFIG)
    (home / "venv").symlink_to(sys.prefix)
    (home / ".bashrc").touch()
    _own_root_home(home, scratch)
    (scratch / "resolv.conf").write_text("nameserver 127.0.0.1\n")  # where nobody answers, at once
    _do("mount", "--bind", str(scratch / "resolv.conf"), str(Path("/etc/resolv.conf").resolve()))
    _copy_on_write(Path(sys.prefix))
    for place in ("/run", "/mnt", "/dev/shm"):
        _do("mount", "-t", "tmpfs", "tmpfs", place)
    Path("/run/sshd").mkdir()
    _bind(scratch / "shared", Path("/mnt/tagsearch"))
    _bind(home / "tmp-ray", Path("/tmp/ray"))
    _do("ip", "link", "set", "lo", "up")
    _plug_in(name)


def _serve(scratch: Path) -> None:
    """The worker: an SSH server, and what comes in through it."""
    become("worker", scratch)
    _do(SSHD, "-D", "-f", str(scratch / "sshd.conf"))


def _plug_in(name: str) -> None:
    while subprocess.run(["ip", "link", "show", "cable"], capture_output=True, check=False).returncode:
        time.sleep(0.1)
    _do("ip", "address", "add", f"{ADDRESSES[name]}/24", "dev", "cable")
    _do("ip", "link", "set", "cable", "up")
    other = next(address for each, address in ADDRESSES.items() if each != name)
    _do("ip", "route", "add", "default", "via", other)  # Ray asks for the route to the internet to learn its address


def _own_root_home(home: Path, scratch: Path) -> None:
    users = Path("/etc/passwd").read_text().splitlines()
    fields = [line.split(":") for line in users]
    changed = [":".join([*each[:5], str(home), "/bin/bash"] if each[2] == "0" else each) for each in fields]
    own = scratch / f"{home.name}-passwd"
    own.write_text("\n".join(changed) + "\n")
    _do("mount", "--bind", str(own), "/etc/passwd")


def _copy_on_write(folder: Path) -> None:
    """Whatever is installed into the environment is gone afterwards."""
    _do("mount", "-t", "tmpfs", "tmpfs", "/mnt")
    for name in ("upper", "work"):
        Path("/mnt", name).mkdir()
    _do(
        "mount",
        "-t",
        "overlay",
        "overlay",
        "-o",
        f"lowerdir={folder},upperdir=/mnt/upper,workdir=/mnt/work",
        str(folder),
    )


def _bind(source: Path, target: Path) -> None:
    source.mkdir(parents=True, exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    _do("mount", "--bind", str(source), str(target))


def _do(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))

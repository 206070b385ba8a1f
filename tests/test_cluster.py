"""The shipped cluster files against Ray's own schema, and what the schema does not see.

tests/cluster/loopback.py starts one of them for real.
"""

import re
import shlex
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tagsearch.study.shipped import pinned_versions

ROOT = Path(__file__).parent.parent
AWS, ONPREMISE = "cluster.yaml", "cluster-onpremise.yaml"
START = ("head_start_ray_commands", "worker_start_ray_commands")
COMMANDS = ("initialization_commands", "setup_commands", "head_setup_commands", *START)
each_file = pytest.mark.parametrize("file", [AWS, ONPREMISE])


def read(file: str) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(ROOT / file)
    return content


def ray_starts(file: str) -> list[str]:
    return [command for name in START for command in read(file)[name] if "ray start" in command]


@each_file
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_ray_accepts_the_file(file: str) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(deepcopy(read(file))))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_what_rays_check_refuses_is_refused_here_too() -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    with pytest.raises(Exception, match="max_worker"):
        validate_config(prepare_config({**read(AWS), "max_worker": 4}))


def test_the_cloud_has_a_region_machines_disks_and_closed_groups() -> None:
    cluster = read(AWS)
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d", cluster["provider"]["region"])
    for node_type in cluster["available_node_types"].values():
        node = node_type["node_config"]
        assert re.fullmatch(r"[a-z]\w*\.\d*x?large", node["InstanceType"])
        assert re.fullmatch(r"ami-[0-9a-f]{17}", node["ImageId"])
        assert node["SecurityGroupIds"], "Ray's own group takes SSH from anywhere"
        assert node["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] >= 60


def test_gpu_workers_grow_from_none_and_the_head_trains_nothing() -> None:
    cluster = read(AWS)
    types = cluster["available_node_types"]
    head, workers = types.pop(cluster["head_node_type"]), types
    assert head["resources"] == {"CPU": 0}
    assert [worker["min_workers"] for worker in workers.values()] == [0]
    assert [worker["max_workers"] for worker in workers.values()] == [cluster["max_workers"]]
    assert all(worker["resources"]["GPU"] for worker in workers.values())
    assert 5 <= cluster["idle_timeout_minutes"] <= 30
    assert cluster["provider"]["cache_stopped_nodes"] is False


def test_a_head_in_the_cloud_can_start_workers() -> None:
    assert read(AWS)["head_setup_commands"] == ["~/venv/bin/pip install -q boto3 -c ~/tagsearch/constraints.txt"]
    assert "boto3" in pinned_versions()


def test_machines_on_premise_have_addresses_and_a_key() -> None:
    cluster = read(ONPREMISE)
    assert all(ip.startswith("192.0.2.") for ip in [cluster["provider"]["head_ip"], *cluster["provider"]["worker_ips"]])
    assert cluster["auth"]["ssh_private_key"]


def test_every_worker_address_on_premise_becomes_a_worker() -> None:
    assert "RAY_enable_autoscaler_v2=0" in read(ONPREMISE)["head_start_ray_commands"][-1]


@each_file
def test_somebody_logs_in(file: str) -> None:
    assert read(file)["auth"]["ssh_user"]


@each_file
def test_every_placeholder_is_marked(file: str) -> None:
    lines = (ROOT / file).read_text().splitlines()
    placeholder = re.compile(r"-0{17}\b|192\.0\.2\.|ssh_user: tagsearch|region:")
    for i, line in enumerate(lines):
        if placeholder.search(line):
            assert "FILL IN" in "\n".join(lines[max(0, i - 4) : i + 1]), line


@each_file
def test_what_is_sent_exists_and_is_the_clone_and_the_token(file: str) -> None:
    mounts = read(file)["file_mounts"]
    assert mounts == {"~/tagsearch": ".", "~/.ray/auth_token": "~/.ray/auth_token"}
    assert (ROOT / "constraints.txt").exists()
    assert (ROOT / ".gitignore").exists()


@each_file
def test_runs_and_credentials_of_the_clone_stay_at_home(file: str) -> None:
    assert read(file)["rsync_filter"] == [".gitignore"]
    assert "runs/" in (ROOT / ".gitignore").read_text().splitlines()
    assert ".git/config" in read(file)["rsync_exclude"]


@each_file
def test_the_environment_is_installed_from_the_pinned_constraints(file: str) -> None:
    setup = read(file)["setup_commands"]
    assert '~/venv/bin/pip install -q -e "$HOME/tagsearch[cluster]" -c ~/tagsearch/constraints.txt' in setup


@each_file
def test_the_shared_mount_is_there_before_anything_starts(file: str) -> None:
    assert any("/mnt/tagsearch/runs" in command for command in read(file)["initialization_commands"])


def test_a_machine_that_is_still_updating_itself_is_waited_for() -> None:
    update, install = (command for command in read(AWS)["initialization_commands"] if "apt-get" in command)
    assert re.fullmatch(r"timeout \d+ sh -c 'until sudo apt-get -qq update; do sleep \d+; done'", update)
    assert "-o DPkg::Lock::Timeout=300 install" in install


@each_file
def test_every_start_command_activates_the_environment_and_needs_the_token(file: str) -> None:
    for name in START:
        assert all(command.startswith(". ~/venv/bin/activate && ") for command in read(file)[name])
    starts = ray_starts(file)
    assert len(starts) == len(START), "head and workers"
    assert all("export RAY_AUTH_MODE=token" in command for command in starts)


@each_file
def test_other_shells_find_ray_and_the_token_mode(file: str, tmp_path: Path) -> None:
    [remember] = [command for command in read(file)["setup_commands"] if ".bashrc" in command]
    show = '. ~/.bashrc && echo "$PATH" "$RAY_AUTH_MODE" && wc -l < ~/.bashrc'
    shell = ["bash", "-c", f"{remember}; {remember}; {show}"]
    result = subprocess.run(shell, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert result.stdout.split() == [f"{tmp_path}/venv/bin:/usr/bin:/bin", "token", "1"]


@each_file
def test_no_port_is_open_to_the_world(file: str) -> None:
    text = (ROOT / file).read_text()
    assert "0.0.0.0" not in text
    [head] = [command for command in ray_starts(file) if "--head" in command]
    assert "--dashboard-host=127.0.0.1" in head
    assert not any("dashboard-host" in command for command in ray_starts(file) if command != head)


@each_file
def test_ray_opens_no_further_door(file: str) -> None:
    doors = re.compile(r"--(ray-client-server-port|dashboard-port|dashboard-agent-listen-port|node-ip-address)")
    assert not [command for command in ray_starts(file) if doors.search(command)]


@each_file
def test_the_token_on_a_node_is_read_by_its_owner_alone(file: str) -> None:
    assert read(file)["setup_commands"][0] == "chmod 600 ~/.ray/auth_token"


@each_file
def test_every_command_is_a_whole_command_of_a_shell(file: str) -> None:
    for name in COMMANDS:
        for command in read(file).get(name, []):
            assert shlex.split(command)
            assert subprocess.run(["bash", "-n", "-c", command], capture_output=True).returncode == 0, command

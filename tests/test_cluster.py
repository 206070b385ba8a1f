"""cluster.yaml against Ray's own schema, and what the schema does not see."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

CLUSTER = Path(__file__).parent.parent / "cluster.yaml"


@pytest.fixture(scope="module")
def cluster() -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(CLUSTER.read_text())
    return content


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_ray_accepts_cluster_yaml(cluster: dict[str, Any]) -> None:
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(cluster))


def test_what_rays_schema_does_not_see_is_filled_in_or_marked(cluster: dict[str, Any]) -> None:
    assert cluster["provider"]["region"]
    assert cluster["auth"]["ssh_user"]
    assert all(node["node_config"]["InstanceType"] for node in cluster["available_node_types"].values())
    assert CLUSTER.read_text().count("FILL IN") >= 4


def test_the_dashboard_listens_on_the_head_only(cluster: dict[str, Any]) -> None:
    assert "--dashboard-host=127.0.0.1" in cluster["head_start_ray_commands"][-1]

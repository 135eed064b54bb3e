"""A cluster of level api: it knows what a RayJob is, and refuses what is none."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from kube_things import open_elsewhere, queue, ray_job
from kubernetes.utils.quantity import parse_quantity
from local_kube.cluster import Cluster
from rendered_attempts import rendered


def tried(cluster: Cluster, *things: object, output: str = "name") -> str:
    """What the server says of a change that it does not make."""
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": things})
    return cluster.kubectl("apply", "--server-side", "--dry-run=server", "-o", output, "-f", "-", given=listed)


def test_it_takes_a_ray_job_and_a_queue(api_cluster: Cluster) -> None:
    named = tried(api_cluster, ray_job("good", "grant", "true"), *queue("grant", cpu="4")).split()
    assert "rayjob.ray.io/good" in named
    assert "clusterqueue.kueue.x-k8s.io/grant" in named


@pytest.fixture
def ministry(api_cluster: Cluster) -> None:
    api_cluster.kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bongsu-mnd"}})


@pytest.mark.parametrize("name", sorted(rendered()))
def test_it_takes_what_we_ask_it_for_as_we_mean_it(api_cluster: Cluster, ministry: None, name: str) -> None:
    asked = rendered()[name]
    for thing in (asked.secret, asked.job):
        taken = json.loads(tried(api_cluster, thing, output="json"))
        assert left_out(thing, taken) == []


def left_out(ours: Any, theirs: Any, where: str = "") -> list[str]:
    """What the server has dropped or changed; it may add what it likes."""
    if isinstance(ours, dict):
        return [
            fault
            for key, value in ours.items()
            if key != "stringData"  # it becomes data
            for fault in (left_out(value, theirs[key], f"{where}.{key}") if key in theirs else [f"{where}.{key}"])
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs, strict=True))
        return [fault for index, (one, other) in pairs for fault in left_out(one, other, f"{where}[{index}]")]
    return [] if ours == theirs or _quantity(ours) == _quantity(theirs) else [f"{where}: {ours!r}, {theirs!r}"]


def _quantity(value: Any) -> Any:
    """Of cores or bytes, which the server writes in its own way."""
    return parse_quantity(value) if isinstance(value, str) and value[:1].isdigit() else value


def test_it_refuses_a_ray_job_that_is_none(api_cluster: Cluster) -> None:
    wrong = ray_job("wrong", "grant", "true")
    wrong["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"] = []
    wrong["spec"]["sumbissionMode"] = "K8sJobMode"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        tried(api_cluster, wrong)
    assert "sumbissionMode" in caught.value.stderr


def test_it_listens_on_loopback_alone(api_cluster: Cluster) -> None:
    assert open_elsewhere(api_cluster, "127.0.0.1") == {}

"""A cluster of level api: it knows what a RayJob is, and refuses what is none."""

from __future__ import annotations

import json
import subprocess

import pytest
from kube_things import queue, ray_job
from local_kube.cluster import Cluster


def tried(cluster: Cluster, *things: object) -> str:
    """What the server says of a change that it does not make."""
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": things})
    return cluster.kubectl("apply", "--server-side", "--dry-run=server", "-o", "name", "-f", "-", given=listed)


def test_it_takes_a_ray_job_and_a_queue(api_cluster: Cluster) -> None:
    named = tried(api_cluster, ray_job("good", "grant", "true"), *queue("grant", cpu="4")).split()
    assert "rayjob.ray.io/good" in named
    assert "clusterqueue.kueue.x-k8s.io/grant" in named


def test_it_refuses_a_ray_job_that_is_none(api_cluster: Cluster) -> None:
    wrong = ray_job("wrong", "grant", "true")
    wrong["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"] = []
    wrong["spec"]["sumbissionMode"] = "K8sJobMode"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        tried(api_cluster, wrong)
    assert "sumbissionMode" in caught.value.stderr


def test_its_api_server_is_on_loopback_alone(api_cluster: Cluster) -> None:
    for name in ("kube-apiserver", "etcd"):
        process = api_cluster.processes.get(name)
        assert process is not None
        open_at = {line.laddr.ip for line in process.net_connections() if line.status == "LISTEN"}
        assert open_at == {"127.0.0.1"}, name

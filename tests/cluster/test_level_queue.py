"""A cluster of level queue: Kueue admits as much as a quota has room for, and says who is next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from kube_things import GPU, conditions, open_elsewhere, queue, ray_job, told
from local_kube.cluster import Cluster
from local_kube.layout import ADDRESS

PENDING = "/apis/visibility.kueue.x-k8s.io/v1beta2/clusterqueues/{}/pendingworkloads"
SOON_S = 60.0


@pytest.fixture
def small_queue(queue_cluster: Cluster) -> Iterator[str]:
    things = queue("small", **{GPU: "16", "cpu": "100", "memory": "100Gi"})
    queue_cluster.kubectl.apply(*things)
    yield "small"
    queue_cluster.kubectl("delete", "rayjob", "--all", "--timeout=60s")
    for kind in ("localqueue", "clusterqueue", "resourceflavor"):
        queue_cluster.kubectl("delete", kind, "small", "--timeout=60s")


def gang(name: str, queue_name: str) -> dict[str, Any]:
    """Two workers of 8 GPUs each."""
    job = ray_job(name, queue_name, "true")
    for group in job["spec"]["rayClusterSpec"]["workerGroupSpecs"]:
        (container,) = group["template"]["spec"]["containers"]
        for kind in ("requests", "limits"):
            container["resources"][kind][GPU] = "8"
    return job


def workload_of(cluster: Cluster, name: str) -> dict[str, Any]:
    for workload in cluster.kubectl.get("workloads")["items"]:
        if workload["metadata"]["ownerReferences"][0]["name"] == name:
            return dict(workload)
    return {}


def test_a_second_gang_waits_until_the_first_is_gone(queue_cluster: Cluster, small_queue: str) -> None:
    kubectl, wait_for = queue_cluster.kubectl, queue_cluster.processes.wait_for
    why = partial(told, queue_cluster)
    kubectl.apply(gang("first", small_queue))
    wait_for(
        "the first is admitted",
        lambda: "Admitted" in conditions(workload_of(queue_cluster, "first")),
        SOON_S,
        "kueue",
        why,
    )
    kubectl.apply(gang("second", small_queue))
    wait_for("the second has a workload", lambda: workload_of(queue_cluster, "second"), SOON_S, "kueue", why)

    def waiting() -> list[int]:
        """Positions in the queue, the next one's is 0."""
        items = json.loads(kubectl("get", "--raw", PENDING.format(small_queue)))["items"]
        return [one["positionInClusterQueue"] for one in items]

    wait_for("the second waits as the next", lambda: waiting() == [0], SOON_S, "kueue", why)
    assert "QuotaReserved" not in conditions(workload_of(queue_cluster, "second"))
    kubectl("delete", "rayjob", "first", "--timeout=60s")
    wait_for(
        "the second is admitted",
        lambda: "Admitted" in conditions(workload_of(queue_cluster, "second")),
        SOON_S,
        "kueue",
        why,
    )
    assert waiting() == []


def test_it_listens_on_loopback_and_its_own_network(queue_cluster: Cluster) -> None:
    assert open_elsewhere(queue_cluster, "127.0.0.1", ADDRESS) == {}

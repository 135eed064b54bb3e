"""What tests of clusters put into them."""

from __future__ import annotations

import json
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import psutil
import ray
from local_kube.cluster import Cluster

from bongsu.executors.kuberay.site import Share, Site

KUEUE = "kueue.x-k8s.io/v1beta2"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
GPU = "nvidia.com/gpu"
STAGES = Path(__file__).parents[2] / ".stages"
"""A virtual environment with what the image of stages has (``make .stages/.ready``)."""
_OBJECT_STORE = "200000000"


def queue(name: str, namespace: str = "default", /, **quotas: str) -> list[dict[str, Any]]:
    """A LocalQueue of a namespace on a ClusterQueue of its own, with a quota for each resource."""
    flavor = {
        "name": name,
        "resources": [{"name": resource, "nominalQuota": quota} for resource, quota in quotas.items()],
    }
    return [
        {"apiVersion": KUEUE, "kind": "ResourceFlavor", "metadata": {"name": name}},
        {
            "apiVersion": KUEUE,
            "kind": "ClusterQueue",
            "metadata": {"name": name},
            "spec": {
                "namespaceSelector": {},
                "resourceGroups": [{"coveredResources": list(quotas), "flavors": [flavor]}],
            },
        },
        {
            "apiVersion": KUEUE,
            "kind": "LocalQueue",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"clusterQueue": name},
        },
    ]


def ray_job(
    name: str, queue_name: str, entrypoint: str, workers: int = 2, pod: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A RayJob that Kueue begins.

    Args:
        pod: of every pod, but for the name of its container and what it asks for.
    """
    given = pod or {"image": "localhost/none:1"}

    def template(container: str, **resources: Any) -> dict[str, Any]:
        outside = {key: value for key, value in given.items() if key == "volumes"}
        inside = {key: value for key, value in given.items() if key != "volumes"}
        spec = {"restartPolicy": "Never", "containers": [{"name": container, **inside, "resources": resources}]}
        return deepcopy({"spec": spec | outside})  # a test may change one group's

    small = {"requests": {"cpu": "300m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "6Gi"}}
    submitting = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": name, "namespace": "default", "labels": {QUEUE_LABEL: queue_name}},
        "spec": {
            "suspend": True,
            "entrypoint": entrypoint,
            "shutdownAfterJobFinishes": True,
            "submissionMode": "K8sJobMode",
            "submitterPodTemplate": template("ray-job-submitter", **submitting),
            "rayClusterSpec": {
                "rayVersion": ray.__version__,
                "headGroupSpec": {
                    "rayStartParams": {
                        "num-cpus": "0",
                        "dashboard-host": "0.0.0.0",  # the submitter's pod asks it there
                        "object-store-memory": _OBJECT_STORE,
                    },
                    "template": template("ray", **small),
                },
                "workerGroupSpecs": [
                    {
                        "groupName": "workers",
                        "replicas": workers,
                        "minReplicas": workers,
                        "maxReplicas": workers,
                        "rayStartParams": {"num-cpus": "1", "object-store-memory": _OBJECT_STORE},
                        "template": template("ray", **small),
                    }
                ],
            },
        },
    }


def machine_pod(*same: Path, **mounted: Path) -> dict[str, Any]:
    """A container that has this machine's system and what an image of stages has, read-only, and folders of this
    machine in which it may write: ``mounted`` at ``/NAME``, ``same`` at the place that they have here."""
    environment = STAGES
    read = {"usr": Path("/usr"), "environment": environment}
    base = Path(sys.base_prefix)
    if not base.is_relative_to("/usr"):
        read["python"] = base
    mounts = [{"name": name, "mountPath": str(path), "readOnly": True} for name, path in read.items()]
    mounts += [{"name": name, "mountPath": f"/{name}"} for name in mounted]
    named = {f"same-{number}": path for number, path in enumerate(same)}
    mounts += [{"name": name, "mountPath": str(path)} for name, path in named.items()]
    volumes: list[dict[str, Any]] = [
        {"name": name, "hostPath": {"path": str(path)}} for name, path in {**read, **mounted, **named}.items()
    ]
    return {
        "image": "localhost/host:1",
        "imagePullPolicy": "Never",
        "env": [
            {"name": "PATH", "value": f"{environment}/bin:/usr/bin:/bin:/usr/sbin"},
            {"name": "HOME", "value": "/tmp"},
            {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"},
        ],
        "volumeMounts": [*mounts, {"name": "shm", "mountPath": "/dev/shm"}],
        "volumes": [*volumes, {"name": "shm", "emptyDir": {"medium": "Memory"}}],
    }


def machine_site(pod: dict[str, Any], memory: int = 2 * 2**30) -> Site:
    """What a site would say whose nodes are this machine, of such containers; ``memory`` of a stage that asks for none,
    in bytes."""
    return Site(
        image=pod["image"],
        python=str(STAGES / "bin" / "python"),
        head=Share(cpus=0.3, memory=2 * 2**30),
        memory=memory,
        pod={"volumes": [one for one in pod["volumes"] if one["name"] != "shm"]},
        container={
            "imagePullPolicy": pod["imagePullPolicy"],
            "env": [one for one in pod["env"] if one["name"] == "PATH"],
            "volumeMounts": [one for one in pod["volumeMounts"] if one["name"] != "shm"],
        },
    )


def told(cluster: Cluster, namespace: str = "default") -> str:
    """What the jobs, workloads and pods of a namespace say of themselves, for whoever waited for them in vain."""
    listed = cluster.kubectl.get("-n", namespace, "rayjobs,jobs,workloads,pods")["items"]
    return "\n".join(f"{one['kind']} {one['metadata']['name']}: {_last_words(one)}" for one in listed)


def _last_words(thing: dict[str, Any]) -> str:
    status = thing.get("status", {})
    words = [
        str(status[key]) for key in ("jobDeploymentStatus", "jobStatus", "phase", "message") if status.get(key)
    ]
    words += [
        f"{one['type']}={one['status']} ({one.get('reason', '')}: {one.get('message', '')})"
        for one in status.get("conditions", [])
    ]
    words += [f"{one['name']} {json.dumps(one['state'])}" for one in status.get("containerStatuses", [])]
    return "; ".join(words)


def conditions(thing: dict[str, Any]) -> set[str]:
    """Of a thing: what is true."""
    listed = thing.get("status", {}).get("conditions", [])
    return {one["type"] for one in listed if one["status"] == "True"}


def open_elsewhere(cluster: Cluster, *allowed: str) -> dict[str, set[str]]:
    """Addresses beyond ``allowed`` at which a process of a cluster can be reached, by its name."""
    found: dict[str, set[str]] = {}
    for name in cluster.processes.names():
        process = cluster.processes.get(name)
        for line in process.net_connections() if process else ():
            is_open = line.status == psutil.CONN_LISTEN or (line.status == psutil.CONN_NONE and not line.raddr)
            if is_open and line.laddr.ip not in allowed:
                found.setdefault(name, set()).add(f"{line.laddr.ip}:{line.laddr.port}")
    return found

"""A cluster of level node: a gang of Ray Train trains in pods that Kueue lets begin."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
from kube_things import machine_pod, open_elsewhere, queue, ray_job, told
from local_kube.cluster import Cluster
from local_kube.layout import ADDRESS

WORKERS = 2
TRAINED_S = 400.0
PROGRAM = """
    import json, socket
    import ray, torch
    import torch.distributed as dist
    from ray import train
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    def loop():
        pods = [None] * dist.get_world_size()
        dist.all_gather_object(pods, socket.gethostname())
        model = train.torch.prepare_model(torch.nn.Linear(8, 1))
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            loss = (model(torch.ones(4, 8)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if dist.get_rank() == 0:
            with open("/work/result.json", "w") as file:
                json.dump({"loss": loss.item(), "pods": pods}, file)

    ray.init()
    each = {"CPU": 1}
    scaling = ScalingConfig(num_workers=%d, resources_per_worker=each)
    TorchTrainer(loop, scaling_config=scaling, run_config=RunConfig(storage_path="/work/runs")).fit()
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Pods run as another account than this one."""
    tmp_path.chmod(0o777)
    (tmp_path / "train.py").write_text(textwrap.dedent(PROGRAM % WORKERS))
    return tmp_path


def test_a_gang_trains_in_pods_of_its_own(node_cluster: Cluster, work: Path) -> None:
    kubectl = node_cluster.kubectl
    kubectl.apply(*queue("machine", cpu="4", memory="12Gi"))
    job = ray_job("trains", "machine", "python /work/train.py", WORKERS, machine_pod(work=work))
    kubectl.apply(job)

    def state() -> str:
        status = kubectl.get("rayjob", "trains").get("status", {})
        return f"{status.get('jobDeploymentStatus', '')} {status.get('jobStatus', '')} {status.get('message', '')}"

    node_cluster.processes.wait_for(
        "the job is over",
        lambda: state().startswith(("Complete", "Failed")),
        TRAINED_S,
        "kubelet",
        lambda: told(node_cluster),
    )
    assert state().startswith("Complete SUCCEEDED"), told(node_cluster)
    made = json.loads((work / "result.json").read_text())
    assert len(set(made["pods"])) == WORKERS, "each worker has a pod of its own"
    kubectl("delete", "rayjob", "trains", "--timeout=60s")


def test_it_listens_on_loopback_and_its_own_network(node_cluster: Cluster) -> None:
    assert open_elsewhere(node_cluster, "127.0.0.1", ADDRESS) == {}

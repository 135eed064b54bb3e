"""Level ``queue``: controllers and scheduler of Kubernetes, nodes that are made up, and the operators as processes of
this machine."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import yaml

from local_kube.kubectl import Kubectl
from local_kube.layout import ADDRESS, FAKE_NETWORK, Layout, command
from local_kube.manifests import install
from local_kube.processes import Processes

READY_S = 120.0
GPUS_OF_A_NODE = 8
# Nodes that are made up send a lease rarely, so that thousands of them stay cheap.
_LEASE_S = 1200
_GRACE, _GRACE_OF_FAKES = "40s", "2h"
_WEBHOOK_PORT, _VISIBILITY_PORT = 9443, 8082
_FAKE = "kwok.x-k8s.io/node"


def start_controllers(
    layout: Layout, processes: Processes, programs: dict[str, Path], kubectl: Kubectl, fakes: int
) -> None:
    common = [f"--kubeconfig={layout.kubeconfig}", "--leader-elect=false", "--bind-address=127.0.0.1"]
    processes.start(
        "kube-controller-manager",
        [
            programs["kube-controller-manager"],
            *common,
            f"--service-account-private-key-file={layout.certificates / 'accounts.key'}",
            "--use-service-account-credentials=true",
            f"--root-ca-file={layout.certificates / 'apiserver.crt'}",
            f"--node-monitor-grace-period={_GRACE_OF_FAKES if fakes else _GRACE}",
        ],
    )
    processes.start("kube-scheduler", [programs["kube-scheduler"], *common])
    processes.wait_for(
        "the controllers work",
        lambda: kubectl("-n", "default", "get", "serviceaccount", "default"),
        READY_S,
        "kube-controller-manager",
    )


def add_fake_nodes(
    layout: Layout, processes: Processes, programs: dict[str, Path], kubectl: Kubectl, number: int
) -> None:
    """So many nodes of :data:`GPUS_OF_A_NODE` GPUs; kwok says that they are ready, and that their pods run."""
    if not number:
        return
    settings = layout.folder / "kwok.yaml"
    settings.touch()
    processes.start(
        "kwok",
        [
            programs["kwok"],
            f"--kubeconfig={layout.kubeconfig}",
            f"--config={settings}",
            f"--cidr={FAKE_NETWORK}",
            "--manage-all-nodes=false",
            f"--manage-nodes-with-annotation-selector={_FAKE}=fake",
            f"--node-lease-duration-seconds={_LEASE_S}",
        ],
    )
    nodes = [fake_node(index, is_tainted=layout.level.value == "node") for index in range(number)]
    kubectl("create", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": nodes}))

    def are_ready() -> bool:
        listed = kubectl("get", "nodes", "-l", "type=kwok", "--no-headers")
        return listed.count(" Ready ") == number

    processes.wait_for(f"{number} made-up nodes are ready", are_ready, READY_S + number / 10, "kwok")


def fake_node(index: int, *, is_tainted: bool) -> dict[str, Any]:
    """``is_tainted`` keeps pods away that do not ask for it, where there is a real node beside."""
    name = f"gpu-{index:05d}"
    size = {"cpu": "128", "memory": "2Ti", "pods": "110", "nvidia.com/gpu": str(GPUS_OF_A_NODE)}
    taint = {"key": _FAKE, "value": "fake", "effect": "NoSchedule"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {_FAKE: "fake"},
            "labels": {"type": "kwok", "kubernetes.io/hostname": name},
        },
        "spec": {"taints": [taint] if is_tainted else []},
        "status": {"capacity": size, "allocatable": size},
    }


def start_operators(
    layout: Layout, processes: Processes, programs: dict[str, Path], manifests: dict[str, Path], kubectl: Kubectl
) -> None:
    """KubeRay first: from the moment at which Kueue's webhooks are registered they want to be asked about every pod."""
    install(
        layout, kubectl, "kuberay", manifests["kuberay"], {"replicas": [{"name": "kuberay-operator", "count": 0}]}
    )
    start_kuberay(layout, processes, programs)
    without_selector = '[{"op": "remove", "path": "/spec/selector"}]'
    changes = {
        "replicas": [{"name": "kueue-controller-manager", "count": 0}],
        "patches": [{"target": {"kind": "Service"}, "patch": without_selector}],
    }
    install(layout, kubectl, "kueue", manifests["kueue"], changes)
    kubectl.apply(
        _endpoint("kueue-webhook-service", _WEBHOOK_PORT, ""),
        _endpoint("kueue-visibility-server", _VISIBILITY_PORT, "https"),
    )
    _start_kueue(layout, processes, programs, kubectl)


def start_kuberay(layout: Layout, processes: Processes, programs: dict[str, Path]) -> None:
    """Pods that are made up have no names in DNS, and nobody's name server is to be asked for them: it gets one of its
    own that does not answer."""
    resolver = layout.folder / "resolv.conf"
    resolver.write_text(f"nameserver {ADDRESS}\n")
    bound = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
    processes.start(
        "kuberay",
        [
            *(command("unshare"), "-m", "sh", "-c", bound, "-", resolver),
            programs["kuberay-operator"],
            f"--kubeconfig={layout.kubeconfig}",
            "--enable-leader-election=false",
            "--metrics-addr=127.0.0.1:18080",
            "--health-probe-bind-address=127.0.0.1:18081",
        ],
    )


def _start_kueue(layout: Layout, processes: Processes, programs: dict[str, Path], kubectl: Kubectl) -> None:
    certificates = layout.folder / "kueue-certificates"
    certificates.mkdir()
    # The visibility API keeps what it serves with in a folder that cannot be named otherwise.
    fixed = Path("/visibility")
    if not fixed.exists():
        fixed.mkdir()
        (layout.folder / "visibility").touch()
    held = kubectl.get("-n", "kueue-system", "configmap", "kueue-manager-config")
    settings = _kueue_settings(str(held["data"]["controller_manager_config.yaml"]), certificates)
    file = layout.folder / "kueue.yaml"
    file.write_text(settings)
    processes.start(
        "kueue",
        [programs["kueue"], f"--kubeconfig={layout.kubeconfig}", f"--config={file}", "--zap-log-level=2"],
    )

    def certificate() -> dict[str, str] | None:
        held = kubectl.get("-n", "kueue-system", "secret", "kueue-webhook-server-cert")
        data: dict[str, str] | None = held.get("data")
        return data

    # It puts its certificate into a Secret and waits until that shows up as files, as in a pod.
    processes.wait_for("Kueue has its certificate", certificate, READY_S, "kueue")
    for name, value in (certificate() or {}).items():
        (certificates / name).write_bytes(base64.b64decode(value))


def _kueue_settings(released: str, certificates: Path) -> str:
    """Those of its release, for a process of this machine: it would listen at every address, as in a pod."""
    settings = yaml.safe_load(released)
    settings["leaderElection"]["leaderElect"] = False
    settings["health"]["healthProbeBindAddress"] = "127.0.0.1:8081"
    settings["metrics"]["bindAddress"] = "127.0.0.1:8443"
    # The API server is on the network too, and goes to these at its address.
    settings["webhook"] |= {"host": ADDRESS, "port": _WEBHOOK_PORT, "certDir": str(certificates)}
    settings["visibilityServer"] = {"bindAddress": ADDRESS, "bindPort": _VISIBILITY_PORT}
    return str(yaml.safe_dump(settings))


def _endpoint(service: str, port: int, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service}-host",
            "namespace": "kueue-system",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": True}}],
        "ports": [{"name": name, "port": port, "protocol": "TCP"}],
    }


def await_kueue(processes: Processes, kubectl: Kubectl, who: str) -> None:
    """Until its webhooks and the visibility API answer; ``who`` runs it."""
    probe = {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ResourceFlavor", "metadata": {"name": "probe"}}

    def answers() -> str:
        kubectl("create", "--dry-run=server", "-o", "name", "-f", "-", given=json.dumps(probe))
        return kubectl("get", "--raw", "/apis/visibility.kueue.x-k8s.io/v1beta2")

    processes.wait_for("Kueue answers", answers, READY_S, who)

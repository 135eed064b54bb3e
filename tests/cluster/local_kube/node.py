"""Level ``node``: this machine runs pods, with containerd, the kubelet and CoreDNS; the operators are pods."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path

from local_kube.images import images
from local_kube.kubectl import Kubectl
from local_kube.layout import ADDRESS, BRIDGE, POD_NETWORK, Layout, command
from local_kube.manifests import install
from local_kube.processes import Processes

NAME = "node1"
READY_S = 180.0
CALL_S = 300.0


def start_node(layout: Layout, processes: Processes, programs: dict[str, Path], kubectl: Kubectl) -> None:
    """Until it is ready, with the images that pods need."""
    for folder in ("cni", "kubelet", "images"):
        (layout.folder / folder).mkdir()
    settings = layout.folder / "containerd.toml"
    settings.write_text(_containerd_settings(layout))
    (layout.folder / "cni" / "10-bridge.conflist").write_text(json.dumps(_pod_network(layout)))
    (layout.folder / "kubelet.yaml").write_text(_kubelet_settings(layout))
    (layout.folder / "Corefile").write_text(_dns_settings(layout))
    processes.start("containerd", [command("containerd"), "-c", settings])
    processes.start("coredns", [programs["coredns"], "-conf", layout.folder / "Corefile"])
    processes.wait_for("containerd answers", lambda: ctr(layout, "version"), READY_S, "containerd")
    for image in images(programs):
        archive = layout.folder / "images" / f"{image.name}.tar"
        image.write(archive)
        ctr(layout, "images", "import", str(archive))
        archive.unlink()
    start_kubelet(layout, processes, programs)
    ready = ("wait", "--for=condition=Ready", f"node/{NAME}", "--timeout=1s")
    processes.wait_for("the node is ready", lambda: kubectl(*ready), READY_S, "kubelet")


def start_kubelet(layout: Layout, processes: Processes, programs: dict[str, Path]) -> None:
    processes.start(
        "kubelet",
        [
            programs["kubelet"],
            f"--config={layout.folder / 'kubelet.yaml'}",
            f"--kubeconfig={layout.kubeconfig}",
            f"--root-dir={layout.folder / 'kubelet'}",
            f"--cert-dir={layout.folder / 'kubelet' / 'pki'}",
            f"--node-ip={ADDRESS}",
            f"--hostname-override={NAME}",
        ],
    )


def run_operators(layout: Layout, processes: Processes, manifests: dict[str, Path], kubectl: Kubectl) -> None:
    """As pods; KubeRay's is made before Kueue's webhooks want to be asked about it."""
    for name, namespace in (("kuberay", "default"), ("kueue", "kueue-system")):
        install(layout, kubectl, name, manifests[name], {"patches": [_operator_patch(layout, name)]})
        pods = partial(kubectl, "-n", namespace, "get", "pods", "-o", "name")
        processes.wait_for(f"{name} has a pod", pods, READY_S, "kubelet")
    for namespace, deployment in (
        ("default", "kuberay-operator"),
        ("kueue-system", "kueue-controller-manager"),
    ):
        rolled = partial(kubectl, "-n", namespace, "rollout", "status", f"deploy/{deployment}", "--timeout=1s")
        processes.wait_for(f"{deployment} is ready", rolled, READY_S, "kubelet")


def ctr(layout: Layout, *arguments: str) -> str:
    """containerd's own client, on the images and containers of pods."""
    done = subprocess.run(
        [command("ctr"), "-a", str(layout.containerd_socket), "-n", "k8s.io", *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=CALL_S,
    )
    return done.stdout


def _operator_patch(layout: Layout, name: str) -> dict[str, object]:
    container = "/spec/template/spec/containers/0"
    operations: list[dict[str, object]] = [
        {"op": "replace", "path": f"{container}/image", "value": f"localhost/{name}:1"},
        {"op": "replace", "path": f"{container}/imagePullPolicy", "value": "Never"},
        {"op": "replace", "path": f"{container}/readinessProbe/initialDelaySeconds", "value": 1},
        {"op": "replace", "path": f"{container}/readinessProbe/periodSeconds", "value": 1},
        {"op": "remove", "path": f"{container}/resources"},
        # No kube-proxy runs, so the address of the API's service leads nowhere.
        {
            "op": "add",
            "path": f"{container}/env",
            "value": [
                {"name": "KUBERNETES_SERVICE_HOST", "value": ADDRESS},
                {"name": "KUBERNETES_SERVICE_PORT", "value": str(layout.api_port)},
            ],
        },
    ]
    return {"target": {"kind": "Deployment"}, "patch": json.dumps(operations)}


def _containerd_settings(layout: Layout) -> str:
    return f"""version = 2
root = "{layout.folder}/containerd/root"
state = "{layout.folder}/containerd/state"
[grpc]
  address = "{layout.containerd_socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{layout.folder}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  # Where CAP_SYS_RESOURCE is missing runc may not lower the score, and says so as a pipe without a process.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  sandbox_image = "localhost/pause:1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{layout.folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


def _pod_network(layout: Layout) -> dict[str, object]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": POD_NETWORK}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": f"{layout.folder}/cni-addresses",
    }
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "ipMasq": False,  # pods reach each other and this machine, and nothing beyond
        "hairpinMode": True,
        "ipam": addresses,
    }
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge]}


def _kubelet_settings(layout: Layout) -> str:
    return f"""apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
enforceNodeAllocatable: []
authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}
authorization: {{mode: AlwaysAllow}}
address: {ADDRESS}
healthzBindAddress: 127.0.0.1
clusterDNS: ["{ADDRESS}"]
clusterDomain: cluster.local
failSwapOn: false
# Kueue waits until its certificate's Secret shows up in its pod, which a minute is the default for.
syncFrequency: 3s
containerRuntimeEndpoint: unix://{layout.containerd_socket}
evictionHard: {{memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}}
localStorageCapacityIsolation: false
makeIPTablesUtilChains: false
podLogsDir: {layout.folder}/pod-logs
volumePluginDir: {layout.folder}/kubelet/exec
"""


def _dns_settings(layout: Layout) -> str:
    return f""".:53 {{
  bind {ADDRESS}
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {layout.kubeconfig} local
    pods insecure
    ttl 2
  }}
  errors
}}
"""

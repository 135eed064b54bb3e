"""Level ``api``: etcd and the API server, with the types of KubeRay and Kueue."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from local_kube.certificates import Certificates, make_certificates
from local_kube.kubectl import Kubectl
from local_kube.layout import ADDRESS, SERVICE_NETWORK, Layout, command
from local_kube.processes import Processes

READY_S = 120.0


def start_api_server(layout: Layout, processes: Processes, programs: dict[str, Path]) -> None:
    """Start both; the file ``kubeconfig`` is for who may do everything."""
    made = make_certificates(layout.certificates)
    _start_etcd(layout, processes)
    # An API server takes whatever etcd answers at that port, another cluster's too.
    own = partial(processes.listens, "etcd", layout.etcd_port)
    processes.wait_for("etcd listens", own, READY_S, "etcd")
    processes.start("kube-apiserver", [programs["kube-apiserver"], *_options(layout, made)])
    layout.kubeconfig.touch(mode=0o600)
    layout.kubeconfig.write_text(_kubeconfig(layout, made))


def await_api_server(processes: Processes, kubectl: Kubectl) -> None:
    processes.wait_for(
        "the API server answers", lambda: kubectl("get", "--raw", "/readyz"), READY_S, "kube-apiserver"
    )


def add_types(processes: Processes, kubectl: Kubectl, manifests: dict[str, Path]) -> None:
    for name in ("kuberay-types", "kueue-types"):
        # Created, not applied: some of them are larger than what apply may note on them.
        kubectl("create", "--validate=false", "-f", str(manifests[name]))
    established = ("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    processes.wait_for("their types are there", lambda: kubectl(*established), READY_S, "kube-apiserver")


def _start_etcd(layout: Layout, processes: Processes) -> None:
    clients, peers = (f"http://127.0.0.1:{port}" for port in (layout.etcd_port, layout.etcd_port + 1))
    processes.start(
        "etcd",
        [
            command("etcd"),
            f"--data-dir={layout.folder / 'etcd'}",
            "--unsafe-no-fsync=true",  # what it holds is thrown away
            "--quota-backend-bytes=8589934592",
            f"--listen-client-urls={clients}",
            f"--advertise-client-urls={clients}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
        ],
    )


def _options(layout: Layout, made: Certificates) -> list[str]:
    return [
        f"--etcd-servers=http://127.0.0.1:{layout.etcd_port}",
        f"--bind-address={layout.host}",
        f"--secure-port={layout.api_port}",
        f"--advertise-address={ADDRESS}",
        f"--cert-dir={layout.certificates}",
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        "--authorization-mode=Node,RBAC",
        "--allow-privileged=true",
        f"--service-account-key-file={made.accounts_key}",
        f"--service-account-signing-key-file={made.accounts_key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--token-auth-file={made.tokens}",
        # Asks etcd for more than Debian's can say.
        "--feature-gates=WatchList=false",
        # No kube-proxy runs: webhooks and the visibility API are reached at their endpoints, and nodes by address.
        "--enable-aggregator-routing=true",
        "--kubelet-preferred-address-types=InternalIP",
        f"--client-ca-file={made.client_ca}",
        f"--requestheader-client-ca-file={made.proxy_ca}",
        "--requestheader-allowed-names=",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={made.proxy}",
        f"--proxy-client-key-file={made.proxy_key}",
    ]


def _kubeconfig(layout: Layout, made: Certificates) -> str:
    server = f"https://{layout.host}:{layout.api_port}"
    authority = layout.certificates / "apiserver.crt"  # the server makes and signs its own
    return f"""apiVersion: v1
kind: Config
clusters:
- name: local
  cluster: {{server: "{server}", certificate-authority: "{authority}"}}
users:
- name: admin
  user: {{token: {made.admin}}}
contexts:
- name: local
  context: {{cluster: local, user: admin}}
current-context: local
"""

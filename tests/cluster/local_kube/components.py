"""What a cluster is made of: programs built with Go, each from a module in a pinned version, and Debian's packages.

``tests/cluster/modules/NAME`` has the ``go.mod`` and ``go.sum`` of each module: Go compares all that it downloads with
the hashes that stand there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

MODULES = Path(__file__).parent.parent / "modules"
GO = (1, 26)
"""The Go that builds them, or a newer one."""


class Level(StrEnum):
    """How much of a cluster runs; each holds the one before it."""

    API = "api"
    """An API server with the types of KubeRay and Kueue; nothing acts on what it holds."""
    QUEUE = "queue"
    """The controllers of Kubernetes, KubeRay and Kueue act, on nodes that are made up (kwok)."""
    NODE = "node"
    """Pods run, on this machine as their node."""

    @property
    def needs_root(self) -> bool:
        return self is not Level.API


@dataclass(frozen=True)
class Program:
    """Built from ``package`` of the module in ``tests/cluster/modules/<module>``, for clusters from ``level`` on.

    Attributes:
        linked: values of Go variables that are set when it is linked.
        cgo: with C, which the kubelet needs to look names of users up.
    """

    name: str
    module: str
    package: str
    level: Level
    linked: tuple[tuple[str, str], ...] = ()
    cgo: bool = False


KUBERNETES = "v1.35.4"
_VERSION = "k8s.io/component-base/version."
_LINKED = (
    (f"{_VERSION}gitVersion", KUBERNETES),
    (f"{_VERSION}gitMajor", KUBERNETES[1:].split(".", maxsplit=1)[0]),
    (f"{_VERSION}gitMinor", KUBERNETES[1:].split(".")[1]),
)


def _kubernetes(name: str, level: Level, *, cgo: bool = False) -> Program:
    return Program(name, "kubernetes", f"k8s.io/kubernetes/cmd/{name}", level, _LINKED, cgo)


PROGRAMS = (
    # Those that most wait for first.
    _kubernetes("kube-apiserver", Level.API),
    _kubernetes("kubectl", Level.API),
    _kubernetes("kube-controller-manager", Level.QUEUE),
    _kubernetes("kube-scheduler", Level.QUEUE),
    Program("kueue", "kueue", "sigs.k8s.io/kueue/cmd/kueue", Level.QUEUE),
    Program("kuberay-operator", "kuberay", "github.com/ray-project/kuberay/ray-operator", Level.QUEUE),
    Program("kwok", "kwok", "sigs.k8s.io/kwok/cmd/kwok", Level.QUEUE),
    _kubernetes("kubelet", Level.NODE, cgo=True),
    Program("coredns", "coredns", "github.com/coredns/coredns", Level.NODE),
    Program("helm", "helm", "helm.sh/helm/v3/cmd/helm", Level.NODE),
    Program("pause", "pause", "bongsu.dev/pause", Level.NODE),
)


@dataclass(frozen=True)
class Installation:
    """How a component is installed in a cluster: what ``kubectl kustomize`` makes of a folder of its module."""

    name: str
    module: str
    path: str
    folder: str


INSTALLATIONS = (
    Installation("kuberay-types", "kuberay", "github.com/ray-project/kuberay/ray-operator", "config/crd"),
    Installation("kuberay", "kuberay", "github.com/ray-project/kuberay/ray-operator", "config/default"),
    Installation("kueue-types", "kueue", "sigs.k8s.io/kueue", "config/components/crd"),
    Installation("kueue", "kueue", "sigs.k8s.io/kueue", "config/default"),
)


@dataclass(frozen=True)
class Package:
    """A package of Debian, known to be there by one of its files."""

    name: str
    file: str
    level: Level


PACKAGES = (
    Package("etcd-server", "/usr/bin/etcd", Level.API),
    Package("iproute2", "/sbin/ip", Level.QUEUE),
    Package("containerd", "/usr/bin/containerd", Level.NODE),
    Package("runc", "/usr/sbin/runc", Level.NODE),
    Package("containernetworking-plugins", "/usr/lib/cni/bridge", Level.NODE),
)


def up_to(level: Level) -> list[Program]:
    """Programs that a cluster of this level needs."""
    levels = list(Level)
    return [one for one in PROGRAMS if levels.index(one.level) <= levels.index(level)]


def packages_up_to(level: Level) -> list[Package]:
    levels = list(Level)
    return [one for one in PACKAGES if levels.index(one.level) <= levels.index(level)]

"""``python -m local_kube up | down | status | kubeconfig | build`` in ``tests/cluster``."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from local_kube.building import CannotBuild, build_all
from local_kube.cluster import FAKE_NODES, CannotRun, Cluster
from local_kube.components import Level
from local_kube.layout import Layout, default_folder
from local_kube.manifests import CannotInstall
from local_kube.processes import NotReady


class HalfUp(Exception):
    """Some of a cluster was started, and some did not come about."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local_kube", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="build what is missing and start a cluster")
    up.add_argument("--level", type=Level, choices=list(Level), default=Level.NODE)
    up.add_argument("--fake-nodes", type=int, help=f"nodes that are made up; {FAKE_NODES} at level queue")
    commands.add_parser("down", help="end it, and leave nothing but its logs")
    commands.add_parser("status", help="what runs of it")
    commands.add_parser("kubeconfig", help="where its kubeconfig is")
    building = commands.add_parser("build", help="build all programs, so that a cluster is up in seconds later")
    building.add_argument("--level", type=Level, choices=list(Level), default=Level.NODE)
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where it lies")
    asked = parser.parse_args()
    try:
        return _obey(asked)
    except (CannotBuild, CannotRun, HalfUp) as error:
        print(error, file=sys.stderr)
        return 1


def _obey(asked: argparse.Namespace) -> int:
    if asked.command == "build":
        build_all(asked.level)
        return 0
    if asked.command == "up":
        cluster, began = Cluster(Layout(asked.folder, asked.level)), time.monotonic()
        fakes = FAKE_NODES if asked.fake_nodes is None and asked.level is Level.QUEUE else asked.fake_nodes or 0
        try:
            cluster.up(fakes, lambda line: print(f"{time.monotonic() - began:6.1f} s  {line}", flush=True))
        except (NotReady, CannotInstall, subprocess.SubprocessError) as error:
            raise HalfUp(
                f"{error}\nSome of it runs; look at {cluster.layout.logs}, then take it down (down)."
            ) from None
        print(f"export KUBECONFIG={cluster.layout.kubeconfig}")
        return 0
    cluster = Cluster(Layout.found(asked.folder))
    if asked.command == "kubeconfig":
        print(cluster.layout.kubeconfig)
    elif asked.command == "down":
        cluster.down()
    else:
        print("\n".join(cluster.processes.described()) or "nothing is up")
    return 0


if __name__ == "__main__":
    sys.exit(main())

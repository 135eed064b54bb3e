"""A cluster: up, looked at, and down again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from local_kube import api_server, building, cleaning, controllers, network, node
from local_kube.components import Level, packages_up_to, up_to
from local_kube.kubectl import Kubectl
from local_kube.layout import BRIDGE, Layout
from local_kube.processes import Processes
from local_kube.removal import remove_folder

FAKE_NODES = 4


class CannotRun(Exception):
    """This machine lacks something, or a cluster is up already; the text says what helps."""


class Cluster:
    """One cluster of this machine, which outlives the process that brings it up.

    Args:
        layout: where it lies.

    Attributes:
        processes: that it consists of.
        kubectl: for who may do everything.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.processes = Processes(layout.processes, layout.logs)
        self.programs = {one.name: building.program(one) for one in up_to(layout.level)}
        self.kubectl = Kubectl(self.programs["kubectl"], layout.kubeconfig)

    def up(self, fake_nodes: int = 0, say: Callable[[str], None] = lambda _line: None) -> None:
        """Build what is missing, and start everything.

        Raises:
            CannotRun: nothing was started.
            building.CannotBuild: nothing was started.
            NotReady: some of it was started; :meth:`down` ends that.
        """
        level = self.layout.level
        lacks = list(self._lacks())
        if lacks:
            raise CannotRun("\n".join(lacks))
        building.build(up_to(level))
        manifests = building.manifests(self.programs["kubectl"])
        remove_folder(self.layout.folder)
        self.layout.folder.mkdir(mode=0o755, parents=True)
        self.layout.note()
        if level.needs_root:
            network.add_bridge(self.layout)
        api_server.start_api_server(self.layout, self.processes, self.programs)
        api_server.await_api_server(self.processes, self.kubectl)
        api_server.add_types(self.processes, self.kubectl, manifests)
        say("the API server answers, and knows the types of KubeRay and Kueue")
        if level is Level.API:
            return
        parts = (self.layout, self.processes, self.programs)
        controllers.start_controllers(*parts, self.kubectl, fake_nodes)
        if level is Level.NODE:
            node.start_node(*parts, self.kubectl)
            say("the node is ready")
        controllers.add_fake_nodes(*parts, self.kubectl, fake_nodes)
        if level is Level.QUEUE:
            controllers.start_operators(*parts, manifests, self.kubectl)
        else:
            node.run_operators(self.layout, self.processes, manifests, self.kubectl)
        controllers.await_kueue(self.processes, self.kubectl, "kueue" if level is Level.QUEUE else "kubelet")
        say("KubeRay and Kueue work")

    def down(self) -> None:
        cleaning.take_down(self.layout, self.processes)

    @property
    def is_up(self) -> bool:
        return bool(self.processes.names())

    def _lacks(self) -> Iterator[str]:
        level = self.layout.level
        if self.is_up:
            yield f"A cluster is up in {self.layout.folder}; take it down first (down)."
        missing = [one.name for one in packages_up_to(level) if not Path(one.file).exists()]
        if missing:
            yield f"Level {level} needs Debian's packages {' '.join(missing)}: apt-get install {' '.join(missing)}"
        if level.needs_root and os.geteuid() != 0:
            yield f"Level {level} needs root: it makes a network and starts containers."
        if level.needs_root and not self.is_up and (other := network.whose()) is not None:
            end = f"python -m local_kube --folder {other or 'FOLDER'} down"
            yield f"There is a network {BRIDGE} already, of another cluster. If nobody needs that: {end}"
        if not self.is_up and (taken := network.taken(self.layout)):
            yield f"Somebody listens at {', '.join(taken)} already: another cluster, in another folder."
        if level is Level.NODE and Path("/var/lib/kubelet/device-plugins/kubelet.sock").exists():
            yield "Another kubelet runs on this machine."

"""Where a cluster's files lie and at which addresses its parts answer."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local_kube.components import Level

BRIDGE = "bongsukube0"
"""A network of this machine's pods, on no wire: nothing routes to it or from it."""
ADDRESS = "10.244.0.1"
POD_NETWORK = "10.244.0.0/24"
FAKE_NETWORK = "10.245.0.0/16"
SERVICE_NETWORK = "10.96.0.0/16"
API_PORT = 16443
ETCD_PORT = 23790
_NOTE = "level"


def default_folder() -> Path:
    """``BONGSU_KUBE_STATE``, or a folder for temporary files. Short: sockets lie there."""
    named = os.environ.get("BONGSU_KUBE_STATE")
    return Path(named) if named else Path(tempfile.gettempdir()) / "bongsu-kube"


@dataclass(frozen=True)
class Layout:
    """Of one cluster.

    Attributes:
        folder: for everything that it writes.
        level: how much of it runs.
        api_port, etcd_port: on :attr:`host` and on loopback.
    """

    folder: Path
    level: Level
    api_port: int = API_PORT
    etcd_port: int = ETCD_PORT

    @classmethod
    def found(cls, folder: Path) -> Layout:
        """Of a cluster that came up in a folder; of level ``node`` where nothing says otherwise."""
        note = folder / _NOTE
        return cls(folder, Level(note.read_text()) if note.exists() else Level.NODE)

    def note(self) -> None:
        """For whoever finds the folder."""
        (self.folder / _NOTE).write_text(self.level)

    @property
    def host(self) -> str:
        """At which its API server listens: on loopback, or where pods reach it too."""
        return ADDRESS if self.level.needs_root else "127.0.0.1"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def certificates(self) -> Path:
        return self.folder / "certificates"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def processes(self) -> Path:
        return self.folder / "processes"

    @property
    def containerd_socket(self) -> Path:
        return self.folder / "containerd" / "containerd.sock"


def command(name: str) -> str:
    """A program of Debian's, also where the folders of administrators' are not looked into."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or name

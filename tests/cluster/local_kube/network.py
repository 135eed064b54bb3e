"""The bridge of a cluster, to which nothing but its pods is connected."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from local_kube.layout import ADDRESS, BRIDGE, Layout, command

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


def add_bridge(layout: Layout) -> None:
    """Make it, and note how the machine forwarded before: the plugin that connects pods changes that."""
    (layout.folder / "forwarding").write_text(_FORWARDING.read_text())
    _ip("link", "add", BRIDGE, "type", "bridge")
    (layout.folder / "bridge").touch()
    _ip("link", "set", BRIDGE, "alias", str(layout.folder))
    _ip("addr", "add", f"{ADDRESS}/24", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")


def remove_bridge(layout: Layout) -> None:
    """Remove it, if this cluster made it."""
    if not (layout.folder / "bridge").exists():
        return
    subprocess.run([command("ip"), "link", "del", BRIDGE], check=False, capture_output=True)
    _FORWARDING.write_text((layout.folder / "forwarding").read_text())


def taken(layout: Layout) -> list[str]:
    """Addresses at which a cluster's API server and its etcd would listen, and somebody else does.

    The cluster's own network is not there yet: whoever listens on loopback or everywhere is found.
    """
    ports = (layout.api_port, layout.etcd_port, layout.etcd_port + 1)
    return [f"127.0.0.1:{port}" for port in ports if _is_taken(port)]


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # who listened there a moment ago is no matter
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def whose() -> str | None:
    """The folder of the cluster that has the network of this machine now; None where there is none."""
    alias = Path(f"/sys/class/net/{BRIDGE}/ifalias")
    return alias.read_text().strip() if alias.exists() else None


def _ip(*arguments: str) -> None:
    subprocess.run([command("ip"), *arguments], check=True, capture_output=True, text=True)

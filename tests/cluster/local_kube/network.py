"""The bridge of a cluster, to which nothing but its pods is connected."""

from __future__ import annotations

import subprocess
from pathlib import Path

from local_kube.layout import ADDRESS, BRIDGE, Layout, command

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


def add_bridge(layout: Layout) -> None:
    """Make it, and note how the machine forwarded before: the plugin that connects pods changes that."""
    (layout.folder / "forwarding").write_text(_FORWARDING.read_text())
    _ip("link", "add", BRIDGE, "type", "bridge")
    (layout.folder / "bridge").touch()
    _ip("addr", "add", f"{ADDRESS}/24", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")


def remove_bridge(layout: Layout) -> None:
    """Remove it, if this cluster made it."""
    if not (layout.folder / "bridge").exists():
        return
    subprocess.run([command("ip"), "link", "del", BRIDGE], check=False, capture_output=True)
    _FORWARDING.write_text((layout.folder / "forwarding").read_text())


def is_there() -> bool:
    return Path(f"/sys/class/net/{BRIDGE}").exists()


def _ip(*arguments: str) -> None:
    subprocess.run([command("ip"), *arguments], check=True, capture_output=True, text=True)

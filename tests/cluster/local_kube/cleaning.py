"""Taking a cluster down: what it started is ended, and nothing of it is left. Safe to repeat, and after a crash."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from local_kube.layout import Layout, command
from local_kube.network import remove_bridge
from local_kube.node import ctr
from local_kube.processes import Processes
from local_kube.removal import remove_folder

PODS_S = 10.0
_LAST = ("kube-apiserver", "etcd")


def take_down(layout: Layout, processes: Processes) -> None:
    """All of it, but for the logs."""
    processes.stop("kubelet")
    if processes.get("containerd") is not None:
        _end_pods(layout)
    others = [name for name in processes.names() if name not in _LAST]
    processes.stop(*others)
    # Asked to end, the API server takes up to a minute for what is thrown away anyway.
    processes.stop(*_LAST, how=signal.SIGKILL)
    for place in _mounts(layout.folder):
        subprocess.run([command("umount"), "--lazy", str(place)], check=False, capture_output=True)
    remove_bridge(layout)
    if (layout.folder / "kubelet.yaml").exists():
        _remove_what_kubelet_left(layout)
    if (layout.folder / "visibility").exists():
        remove_folder(Path("/visibility"))
    for path in layout.folder.iterdir() if layout.folder.exists() else ():
        if path == layout.logs:
            continue
        if path.is_dir():
            remove_folder(path)
        else:
            path.unlink()


def _end_pods(layout: Layout) -> None:
    deadline = time.monotonic() + PODS_S
    while time.monotonic() < deadline:
        tasks = ctr(layout, "tasks", "ls", "-q").split()
        if not tasks:
            break
        for task in tasks:
            for words in (("kill", "-s", "SIGKILL"), ("rm", "-f")):
                with contextlib.suppress(subprocess.CalledProcessError):  # it may have ended meanwhile
                    ctr(layout, "tasks", *words, task)
        time.sleep(0.1)
    for container in ctr(layout, "containers", "ls", "-q").split():
        with contextlib.suppress(subprocess.CalledProcessError):
            ctr(layout, "containers", "rm", container)
    for shim in _shims(layout):
        with contextlib.suppress(psutil.NoSuchProcess):
            shim.kill()


def _shims(layout: Layout) -> Iterator[psutil.Process]:
    """Processes that hold pods for our containerd, which outlive it."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "containerd-shim" in process.name() and str(layout.containerd_socket) in process.cmdline():
                yield process


def _mounts(folder: Path) -> list[Path]:
    """Below a folder, the innermost first."""
    places = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    below = [place for place in places if place.startswith(f"{folder}/")]
    return [Path(place.encode().decode("unicode_escape")) for place in sorted(below, reverse=True)]


def _remove_what_kubelet_left(layout: Layout) -> None:
    """At places that are fixed in it."""
    for group in Path("/sys/fs/cgroup").glob("*/kubepods"):
        _remove_group(group)
    _remove_group(Path("/sys/fs/cgroup/kubepods"))
    plugins = Path("/var/lib/kubelet/device-plugins")
    for path in plugins.glob("kubelet*") if plugins.is_dir() else ():
        path.unlink()
    for folder in (plugins, plugins.parent):
        with contextlib.suppress(OSError):  # not empty: it is somebody else's
            folder.rmdir()
    links = Path("/var/log/containers")
    for link in links.iterdir() if links.is_dir() else ():
        if link.is_symlink() and str(link.readlink()).startswith(f"{layout.folder}/"):
            link.unlink()


def _remove_group(group: Path) -> None:
    if not group.is_dir():
        return
    for inner in group.iterdir():
        if inner.is_dir():
            _remove_group(inner)
    with contextlib.suppress(OSError):  # a process of it is still about to end
        group.rmdir()

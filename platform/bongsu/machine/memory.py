"""Memory of the machine, or of the control group that holds this process if that has less (containers have one)."""

from __future__ import annotations

from pathlib import Path

import psutil

_GROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def total_memory(groups: Path = _GROUPS, membership: Path = _MEMBERSHIP) -> int:
    """Bytes that this process and its like may have together."""
    limits = [limit for limit, _ in _limits(groups, membership)]
    return min([int(psutil.virtual_memory().total), *limits])


def available_memory(groups: Path = _GROUPS, membership: Path = _MEMBERSHIP) -> int:
    """Bytes that can still be taken without swapping."""
    left = [max(0, limit - used) for limit, used in _limits(groups, membership)]
    return min([int(psutil.virtual_memory().available), *left])


def _limits(groups: Path, membership: Path) -> list[tuple[int, int]]:
    """(limit, used) of the group of this process and of those above it, where they have a limit (cgroup v2:
    https://docs.kernel.org/admin-guide/cgroup-v2.html, "Memory Interface Files")."""
    try:
        rows = membership.read_text().splitlines()
    except OSError:
        return []
    own = next((row.removeprefix("0::") for row in rows if row.startswith("0::")), None)
    if own is None:
        return []
    place = groups / own.lstrip("/")
    found = []
    for folder in [place, *(parent for parent in place.parents if parent.is_relative_to(groups))]:
        try:
            limit = (folder / "memory.max").read_text().strip()
            if limit != "max":
                found.append((int(limit), int((folder / "memory.current").read_text()) - _cache(folder)))
        except (OSError, ValueError):
            continue
    return found


def _cache(folder: Path) -> int:
    """Bytes of files that the kernel drops when somebody needs the room."""
    rows = (folder / "memory.stat").read_text().splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith("inactive_file "))

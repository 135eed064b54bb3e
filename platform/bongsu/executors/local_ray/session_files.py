"""Where Ray keeps its logs and sockets, and letting go of what sessions of dead processes left there."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import psutil

# A Unix socket's path has at most 107 bytes, of which Ray needs so many below its directory.
_SOCKET_PATH_BYTES = 107
_RAY_NEEDS_BYTES = 75
_OWNER_ALONE = 0o700
_SESSION = re.compile(r"session_\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}_\d+_(?P<pid>\d+)")


def session_root(environment: Mapping[str, str]) -> str | None:
    """A directory of this user alone for Ray's sessions, freed of old ones; None (Ray's own choice) if there cannot be
    one, or ``environment`` names another.

    The newest session is kept although its process is dead: its logs may be wanted.
    """
    if "RAY_TMPDIR" in environment:
        return None
    return next((str(root) for base in (tempfile.gettempdir(), "/tmp") if (root := _root_below(base))), None)


def _root_below(base: str) -> Path | None:
    mine = Path(base) / f"bongsu-ray-{os.getuid()}"
    # Ray opens the directory that it is given to everybody, so that one lies within one that stays closed.
    root = mine / "r"
    if not _is_short_enough(root):
        return None
    try:
        mine.mkdir(mode=_OWNER_ALONE, exist_ok=True)
        if mine.is_symlink() or mine.stat().st_uid != os.getuid():
            return None
        mine.chmod(_OWNER_ALONE)
        root.mkdir(exist_ok=True)
    except OSError:
        return None
    clear_dead_sessions(root)
    return root


def _is_short_enough(root: Path) -> bool:
    """True if Ray's sockets below ``root`` get paths that a Unix socket can have."""
    return len(os.fsencode(root)) + _RAY_NEEDS_BYTES <= _SOCKET_PATH_BYTES


def clear_dead_sessions(root: Path) -> None:
    """Delete sessions whose process is gone, but for the newest of them."""
    dead = [path for path in root.iterdir() if _is_dead(path)]
    for path in sorted(dead)[:-1]:
        shutil.rmtree(path, ignore_errors=True)


def _is_dead(path: Path) -> bool:
    found = _SESSION.fullmatch(path.name)
    return found is not None and not path.is_symlink() and not psutil.pid_exists(int(found["pid"]))

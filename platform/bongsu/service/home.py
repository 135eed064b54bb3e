"""The directory of all state of one machine: what lies where, that it is a directory of this machine, and that it is
its owner's alone."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bongsu.domain.codes import run as codes

DATABASE = "bongsu.db"
ARTIFACTS = "artifacts"
ARTIFACT_CACHE = "cache"
STORE_RECORD = "artifacts.json"
LOGS = "logs"
ENVIRONMENTS = "environments"
PICTURES = "pictures"
LOCK = "driver.lock"
MASKING_KEY = "masking.key"
CONSOLE_SECRET = "console.secret"
AUDIT_KEY = "audit.key"
SITE_KEY = "site.key"
PUBLISHER_LOCK = "delivery.lock"
DELIVERY_LOG = "delivery.log"
RAY_LOG = "ray.log"
TRACKING_DATABASE = "mlflow.db"
TRACKING_KEY = "mlflow.key"
_OF_OTHERS = ("mlflow", "registry")  # bongsu.tracking.settings
_DATABASE_SUFFIXES = ("", "-wal", "-shm")

FOLDER_MODE = 0o700
PRIVATE_UMASK = 0o077
_OTHERS = 0o077
# ``s3://bucket`` as a path: its first part.
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:$")


def local_home(home: Path) -> Path:
    """The absolute path. Raises ``run.home-not-local`` for an address such as ``s3://...``."""
    for place, part in enumerate(home.parts):
        if _SCHEME.match(part):
            address = f"{part}//" + "/".join(home.parts[place + 1 :])
            raise codes.HOME_NOT_LOCAL.error(home=address)
    return home.absolute()


def refuse_closed(home: Path) -> None:
    """Raise ``run.home-closed`` if this user may not read what is there, which says whose it is. A home that is no
    directory is told by those who look for something in it."""
    if home.exists() and not home.is_dir():
        return
    for path in (home, home / STORE_RECORD, home / DATABASE):
        needed = os.R_OK | os.X_OK if path == home else os.R_OK
        owner = _owner_if_closed(path, needed)
        if owner is not None:
            raise codes.HOME_CLOSED.error(home=str(home), owner=_named(owner), user=_named(os.geteuid()))


def _owner_if_closed(path: Path, needed: int) -> int | None:
    """User id of whoever closed the path, or a directory on the way to it; None if it is open, or not there."""
    try:
        found = path.stat()
    except PermissionError:
        return _owner_if_closed(path.parent, os.X_OK) if path != path.parent else None
    except (OSError, ValueError):
        return None
    return None if os.access(path, needed) else found.st_uid


def _named(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def prepare_home(home: Path) -> None:
    """Make the directory for its owner alone, and close an existing one to others. What cannot be done is left to
    those who need it; a directory that may be somebody else's, or all people's, is left as it is."""
    with contextlib.suppress(OSError):
        if not home.exists():
            home.mkdir(parents=True, mode=FOLDER_MODE)
        elif (home / DATABASE).exists() or not any(home.iterdir()):
            mode = home.stat().st_mode
            if mode & _OTHERS and not mode & stat.S_ISVTX:
                home.chmod(FOLDER_MODE)


def holds_work(home: Path) -> bool:
    """True if runs left artifacts or logs here, so that there has to be a database that knows of them."""
    from bongsu.artifacts.local import LocalStore

    if next(LocalStore(home / ARTIFACTS).digests(), None) is not None:
        return True
    return (home / LOGS).is_dir() and any((home / LOGS).iterdir())


@dataclass(frozen=True)
class Closing:
    """How many files and directories were closed to others, and how many could not be."""

    closed: int
    refused: int


def close_to_others(home: Path) -> Closing:
    """Take every right of others from what is Bongsu's in ``home``; what the owner may do stays."""
    closed = refused = 0
    for path in _own(home):
        try:
            mode = path.lstat().st_mode
            if not mode & _OTHERS or stat.S_ISLNK(mode):
                continue
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
            closed += 1
        except FileNotFoundError:
            continue
        except OSError:
            refused += 1
    return Closing(closed, refused)


def _own(home: Path) -> Iterator[Path]:
    if (home / DATABASE).exists():
        yield home
    for name in (DATABASE, TRACKING_DATABASE):
        yield from (home / f"{name}{suffix}" for suffix in _DATABASE_SUFFIXES)
    logs = (DELIVERY_LOG, RAY_LOG, f"{RAY_LOG}.1")
    yield from (
        home / name for name in (LOCK, MASKING_KEY, AUDIT_KEY, SITE_KEY, STORE_RECORD, PUBLISHER_LOCK, *logs)
    )
    for name in (ARTIFACTS, ARTIFACT_CACHE, LOGS, ENVIRONMENTS, PICTURES, *_OF_OTHERS):
        yield home / name
        for base, folders, files in os.walk(home / name):
            yield from (Path(base, found) for found in (*folders, *files))

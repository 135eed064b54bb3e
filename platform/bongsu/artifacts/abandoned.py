"""What writers left that were killed, under keys that nobody asks for again: each upload has one of its own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bongsu.artifacts.durable import remove_empty
from bongsu.artifacts.local_writer import STAGING
from bongsu.machine.removing import remove_tree

_PARTS = (".tree", ".old", ".journal")


def clear_staged(store: Path, family: str, before: float) -> int:
    """Delete what was being written under keys of a family by who writes it no longer; of how many keys.

    Args:
        store: folder of a local store, or of the cache of one in a bucket.
        family: what these keys begin with, up to the first ``/``.
        before: seconds since the epoch. What was touched later stays: locks of another machine may not be seen here.
    """
    top = store / STAGING
    found = 0
    for lock in sorted((top / family).glob("*.lock")):
        parts = [lock.with_suffix(suffix) for suffix in _PARTS]
        if max(map(_touched, (lock, *parts))) >= before:
            continue
        with _held(lock) as is_ours:
            if is_ours:
                for part in parts:
                    remove_tree(part) if part.is_dir() else part.unlink(missing_ok=True)
                lock.unlink(missing_ok=True)
                found += 1
    remove_empty(top / family, top)
    return found


def _touched(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


@contextmanager
def _held(lock: Path) -> Iterator[bool]:
    """Whether nobody else has it; nobody takes it then until the end."""
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)

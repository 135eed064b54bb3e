"""Checking a tree that is handed out as a directory or in parts, which nobody can check while it is read.

Small files are hashed every time. A large one is hashed once, and again when its inode tells of any change since: the
kernel moves the time of the last change (ctime) with every write, and no owner of a file can set it (inode(7)).
"""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bongsu.artifacts.checking import THREADS, file_fault, unlisted
from bongsu.artifacts.durable import make_folder, write_whole
from bongsu.domain.artifact import FileEntry, Manifest
from bongsu.domain.problems import Problem

LARGE_BYTES = 64 * 1024 * 1024


def hand_out_faults(folder: Path, manifest: Manifest, notes: Path) -> list[Problem]:
    """What differs between files and their manifest; a file that is not listed differs too.

    Args:
        folder: where the files lie.
        manifest: what they should be.
        notes: a file that says which large files were hashed, and as what they were found; made if it may be.
    """
    known = _read(notes)
    fresh: dict[str, list[int]] = {}

    def fault(entry: FileEntry) -> Problem | None:
        path = folder / entry.path
        if entry.size <= LARGE_BYTES:
            return file_fault(path, entry, manifest.digest)
        stamp = _stamp(path)
        if stamp is not None and known.get(entry.path) == stamp:
            return None
        problem = file_fault(path, entry, manifest.digest)
        if problem is None and stamp is not None:
            fresh[entry.path] = stamp
        return problem

    with ThreadPoolExecutor(THREADS) as pool:
        found = [problem for problem in pool.map(fault, manifest.files) if problem]
    found += unlisted(folder, manifest)
    if fresh:
        _note(notes, fresh)
    return found


class RangeChecks:
    """Files of which parts are read: each is hashed as a whole before, unless it was and is as it was then.

    Args:
        folder, manifest, notes: as of :func:`hand_out_faults`.
    """

    def __init__(self, folder: Path, manifest: Manifest, notes: Path) -> None:
        self._folder = folder
        self._manifest = manifest
        self._notes = notes
        self._seen: dict[str, list[int]] = {}

    def fault(self, entry: FileEntry) -> Problem | None:
        path = self._folder / entry.path
        stamp = _stamp(path)
        if stamp is None or self._seen.get(entry.path) != stamp:
            is_large = entry.size > LARGE_BYTES
            if stamp is None or not (is_large and _read(self._notes).get(entry.path) == stamp):
                problem = file_fault(path, entry, self._manifest.digest)
                if problem is not None:
                    return problem
                if stamp is not None and is_large:
                    _note(self._notes, {entry.path: stamp})
            if stamp is not None:
                self._seen[entry.path] = stamp
        return None


def _note(notes: Path, fresh: dict[str, list[int]]) -> None:
    with contextlib.suppress(OSError):  # a store that may only be read is hashed every time
        make_folder(notes.parent)
        write_whole(notes, json.dumps(_read(notes) | fresh, sort_keys=True).encode())


def _stamp(path: Path) -> list[int] | None:
    try:
        stat = path.lstat()
    except OSError:  # what is wrong is told when it is hashed
        return None
    return [stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]


def _read(notes: Path) -> dict[str, Any]:
    try:
        found = json.loads(notes.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

"""Checking a tree that is handed out as a directory or in parts, which nobody can check while it is read.

Small files are hashed every time. A large one is hashed once, and again when its inode tells of any change since: the
kernel moves the time of the last change (ctime) with every write, and no owner of a file can set it (inode(7)).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bongsu.artifacts.checking import THREADS, file_fault, unlisted
from bongsu.artifacts.durable import make_folder, write_whole
from bongsu.artifacts.stamps import Stamp, stamp_of
from bongsu.domain.artifact import FileEntry, Manifest
from bongsu.domain.problems import Problem

LARGE_BYTES = 64 * 1024 * 1024


class HandingOut:
    """What of a tree was hashed, and as what it was found.

    Args:
        folder: where the files lie.
        manifest: what they should be.
        notes: a file that says which large files were hashed; made if it may be.
    """

    def __init__(self, folder: Path, manifest: Manifest, notes: Path) -> None:
        self._folder = folder
        self._manifest = manifest
        self._notes = notes
        self._seen: dict[str, Stamp] = {}

    def faults(self) -> list[Problem]:
        """What differs before the directory is handed out; a file that is not listed differs too."""
        known = _read(self._notes)
        fresh: dict[str, Stamp] = {}
        with ThreadPoolExecutor(THREADS) as pool:
            found = [one for one in pool.map(lambda e: self._fault(e, known, fresh), self._manifest.files) if one]
        self._note(fresh)
        return [*found, *unlisted(self._folder, self._manifest)]

    def fault(self, entry: FileEntry) -> Problem | None:
        """What is wrong with a file before a part of it is handed out. One that is as it was at the last part is not
        hashed again."""
        stamp = stamp_of(self._folder / entry.path)
        if stamp is not None and self._seen.get(entry.path) == stamp:
            return None
        fresh: dict[str, Stamp] = {}
        problem = self._fault(entry, _read(self._notes), fresh)
        self._note(fresh)
        if problem is None and stamp is not None:
            self._seen[entry.path] = stamp
        return problem

    def _fault(self, entry: FileEntry, known: Mapping[str, Any], fresh: dict[str, Stamp]) -> Problem | None:
        """Hash the file, unless it is large and ``known`` as it is; one that was hashed becomes ``fresh``."""
        path = self._folder / entry.path
        stamp = stamp_of(path) if entry.size > LARGE_BYTES else None
        if stamp is not None and known.get(entry.path) == list(stamp):
            return None
        problem = file_fault(path, entry, self._manifest.digest)
        if problem is None and stamp is not None:
            fresh[entry.path] = stamp
        return problem

    def _note(self, fresh: dict[str, Stamp]) -> None:
        if not fresh:
            return
        with contextlib.suppress(OSError):  # a store that may only be read is hashed every time
            make_folder(self._notes.parent)
            write_whole(self._notes, json.dumps(_read(self._notes) | fresh, sort_keys=True).encode())


def _read(notes: Path) -> dict[str, Any]:
    try:
        found = json.loads(notes.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

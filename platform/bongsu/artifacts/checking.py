"""Comparing a tree with its manifest: by sizes, which costs nothing, or by every byte."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import ValidationError

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.hashing import hash_file
from bongsu.domain.artifact import FileEntry, Manifest
from bongsu.domain.codes import artifact as codes
from bongsu.domain.ids import Digest
from bongsu.domain.problems import BongsuError, Problem

THREADS = 4


def fault_of(artifacts: ArtifactStore, digest: Digest) -> Problem | None:
    """Why a tree cannot be used, as far as its manifest and the sizes of its files tell; None if they tell nothing.

    Raises:
        OSError, BongsuError: the store does not answer at the moment.
    """
    try:
        artifacts.reader(digest).check_sizes()
    except BongsuError as error:
        first = error.problems[0]
        if first.code in (codes.MISSING, codes.CORRUPT):
            return first
        raise
    return None


def is_damage(error: BongsuError) -> bool:
    """True if it says that a tree is not whole, and not that the store cannot be asked."""
    return {problem.code for problem in error.problems} <= {codes.CORRUPT, codes.MISSING}


def is_broken(artifacts: ArtifactStore, digest: Digest) -> bool:
    """True if the tree stands and reading all of it finds damage.

    Raises:
        OSError, BongsuError: the store does not answer at the moment.
    """
    if not artifacts.has(digest):
        return False
    try:
        artifacts.reader(digest).verify()
    except BongsuError as error:
        if is_damage(error):
            return True
        raise
    return False


def local_faults(folder: Path, manifest: Manifest, *, by_size: bool = False) -> list[Problem]:
    """What differs between files and their manifest; a file that is not listed differs too.

    Args:
        folder: where the files lie.
        manifest: what they should be.
        by_size: read none, and compare sizes.
    """

    def fault(entry: FileEntry) -> Problem | None:
        return file_fault(folder / entry.path, entry, manifest.digest, by_size=by_size)

    if by_size:
        found = list(map(fault, manifest.files))
    else:
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(fault, manifest.files))
    return [*(problem for problem in found if problem), *unlisted(folder, manifest)]


def unlisted(folder: Path, manifest: Manifest) -> Iterator[Problem]:
    """Files below ``folder`` that the manifest does not list, and directories that are links: whoever is given the
    folder would read them as well."""
    listed = {entry.path for entry in manifest.files}
    for base, folders, names in os.walk(folder):
        for name in (*(name for name in folders if Path(base, name).is_symlink()), *names):
            path = Path(base, name).relative_to(folder).as_posix()
            if path not in listed:
                yield codes.CORRUPT.at(path=path, digest=manifest.digest, detail="it does not belong to the tree")


def is_gone_wrong(error: OSError) -> bool:
    """True if it says that something else stands where a file should be, and not that the machine cannot read now."""
    return error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP)


def not_a_manifest(error: Exception) -> str:
    """Why the bytes that should be a manifest are none, in words: pydantic's own are for programmers."""
    if isinstance(error, ValidationError):
        is_json = all(one["type"] != "json_invalid" for one in error.errors(include_url=False))
    else:
        is_json = isinstance(error, KeyError | TypeError)
    return "it is no manifest" if is_json else "it is no JSON"


def size_fault(entry: FileEntry, digest: Digest, size: int | None) -> Problem | None:
    """What is wrong with a file of which only the size in bytes is known; None if it is not there."""
    if size == entry.size:
        return None
    detail = "it is gone" if size is None else f"it has {size} bytes instead of {entry.size}"
    return codes.CORRUPT.at(path=entry.path, digest=digest, detail=detail)


def file_fault(path: Path, entry: FileEntry, digest: Digest, *, by_size: bool = False) -> Problem | None:
    """What is wrong with the file at ``path``, which should be ``entry`` of the tree ``digest``.

    Raises:
        OSError: it cannot be read now, which says nothing about it.
    """
    try:
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode):
            return codes.CORRUPT.at(path=entry.path, digest=digest, detail="it is not a file")
        if facts.st_size != entry.size:
            return size_fault(entry, digest, facts.st_size)
        if by_size:
            return None
        detail = "" if hash_file(path)[1] == entry.sha256 else "its bytes changed"
    except FileNotFoundError:
        return size_fault(entry, digest, None)
    except OSError as error:
        if not is_gone_wrong(error):
            raise
        detail = error.strerror or str(error)
    return codes.CORRUPT.at(path=entry.path, digest=digest, detail=detail) if detail else None

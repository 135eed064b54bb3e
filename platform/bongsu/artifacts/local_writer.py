"""Writing one tree of a local store."""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import BinaryIO, cast

from bongsu.artifacts.checking import local_faults
from bongsu.artifacts.claim import Claim
from bongsu.artifacts.durable import (
    FOLDER_MODE,
    make_folder,
    private,
    sync_directory,
    sync_file,
    write_whole,
)
from bongsu.artifacts.hashing import HashingWriter, copy_hashed, hash_file
from bongsu.artifacts.refusals import writing_to
from bongsu.artifacts.regular_files import THREADS, add_each, refuse_irregular, regular_files
from bongsu.artifacts.stamps import Stamp, stamp_of
from bongsu.domain.artifact import FileEntry, Manifest, check_tree_path
from bongsu.domain.codes import artifact as codes

SMALL = 1 << 20
"""Bytes up to which a file is made durable with all others, when the tree is committed: a disk takes them together in
little more time than one of them."""
_SYNCING = 32
STAGING = "staging"
# What is committed does not change, and is its owner's alone.
_COMMITTED = 0o400


class LocalWriter:
    """Fills ``staging/<key>.tree`` and makes it a tree, holding ``staging/<key>.lock`` meanwhile.

    ``staging/<key>.journal`` lists files that are complete (path, size, mtime, SHA-256), so a copy that was
    interrupted goes on where it stopped. What another process left is hashed again before it counts: no copy, but
    its bytes may have changed since.
    """

    def __init__(self, root: Path, key: str) -> None:
        self._root = root
        self._key = key
        self._top = root / STAGING
        self._staging = self._top / f"{key}.tree"
        self._replaced = self._top / f"{key}.old"
        self._journal = self._top / f"{key}.journal"
        self._claim = Claim(self._top / f"{key}.lock", self._top)
        self._settled = False
        self._lock = Lock()
        self._left: dict[str, tuple[int, int, str]] | None = None
        self._written: dict[str, tuple[int, int, str]] = {}
        self._durable: set[str] = set()
        self._noting: tuple[Callable[[], object], int] | None = None
        self._sources: dict[str, Stamp | None] = {}

    def alone(self) -> AbstractContextManager[None]:
        self._begin()
        return self._claim.kept()

    @property
    def directory(self) -> Path:
        self._begin()
        with self._explained():
            return make_folder(self._staging)

    def create(self, path: str) -> BinaryIO:
        target = self._target(path)
        self._sources[path] = None
        with self._explained():
            file = open(target, "wb", opener=private)  # noqa: SIM115 - the stream closes it
        writer = HashingWriter(file, lambda s, d: self._note_created(path, target, s, d), self._explained, SMALL)
        return cast(BinaryIO, io.BufferedWriter(writer, 1024 * 1024))

    def add(self, path: str, source: Path) -> None:
        refuse_irregular(path, source)
        self._begin()
        stamp = stamp_of(source)
        is_same = self._sources.get(path, stamp) == stamp
        self._sources[path] = stamp
        if is_same and self._complete(path, self._staging / check_tree_path(path), source.stat().st_size):
            return
        target = self._target(path)
        with self._explained():
            size, digest = copy_hashed(source, target)
        self._durable.add(path)
        self._note(path, target, size, digest)

    def add_tree(self, source: Path) -> None:
        add_each(self.add, source)

    def commit(self) -> Manifest:
        self._begin()
        with self._explained():
            manifest = self._listing()
        if not manifest.files:
            self.abort()
            raise codes.EMPTY_TREE.error(key=self._key)
        final = self._root / "trees" / manifest.digest.removeprefix("sha256-")[:2] / manifest.digest
        # A directory may stand that a killed writer left, or whose bytes changed since. Nobody waits while it is read.
        before = _inode(final)
        is_whole = _stands_whole(final, manifest)
        with self._explained(), committing(self._root):
            if _inode(final) != before:
                is_whole = _stands_whole(final, manifest)
            if not is_whole:
                self._move(final)
            listing = self._root / "manifests" / f"{manifest.digest}.json"
            data = manifest.model_dump_json().encode()
            if _content(listing) != data:
                write_whole(listing, data)
        self.abort()
        return manifest

    def abort(self) -> None:
        if self._settled:
            return
        self._begin()
        self._close_journal()
        shutil.rmtree(self._staging, ignore_errors=True)
        shutil.rmtree(self._replaced, ignore_errors=True)
        self._journal.unlink(missing_ok=True)
        self._settled = True
        self._claim.release()

    def _begin(self) -> None:
        with self._explained():
            self._claim.take(self._read_again)

    def _read_again(self) -> None:
        """Another writer of the key may have worked since."""
        self._left, self._written, self._sources, self._settled = None, {}, {}, False
        self._durable = set()  # what it left may be in memory alone
        self._close_journal()

    def _move(self, final: Path) -> None:
        make_folder(final.parent)
        if final.exists() or final.is_symlink():
            final.rename(self._replaced)
        self._staging.rename(final)
        sync_directory(final.parent)

    def _listing(self) -> Manifest:
        """Hash what was not hashed on the way, make everything durable and read-only."""
        files = sorted(regular_files(self.directory))
        with ThreadPoolExecutor(_SYNCING) as pool:
            waiting = [file for file in files if file.relative_to(self._staging).as_posix() not in self._durable]
            for _ in pool.map(sync_file, waiting):
                pass
        with ThreadPoolExecutor(THREADS) as pool:
            entries = list(pool.map(self._entry, files))
        for folder, _folders, _names in os.walk(self._staging):
            Path(folder).chmod(FOLDER_MODE)
            sync_directory(Path(folder))
        return Manifest(files=tuple(entries))

    def _entry(self, file: Path) -> FileEntry:
        path = check_tree_path(file.relative_to(self._staging).as_posix())
        known = self._written.get(path)
        stat = file.stat()
        if known and known[:2] == (stat.st_size, stat.st_mtime_ns):
            size, digest = known[0], known[2]
        else:
            sync_file(file)
            size, digest = hash_file(file)
        file.chmod(_COMMITTED)
        return FileEntry(path=path, size=size, sha256=digest)

    def _target(self, path: str) -> Path:
        """Where the file will be written; an earlier one, which may be read-only already, makes room."""
        target = self.directory / check_tree_path(path)
        with self._explained():
            make_folder(target.parent)
            target.unlink(missing_ok=True)
        self._durable.discard(path)
        return target

    def _complete(self, path: str, target: Path, size: int) -> bool:
        known = self._written.get(path) or self._journaled().get(path)
        if not known or known[0] != size or not target.exists():
            return False
        stat = target.stat()
        if known[:2] != (stat.st_size, stat.st_mtime_ns):
            return False
        if path not in self._written:
            if hash_file(target)[1] != known[2]:
                return False
            self._written[path] = known
        return True

    def _journaled(self) -> dict[str, tuple[int, int, str]]:
        with self._lock:
            if self._left is None:
                self._left = dict(_read_journal(self._journal))
            return self._left

    def _note_created(self, path: str, target: Path, size: int, digest: str) -> None:
        if size > SMALL:
            self._durable.add(path)
        self._note(path, target, size, digest)

    def _note(self, path: str, target: Path, size: int, digest: str) -> None:
        row = (size, target.stat().st_mtime_ns, digest)
        self._written[path] = row
        with self._explained(), self._lock:
            if self._noting is None:
                descriptor = private(str(self._journal), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC)
                self._noting = weakref.finalize(self, os.close, descriptor), descriptor
            # By the line: what is complete is known to whoever goes on after this process was killed.
            os.write(self._noting[1], (json.dumps([path, *row]) + "\n").encode())

    def _close_journal(self) -> None:
        with self._lock:
            if self._noting is not None:
                self._noting[0]()
                self._noting = None

    def _explained(self) -> AbstractContextManager[None]:
        return writing_to(self._root)


@contextmanager
def committing(root: Path) -> Iterator[None]:
    """Hold the store at ``root`` while trees come or go, so that no two processes are at the same one."""
    with open(make_folder(root / STAGING) / ".lock", "w", opener=private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _inode(path: Path) -> int | None:
    return path.lstat().st_ino if os.path.lexists(path) else None


def _stands_whole(folder: Path, manifest: Manifest) -> bool:
    """True if the directory has exactly the files of the manifest, byte for byte."""
    return not folder.is_symlink() and folder.is_dir() and not local_faults(folder, manifest)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _read_journal(path: Path) -> Iterator[tuple[str, tuple[int, int, str]]]:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            name, size, mtime, digest = json.loads(line)
        except ValueError:
            continue  # the last line of a killed writer
        yield name, (size, mtime, digest)

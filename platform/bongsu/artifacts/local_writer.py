"""Writing one tree of a local store."""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import BinaryIO, cast

from bongsu.artifacts.durable import create_once, sync_directory, sync_file
from bongsu.artifacts.hashing import HashingWriter, copy_hashed, hash_file
from bongsu.domain.artifact import FileEntry, Manifest, check_tree_path
from bongsu.domain.codes import artifact as codes

THREADS = 4
_FULL = (errno.ENOSPC, errno.EDQUOT)


class LocalWriter:
    """Fills ``staging/<key>/tree`` and makes it a tree. One process writes under a key at a time.

    ``staging/<key>/journal`` lists files that are complete (path, size, mtime, SHA-256), so a copy that was
    interrupted goes on where it stopped.
    """

    def __init__(self, root: Path, key: str) -> None:
        self._root = root
        self._key = key
        self._staging = root / "staging" / f"{key}.tree"
        self._journal = root / "staging" / f"{key}.journal"
        self._lock = Lock()
        self._known: dict[str, tuple[int, int, str]] | None = None

    @property
    def directory(self) -> Path:
        self._staging.mkdir(parents=True, exist_ok=True)
        return self._staging

    def create(self, path: str) -> BinaryIO:
        target = self._target(path)
        file = target.open("wb")
        writer = HashingWriter(file, lambda size, digest: self._note(path, target, size, digest))
        return cast(BinaryIO, io.BufferedWriter(writer, 1024 * 1024))

    def add(self, path: str, source: Path) -> None:
        if source.is_symlink() or not source.is_file():
            raise codes.UNSAFE_PATH.error(path=ascii(path), detail="it is not a regular file")
        target = self._target(path)
        if self._complete(path, target, source.stat().st_size):
            return
        with self._room():
            size, digest = copy_hashed(source, target)
        self._note(path, target, size, digest)

    def add_tree(self, source: Path) -> None:
        files = sorted(regular_files(source))
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(lambda path: self.add(path.relative_to(source).as_posix(), path), files):
                pass

    def commit(self) -> Manifest:
        with self._exclusive(), self._room():
            manifest = self._listing()
            if not manifest.files:
                raise codes.EMPTY_TREE.error(key=self._key)
            final = self._root / "trees" / manifest.digest.removeprefix("sha256-")[:2] / manifest.digest
            manifest_path = self._root / "manifests" / f"{manifest.digest}.json"
            if not manifest_path.exists():
                self._move(final)
                create_once(manifest_path, manifest.model_dump_json().encode())
        self.abort()
        return manifest

    def abort(self) -> None:
        shutil.rmtree(self._staging, ignore_errors=True)
        self._journal.unlink(missing_ok=True)
        self._known = None

    def _move(self, final: Path) -> None:
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._staging.rename(final)
        except OSError as error:
            # Another writer of the same bytes was first: its directory came by the same rename, whole.
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        sync_directory(final.parent)

    def _listing(self) -> Manifest:
        """Hash what was not hashed on the way, make everything durable and read-only."""
        files = sorted(regular_files(self.directory))
        with ThreadPoolExecutor(THREADS) as pool:
            entries = list(pool.map(self._entry, files))
        for folder in {file.parent for file in files} | {self._staging}:
            sync_directory(folder)
        return Manifest(files=tuple(entries))

    def _entry(self, file: Path) -> FileEntry:
        path = check_tree_path(file.relative_to(self._staging).as_posix())
        known = self._journaled().get(path)
        stat = file.stat()
        if known and known[:2] == (stat.st_size, stat.st_mtime_ns):
            size, digest = known[0], known[2]
        else:
            sync_file(file)
            size, digest = hash_file(file)
        file.chmod(0o444)
        return FileEntry(path=path, size=size, sha256=digest)

    def _target(self, path: str) -> Path:
        target = self.directory / check_tree_path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _complete(self, path: str, target: Path, size: int) -> bool:
        known = self._journaled().get(path)
        if not known or known[0] != size or not target.exists():
            return False
        stat = target.stat()
        return known[:2] == (stat.st_size, stat.st_mtime_ns)

    def _journaled(self) -> dict[str, tuple[int, int, str]]:
        with self._lock:
            if self._known is None:
                self._known = dict(_read_journal(self._journal))
            return self._known

    def _note(self, path: str, target: Path, size: int, digest: str) -> None:
        row = (size, target.stat().st_mtime_ns, digest)
        self._journaled()[path] = row
        with self._lock, self._journal.open("a") as journal:
            journal.write(json.dumps([path, *row]) + "\n")

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Hold the key while committing, so that two processes with one key do not rename half a directory."""
        self._staging.parent.mkdir(parents=True, exist_ok=True)
        with (self._root / "staging" / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in _FULL:
                raise codes.NO_SPACE.error(store=self._root.as_uri(), detail=error.strerror) from error
            raise


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


def regular_files(folder: Path) -> Iterator[Path]:
    """Every file below ``folder``; a link or a special file raises ``artifact.unsafe-path``."""
    for base, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(base, name)
            if path.is_symlink() or not (path.is_dir() or path.is_file()):
                detail = "it is a link or a special file"
                raise codes.UNSAFE_PATH.error(path=ascii(path.relative_to(folder).as_posix()), detail=detail)
        yield from (Path(base, name) for name in names)

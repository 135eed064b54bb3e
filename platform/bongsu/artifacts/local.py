"""Artifacts in a local directory.

Layout below the root::

    trees/<2 digits>/<digest>/...       the files of a tree, as any program can read them
    manifests/<digest>.json             its listing; a tree exists when this stands
    manifests/<digest>.damaged          the listing of a tree that was set aside
    hashed/<digest>.json                which of its large files were hashed when it was handed out
    records/<key>.record                small create-only records
    checkpoints/<key>/                  mutable space of training runs
    staging/<key>.tree/                 unfinished trees; <key>.lock while somebody writes

A writer fills ``staging``; committing hashes what was not hashed on the way, makes it durable, renames the
directory into ``trees`` and creates the manifest. A kill before the manifest leaves nothing visible. Everything is
its owner's alone: directories have mode 0700, files 0600, and what was committed 0400.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from bongsu.artifacts.checking import is_broken, is_gone_wrong, local_faults, not_a_manifest, size_fault
from bongsu.artifacts.durable import NotAFileError, create_once, make_folder, read_file
from bongsu.artifacts.handing_out import HandingOut
from bongsu.artifacts.hashing import CheckingReader, RangeReader
from bongsu.artifacts.keys import check_key
from bongsu.artifacts.local_writer import LocalWriter, committing
from bongsu.artifacts.refusals import writing_to
from bongsu.domain.artifact import Manifest
from bongsu.domain.codes import artifact as codes
from bongsu.domain.ids import DIGEST_PATTERN, Digest
from bongsu.domain.problems import BongsuError, Problem


class LocalStore:
    """See the module's docstring. Safe for several processes on one machine."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @property
    def uri(self) -> str:
        return self.root.as_uri()

    def writer(self, key: str) -> LocalWriter:
        return LocalWriter(self.root, check_key(key))

    def reader(self, digest: Digest) -> LocalReader:
        try:
            manifest = Manifest.model_validate_json(self._manifest_path(digest).read_bytes())
        except FileNotFoundError:
            raise codes.MISSING.error(digest=digest, store=self.uri) from None
        except OSError as error:
            if not is_gone_wrong(error):
                raise
            raise codes.CORRUPT.error(path="(manifest)", digest=digest, detail=error.strerror) from error
        except ValueError as error:
            raise codes.CORRUPT.error(path="(manifest)", digest=digest, detail=not_a_manifest(error)) from None
        if manifest.digest != digest:
            raise codes.CORRUPT.error(path="(manifest)", digest=digest, detail="it lists another tree")
        notes = self.root / "hashed" / f"{digest}.json"
        return LocalReader(self._tree_path(digest), digest, manifest, notes)

    def has(self, digest: Digest) -> bool:
        return self._manifest_path(digest).exists()

    def withdraw(self, digest: Digest) -> bool:
        path, before = self._manifest_path(digest), self._standing(digest)
        if not is_broken(self, digest):
            return False
        with writing_to(self.root), committing(self.root):
            if self._standing(digest) != before:  # somebody has mended it meanwhile
                return False
            path.replace(path.with_suffix(".damaged"))
        return True

    def put_record(self, key: str, data: bytes) -> bool:
        with writing_to(self.root):
            return create_once(self._record_path(key), data)

    def get_record(self, key: str) -> bytes | None:
        try:
            return read_file(self._record_path(key))
        except FileNotFoundError:
            return None
        except NotAFileError:  # somebody put it there: it stands, and says nothing
            return b""

    def checkpoint_uri(self, key: str) -> str:
        with writing_to(self.root):
            return str(make_folder(self.root / "checkpoints" / check_key(key)))

    def clear_checkpoints(self, key: str) -> None:
        shutil.rmtree(self.root / "checkpoints" / check_key(key), ignore_errors=True)

    def digests(self) -> Iterator[Digest]:
        """Every committed tree."""
        for path in sorted((self.root / "manifests").glob("sha256-*.json")):
            yield Digest(path.stem)

    def _standing(self, digest: Digest) -> tuple[int, ...]:
        """Changes whenever the tree is put in place anew."""
        places = (self._manifest_path(digest), self._tree_path(digest))
        found = [path.lstat() for path in places if os.path.lexists(path)]
        return tuple(number for one in found for number in (one.st_ino, one.st_ctime_ns))

    def _manifest_path(self, digest: str) -> Path:
        if not DIGEST_PATTERN.fullmatch(digest):
            raise codes.MISSING.error(digest=ascii(digest), store=self.uri)
        return self.root / "manifests" / f"{digest}.json"

    def _tree_path(self, digest: str) -> Path:
        return self.root / "trees" / digest.removeprefix("sha256-")[:2] / digest

    def _record_path(self, key: str) -> Path:
        return self.root / "records" / f"{check_key(key)}.record"


class LocalReader:
    """Reads one tree where it lies."""

    def __init__(self, folder: Path, digest: Digest, manifest: Manifest, notes: Path) -> None:
        self._folder = folder
        self._digest = digest
        self._manifest = manifest
        self._entries = {entry.path: entry for entry in manifest.files}
        self._handing_out = HandingOut(folder, manifest, notes)

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    @property
    def uri(self) -> str:
        return self._folder.as_uri()

    def open(self, path: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        if path not in self._entries:
            raise FileNotFoundError(f"{path} is not in artifact {self._digest}")
        entry = self._entries[path]
        try:
            file = (self._folder / path).open("rb")
        except FileNotFoundError:
            raise self._corrupt(path, "it is gone") from None
        except OSError as error:
            if not is_gone_wrong(error):
                raise
            raise self._corrupt(path, error.strerror or str(error)) from error
        fault = size_fault(entry, self._digest, os.fstat(file.fileno()).st_size)
        if fault:
            file.close()
            raise BongsuError([fault])
        if offset == 0 and length is None:
            checked = CheckingReader(file, (entry.size, entry.sha256), lambda detail: self._corrupt(path, detail))
            return cast(BinaryIO, io.BufferedReader(checked, 1024 * 1024))
        problem = self._handing_out.fault(entry)
        if problem:
            file.close()
            raise BongsuError([problem])
        file.seek(offset)
        left = entry.size - offset if length is None else length
        return cast(BinaryIO, io.BufferedReader(RangeReader(file, max(0, left)), 1024 * 1024))

    def local(self) -> Path:
        _raise(self._handing_out.faults())
        return self._folder

    def check_sizes(self) -> None:
        _raise(local_faults(self._folder, self._manifest, by_size=True))

    def verify(self) -> None:
        _raise(local_faults(self._folder, self._manifest))

    def _corrupt(self, path: str, detail: str) -> BongsuError:
        return codes.CORRUPT.error(path=path, digest=self._digest, detail=detail)


def _raise(problems: list[Problem]) -> None:
    if problems:
        raise BongsuError(problems)

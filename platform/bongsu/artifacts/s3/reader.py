"""Reading one tree from S3."""

from __future__ import annotations

import hashlib
import io
import shutil
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from bongsu.artifacts.checking import size_fault
from bongsu.artifacts.durable import make_folder, private
from bongsu.artifacts.hashing import CheckingReader
from bongsu.artifacts.pieces import PIECE_BYTES, PieceReader, count_of
from bongsu.artifacts.s3.client import NOT_FOUND, OUT_OF_RANGE, error_code, explained
from bongsu.domain.artifact import FileEntry, Manifest
from bongsu.domain.codes import artifact as codes
from bongsu.domain.ids import Digest
from bongsu.domain.problems import BongsuError, Problem

if TYPE_CHECKING:
    from bongsu.artifacts.s3.store import S3Store

THREADS = 8
CHUNK = 1 << 20
KEPT_PIECES = 2


class S3Reader:
    """Streams from the bucket; ``local()`` keeps a verified copy in the cache."""

    def __init__(
        self,
        store: S3Store,
        digest: Digest,
        prefix: str,
        manifest: Manifest,
        pieces: Mapping[str, Sequence[str]],
    ) -> None:
        self._store = store
        self._pieces = pieces
        self._whole: set[str] = set()
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._lock = Lock()
        self._digest = digest
        self._prefix = prefix
        self._manifest = manifest
        self._entries = {entry.path: entry for entry in manifest.files}

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    @property
    def prefix(self) -> str:
        """Where the files lie, below the store's own prefix."""
        return self._prefix

    @property
    def uri(self) -> str:
        return f"s3://{self._store.bucket}/{self._store.key(self._prefix)}"

    def open(self, path: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        if path not in self._entries:
            raise FileNotFoundError(f"{path} is not in artifact {self._digest}")
        entry = self._entries[path]
        whole = offset == 0 and length is None
        end = entry.size if length is None else min(entry.size, offset + length)
        if end <= offset and not whole:
            return io.BytesIO(b"")
        if not whole:
            return cast(BinaryIO, io.BufferedReader(self._range(entry, offset, end), CHUNK))
        stream = _BodyStream(self._store.uri, self._body(entry, ""))
        expected = (entry.size, entry.sha256)
        checked = CheckingReader(cast(BinaryIO, stream), expected, lambda detail: self._corrupt(path, detail))
        return cast(BinaryIO, io.BufferedReader(checked, CHUNK))

    def _range(self, entry: FileEntry, start: int, end: int) -> io.RawIOBase:
        """The bytes ``start`` to ``end``, none of them unchecked."""
        hashes = self._pieces.get(entry.path, ()) if entry.size > PIECE_BYTES else (entry.sha256,)
        if len(hashes) != count_of(entry.size):
            self._check_once(entry)
            return _BodyStream(self._store.uri, self._body(entry, f"bytes={start}-{end - 1}"))
        return PieceReader(lambda number: self._piece(entry, number, hashes[number]), start, end)

    def _piece(self, entry: FileEntry, number: int, digest: str) -> bytes:
        """One piece of a file. The last ones are kept: tensors that lie side by side are often in one piece."""
        key = (entry.path, number)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        begin, end = number * PIECE_BYTES, min(entry.size, (number + 1) * PIECE_BYTES)
        with _BodyStream(self._store.uri, self._body(entry, f"bytes={begin}-{end - 1}")) as stream:
            data = stream.readall()
        if hashlib.sha256(data).hexdigest() != digest:
            raise self._corrupt(entry.path, "its bytes changed")
        with self._lock:
            self._kept[key] = data
            while len(self._kept) > KEPT_PIECES:
                self._kept.popitem(last=False)
        return data

    def _check_once(self, entry: FileEntry) -> None:
        """Of a file without hashes of its pieces, all of it is read before a part."""
        if entry.path not in self._whole:
            fault = self._fault(entry)
            if fault:
                raise BongsuError([fault])
            self._whole.add(entry.path)

    def local(self) -> Path:
        return self._store.copies.give(self._manifest, self._fetch)

    def check_sizes(self) -> None:
        there = self._store.listing(self._prefix)
        faults = [
            size_fault(entry, self._digest, there[entry.path][0] if entry.path in there else None)
            for entry in self._manifest.files
        ]
        problems = [fault for fault in faults if fault]
        if problems:
            raise BongsuError(problems)

    def verify(self) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(self._fault, self._manifest.files))
        problems = [problem for problem in found if problem]
        if problems:
            raise BongsuError(problems)

    def _fetch(self, folder: Path) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(lambda entry: self._download(entry, folder / entry.path), self._manifest.files):
                pass

    def _download(self, entry: FileEntry, target: Path) -> None:
        if target.exists() and target.stat().st_size == entry.size:
            return
        make_folder(target.parent)
        unfinished = target.with_name(target.name + ".part")
        unfinished.unlink(missing_ok=True)
        with self.open(entry.path) as source, open(unfinished, "wb", opener=private) as file:
            shutil.copyfileobj(source, file, CHUNK)
        unfinished.chmod(0o400)
        unfinished.rename(target)

    def _fault(self, entry: FileEntry) -> Problem | None:
        try:
            with self.open(entry.path) as file:
                while file.read(CHUNK):
                    pass
        except BongsuError as error:
            return error.problems[0]
        return None

    def _body(self, entry: FileEntry, byte_range: str) -> object:
        from botocore.exceptions import ClientError

        key = self._store.key(f"{self._prefix}/{entry.path}")
        extra: dict[str, Any] = {"Range": byte_range} if byte_range else {}
        try:
            with explained(self._store.uri):
                found = self._store.client.get_object(Bucket=self._store.bucket, Key=key, **extra)
        except ClientError as error:
            if error_code(error) in NOT_FOUND:
                raise self._corrupt(entry.path, "it is gone") from None
            if error_code(error) in OUT_OF_RANGE:
                raise self._corrupt(entry.path, f"it has less than {entry.size} bytes") from None
            raise
        whole = found["ContentRange"].rpartition("/")[2] if "ContentRange" in found else found["ContentLength"]
        fault = size_fault(entry, self._digest, int(whole))
        if fault:
            found["Body"].close()
            raise BongsuError([fault])
        return found["Body"]

    def _corrupt(self, path: str, detail: str) -> BongsuError:
        return codes.CORRUPT.error(path=path, digest=self._digest, detail=detail)


class _BodyStream(io.RawIOBase):
    """A response body as a raw stream; a connection that breaks raises ``artifact.remote-unreachable``."""

    def __init__(self, uri: str, body: object) -> None:
        self._uri = uri
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        with explained(self._uri):
            data: bytes = self._body.read(len(view))  # type: ignore[attr-defined]
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._body.close()  # type: ignore[attr-defined]
            super().close()

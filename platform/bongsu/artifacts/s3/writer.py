"""Writing one tree to S3: files go to ``data/<writer key>/``, and the tree exists once its manifest does."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from bongsu.artifacts.durable import make_folder, remove_empty
from bongsu.artifacts.local_writer import regular_files
from bongsu.artifacts.s3.client import explained
from bongsu.domain.artifact import FileEntry, Manifest, check_tree_path
from bongsu.domain.codes import artifact as codes
from bongsu.domain.ids import Digest
from bongsu.domain.problems import BongsuError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from bongsu.artifacts.s3.store import S3Store

# S3 allows 10,000 parts of 5 MiB to 5 GiB: with parts that grow, a file of 5 TB fits.
PART_BYTES = 16 * 1024 * 1024
PARTS_BEFORE_GROWTH = 1000
PARALLEL_PARTS = 4
THREADS = 4


class S3Writer:
    """Uploads files as they come; the listing of finished ones is kept beside them, so that an interrupted writer
    with the same key goes on where it stopped."""

    def __init__(self, store: S3Store, key: str, scratch: Path) -> None:
        self._store = store
        self._key = key
        self._scratch = scratch
        self._lock = Lock()
        self._done: dict[str, FileEntry] | None = None

    @property
    def prefix(self) -> str:
        return self._store.key(f"data/{self._key}")

    @property
    def directory(self) -> Path:
        return make_folder(self._scratch)

    def create(self, path: str) -> BinaryIO:
        check_tree_path(path)
        upload = MultipartUpload(self._store.client, self._store.bucket, f"{self.prefix}/{path}", self._store.uri)
        return cast(BinaryIO, io.BufferedWriter(UploadStream(upload, lambda s, d: self._note(path, s, d)), 1 << 20))

    def add(self, path: str, source: Path) -> None:
        if source.is_symlink() or not source.is_file():
            raise codes.UNSAFE_PATH.error(path=ascii(path), detail="it is not a regular file")
        known = self._finished().get(path)
        if known and known.size == source.stat().st_size and self._stands(path, known):
            return
        with source.open("rb") as file, self.create(path) as target:
            shutil.copyfileobj(file, target, PART_BYTES)

    def add_tree(self, source: Path) -> None:
        files = sorted(regular_files(source))
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(lambda file: self.add(file.relative_to(source).as_posix(), file), files):
                pass

    def commit(self) -> Manifest:
        if self._scratch.exists():
            self.add_tree(self._scratch)
        manifest = Manifest(files=tuple(sorted(self._finished().values(), key=lambda f: f.path.encode())))
        if not manifest.files:
            raise codes.EMPTY_TREE.error(key=self._key)
        name = f"trees/{manifest.digest}.json"
        body = json.dumps({"prefix": f"data/{self._key}", "manifest": manifest.model_dump()}).encode()
        if not self._store.create_once(name, body):
            standing = self._standing(manifest.digest)
            if standing is not None and standing != f"data/{self._key}":
                self.abort()
                return manifest
            self._store.write_object(name, body)
        self._clear_scratch()
        self._store.delete_object(self._journal)
        self._done = None
        return manifest

    def abort(self) -> None:
        self._clear_scratch()
        self._store.delete_object(self._journal)
        self._store.delete_prefix(f"data/{self._key}/")
        self._done = None

    def _standing(self, digest: Digest) -> str | None:
        """Where the same tree stands already, every byte of it read; None if what stands is damaged."""
        try:
            reader = self._store.reader(digest)
            if reader.prefix != f"data/{self._key}":
                reader.verify()
        except BongsuError as error:
            if {problem.code for problem in error.problems} <= {codes.CORRUPT, codes.MISSING}:
                return None
            raise
        return reader.prefix

    def _clear_scratch(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)
        remove_empty(self._scratch.parent, self._store.cache)

    @property
    def _journal(self) -> str:
        return f"journals/{self._key}.json"

    def _finished(self) -> dict[str, FileEntry]:
        with self._lock:
            if self._done is None:
                text = self._store.read_object(self._journal)
                rows = json.loads(text) if text else []
                self._done = {row["path"]: FileEntry.model_validate(row) for row in rows}
            return self._done

    def _note(self, path: str, size: int, digest: str) -> None:
        done = self._finished()
        with self._lock:
            done[path] = FileEntry(path=path, size=size, sha256=digest)
            # Only large files are worth a journal entry: a small one is uploaded again as fast.
            if size >= PART_BYTES:
                body = json.dumps([entry.model_dump() for entry in done.values()]).encode()
                self._store.write_object(self._journal, body)

    def _stands(self, path: str, entry: FileEntry) -> bool:
        return self._store.object_size(f"data/{self._key}/{path}") == entry.size


class MultipartUpload:
    """One object, uploaded in parts while it is written; small ones in one request. Every request carries a SHA-256
    that the server checks."""

    def __init__(self, client: S3Client, bucket: str, key: str, store: str) -> None:
        self._client = client
        self._where: dict[str, Any] = {"Bucket": bucket, "Key": key}
        self._store = store
        self._upload: str | None = None
        self._parts: list[Future[dict[str, Any]]] = []
        self._pool: ThreadPoolExecutor | None = None

    def part_bytes(self) -> int:
        """Size of the next part: it doubles every thousand parts."""
        return int(PART_BYTES * 2 ** (len(self._parts) // PARTS_BEFORE_GROWTH))

    def part(self, data: bytes) -> None:
        if self._upload is None:
            with explained(self._store):
                started = self._client.create_multipart_upload(**self._where, ChecksumAlgorithm="SHA256")
            self._upload = started["UploadId"]
            self._pool = ThreadPoolExecutor(PARALLEL_PARTS)
        assert self._pool is not None
        if len(self._parts) >= PARALLEL_PARTS:
            # Never more than this many parts in memory.
            self._parts[-PARALLEL_PARTS].result()
        self._parts.append(self._pool.submit(self._send, len(self._parts) + 1, data))

    def finish(self, rest: bytes) -> None:
        if self._upload is None:
            with explained(self._store):
                self._client.put_object(**self._where, Body=rest, ChecksumAlgorithm="SHA256")
            return
        if rest:
            self.part(rest)
        parts = [part.result() for part in self._parts]
        with explained(self._store):
            self._client.complete_multipart_upload(
                **self._where,
                UploadId=self._upload,
                MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]
            )
        self._close()

    def abandon(self) -> None:
        if self._upload is not None:
            for part in self._parts:
                part.cancel()
            with explained(self._store):
                self._client.abort_multipart_upload(**self._where, UploadId=self._upload)
            self._close()

    def _send(self, number: int, data: bytes) -> dict[str, Any]:
        assert self._upload is not None
        with explained(self._store):
            sent = self._client.upload_part(
                **self._where, UploadId=self._upload, PartNumber=number, Body=data, ChecksumAlgorithm="SHA256"
            )
        part = {"PartNumber": number, "ETag": sent["ETag"]}
        if "ChecksumSHA256" in sent:
            part["ChecksumSHA256"] = sent["ChecksumSHA256"]
        return part

    def _close(self) -> None:
        self._upload = None
        if self._pool is not None:
            self._pool.shutdown()


class UploadStream(io.RawIOBase):
    """A file that goes to S3 while it is written; calls ``done(size, sha256)`` once it is there."""

    def __init__(self, upload: MultipartUpload, done: Any) -> None:
        self._upload = upload
        self._done = done
        self._buffer = bytearray()
        self._hash = hashlib.sha256()
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        self._hash.update(view)
        self._size += len(view)
        self._buffer += view
        while len(self._buffer) >= self._upload.part_bytes():
            size = self._upload.part_bytes()
            self._upload.part(bytes(self._buffer[:size]))
            del self._buffer[:size]
        return len(view)

    def close(self) -> None:
        if self.closed:
            return
        try:
            self._upload.finish(bytes(self._buffer))
            self._done(self._size, self._hash.hexdigest())
        except BaseException:
            self._upload.abandon()
            raise
        finally:
            super().close()


def listed(pages: Any) -> Iterator[dict[str, Any]]:
    for page in pages:
        yield from page.get("Contents", ())

"""One object that is uploaded while it is written."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from bongsu.artifacts.pieces import PieceHasher
from bongsu.artifacts.s3.client import explained

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# S3 allows 10,000 parts of 5 MiB to 5 GiB: with parts that grow, a file of 5 TB fits.
PART_BYTES = 16 * 1024 * 1024
PARTS_BEFORE_GROWTH = 1000
PARALLEL_PARTS = 4


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

    def finish(self, rest: bytes) -> str:
        """Complete the object; returns its ETag."""
        if self._upload is None:
            with explained(self._store):
                return self._client.put_object(**self._where, Body=rest, ChecksumAlgorithm="SHA256")["ETag"]
        if rest:
            self.part(rest)
        parts = [part.result() for part in self._parts]
        with explained(self._store):
            done = self._client.complete_multipart_upload(
                **self._where,
                UploadId=self._upload,
                MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]
            )
        self._close()
        return done["ETag"]

    def abandon(self) -> None:
        if self._upload is not None:
            for part in self._parts:
                part.cancel()
            # A part that arrives after the abort would lie in the bucket for ever.
            wait(self._parts)
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
    """A file that goes to S3 while it is written; calls ``done(size, sha256, pieces, etag)`` once it is there, with
    the hashes of :class:`bongsu.artifacts.pieces.PieceHasher`."""

    def __init__(self, upload: MultipartUpload, done: Callable[[int, str, tuple[str, ...], str], None]) -> None:
        self._upload = upload
        self._done = done
        self._buffer = bytearray()
        self._hash = hashlib.sha256()
        self._pieces = PieceHasher()
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        self._hash.update(view)
        self._pieces.update(view)
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
            etag = self._upload.finish(bytes(self._buffer))
            self._done(self._size, self._hash.hexdigest(), self._pieces.hashes(), etag)
        except BaseException:
            self._upload.abandon()
            raise
        finally:
            super().close()

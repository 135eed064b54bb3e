"""Writing one tree to S3: files go to ``data/<writer key>/<token>/``, and the tree exists once its manifest does."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from bongsu.artifacts.checking import is_damage
from bongsu.artifacts.claim import Claim
from bongsu.artifacts.durable import make_folder
from bongsu.artifacts.local_writer import regular_files
from bongsu.artifacts.refusals import writing_to
from bongsu.artifacts.s3.client import explained
from bongsu.artifacts.s3.progress import Journal, Progress, Uploaded
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
    """Uploads files as they come, into a folder that no other writer ever has; the listing of finished ones is kept
    in the cache, so that an interrupted writer with the same key goes on where it stopped."""

    def __init__(self, store: S3Store, key: str) -> None:
        self._store = store
        self._key = key
        staging = store.cache / "staging"
        self._scratch = staging / f"{key}.tree"
        self._journal = Journal(staging / f"{key}.journal")
        self._claim = Claim(staging / f"{key}.lock", store.cache)
        self._settled = False
        self._lock = Lock()
        self._progress = Progress()

    @property
    def prefix(self) -> str:
        """Where the files lie, below the store's own prefix."""
        return f"data/{self._key}/{self._progress.token}"

    def alone(self) -> AbstractContextManager[None]:
        self._begin()
        return self._claim.kept()

    @property
    def directory(self) -> Path:
        self._begin()
        return make_folder(self._scratch)

    def create(self, path: str) -> BinaryIO:
        check_tree_path(path)
        self._begin()
        key = self._store.key(f"{self.prefix}/{path}")
        upload = MultipartUpload(self._store.client, self._store.bucket, key, self._store.uri)
        return cast(
            BinaryIO, io.BufferedWriter(UploadStream(upload, lambda s, d, e: self._note(path, s, d, e)), 1 << 20)
        )

    def add(self, path: str, source: Path) -> None:
        if source.is_symlink() or not source.is_file():
            raise codes.UNSAFE_PATH.error(path=ascii(path), detail="it is not a regular file")
        self._begin()
        known = self._progress.files.get(path)
        if known and known.entry.size == source.stat().st_size:
            return
        with source.open("rb") as file, self.create(path) as target:
            shutil.copyfileobj(file, target, PART_BYTES)

    def add_tree(self, source: Path) -> None:
        files = sorted(regular_files(source))
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(lambda file: self.add(file.relative_to(source).as_posix(), file), files):
                pass

    def commit(self) -> Manifest:
        self._begin()
        if self._scratch.exists():
            self.add_tree(self._scratch)
        entries = (file.entry for file in self._progress.files.values())
        manifest = Manifest(files=tuple(sorted(entries, key=lambda f: f.path.encode())))
        if not manifest.files:
            self.abort()
            raise codes.EMPTY_TREE.error(key=self._key)
        self._progress.committed = manifest.digest
        self._journal.committing(manifest.digest)
        name = f"trees/{manifest.digest}.json"
        body = json.dumps({"prefix": self.prefix, "manifest": manifest.model_dump()}).encode()
        if not self._store.create_once(name, body):
            if self._stands_elsewhere(manifest.digest):
                self.abort()
                return manifest
            self._store.write_object(name, body)
        self._settle()
        return manifest

    def abort(self) -> None:
        if self._settled:
            return
        self._begin()
        if not self._is_committed():
            self._store.end_uploads(f"{self.prefix}/")
            self._store.delete_prefix(f"{self.prefix}/")
        self._settle()

    def _settle(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._journal.remove()
        self._settled = True
        self._claim.release()

    def _begin(self) -> None:
        with writing_to(self._store.cache):
            self._claim.take(self._read_again)

    def _read_again(self) -> None:
        """Another writer of the key may have worked since. Where it was killed just after its commit, its folder is
        the tree's, and this writer takes another."""
        self._settled = False
        left = self._journal.read()
        self._progress = left or Progress()
        if self._is_committed():
            self._progress = Progress()
        elif left is not None:
            self._take_up(left)
        self._journal.write(self._progress)

    def _take_up(self, left: Progress) -> None:
        """What a killed writer left counts as far as it is still there as it was; parts of files that it did not
        complete would be paid for until somebody looks."""
        self._store.end_uploads(f"{self.prefix}/")
        there = self._store.listing(self.prefix)
        left.files = {
            path: file for path, file in left.files.items() if there.get(path) == (file.entry.size, file.etag)
        }

    def _is_committed(self) -> bool:
        """True if a manifest points at the files of this writer."""
        digest = self._progress.committed
        return digest is not None and self._prefix_of(digest) == self.prefix

    def _prefix_of(self, digest: Digest) -> str | None:
        try:
            return self._store.reader(digest).prefix
        except BongsuError as error:
            if not is_damage(error):
                raise
            return None

    def _stands_elsewhere(self, digest: Digest) -> bool:
        """True if the same tree stands already, every byte of it read; False if it is damaged, or this writer's."""
        try:
            reader = self._store.reader(digest)
            if reader.prefix == self.prefix:
                return False
            reader.verify()
        except BongsuError as error:
            if not is_damage(error):
                raise
            return False
        return True

    def _note(self, path: str, size: int, digest: str, etag: str) -> None:
        file = Uploaded(FileEntry(path=path, size=size, sha256=digest), etag)
        with self._lock, writing_to(self._store.cache):
            self._progress.files[path] = file
            self._journal.uploaded(file)


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
    """A file that goes to S3 while it is written; calls ``done(size, sha256, etag)`` once it is there."""

    def __init__(self, upload: MultipartUpload, done: Callable[[int, str, str], None]) -> None:
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
            etag = self._upload.finish(bytes(self._buffer))
            self._done(self._size, self._hash.hexdigest(), etag)
        except BaseException:
            self._upload.abandon()
            raise
        finally:
            super().close()


def listed(pages: Any) -> Iterator[dict[str, Any]]:
    for page in pages:
        yield from page.get("Contents", ())

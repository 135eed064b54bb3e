"""Writing one tree to S3: files go to ``data/<writer key>/<token>/``, and the tree exists once its manifest does."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from bongsu.artifacts.checking import is_damage
from bongsu.artifacts.claim import Claim
from bongsu.artifacts.durable import make_folder
from bongsu.artifacts.refusals import writing_to
from bongsu.artifacts.regular_files import add_each, refuse_irregular
from bongsu.artifacts.s3.progress import Journal, Progress, Uploaded
from bongsu.artifacts.s3.upload import PART_BYTES, MultipartUpload, UploadStream
from bongsu.artifacts.stamps import Stamp, stamp_of
from bongsu.domain.artifact import FileEntry, Manifest, check_tree_path
from bongsu.domain.codes import artifact as codes
from bongsu.domain.ids import Digest
from bongsu.domain.problems import BongsuError

if TYPE_CHECKING:
    from bongsu.artifacts.s3.store import S3Store


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
        self._sources: dict[str, Stamp | None] = {}

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
        self._sources[path] = None
        key = self._store.key(f"{self.prefix}/{path}")
        upload = MultipartUpload(self._store.client, self._store.bucket, key, self._store.uri)
        stream = UploadStream(upload, lambda *facts: self._note(path, *facts))
        return cast(BinaryIO, io.BufferedWriter(stream, 1 << 20))

    def add(self, path: str, source: Path) -> None:
        refuse_irregular(path, source)
        self._begin()
        stamp = stamp_of(source)
        known = self._progress.files.get(path)
        is_same = self._sources.get(path, stamp) == stamp
        if is_same and known and known.entry.size == source.stat().st_size:
            self._sources[path] = stamp
            return
        with source.open("rb") as file, self.create(path) as target:
            shutil.copyfileobj(file, target, PART_BYTES)
        self._sources[path] = stamp

    def add_tree(self, source: Path) -> None:
        add_each(self.add, source)

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
        # The hash of a file that is one piece stands in the manifest.
        pieces = {path: file.pieces for path, file in self._progress.files.items() if len(file.pieces) > 1}
        record = {"prefix": self.prefix, "manifest": manifest.model_dump(), "pieces": pieces}
        body = json.dumps(record).encode()
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
        self._settled, self._sources = False, {}
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

    def _note(self, path: str, size: int, digest: str, pieces: tuple[str, ...], etag: str) -> None:
        file = Uploaded(FileEntry(path=path, size=size, sha256=digest), etag, pieces)
        with self._lock, writing_to(self._store.cache):
            self._progress.files[path] = file
            self._journal.uploaded(file)


def listed(pages: Any) -> Iterator[dict[str, Any]]:
    for page in pages:
        yield from page.get("Contents", ())
